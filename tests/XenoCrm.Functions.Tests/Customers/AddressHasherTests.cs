using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

public sealed class AddressHasherTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private static AddressHasher Hasher(byte[] key) => new(Options.Create(new WorkspaceOptions { AddressKey = Convert.ToBase64String(key) }));

    [Fact]
    public void A_key_is_a_keyed_hash_that_anyone_with_the_key_can_compute()
    {
        var expected = Convert.ToBase64String(HMACSHA256.HashData(Key, "email:a@x.org"u8))[..20].Replace('+', '-').Replace('/', '_');
        Hasher(Key).Email("A@x.org").ShouldBe("email:" + expected);
        Hasher(Key).Hash("email", "a@x.org").ShouldBe(expected);
        Hasher(new byte[32]).Email("a@x.org").ShouldNotBe("email:" + expected);
    }

    [Fact]
    public void Keys_can_be_ids_and_are_told_apart()
    {
        var hasher = Hasher(Key);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll<NonNull<string>, NonNull<string>>((a, b) =>
        {
            var key = hasher.External(a.Get);
            key.IndexOfAny(['/', '\\', '?', '#', '%']).ShouldBe(-1);
            key.Length.ShouldBe(29);
            CustomerIdentities.Unescape(CustomerIdentities.Escape(a.Get)).ShouldBe(a.Get);
            (key == hasher.External(b.Get)).ShouldBe(Encoding.UTF8.GetBytes(a.Get).AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(b.Get)));
        }));
        CustomerIdentities.Escape("2026/001 #7~%?\\").ShouldBe("2026~2f001 ~237~7e~25~3f~5c");
        hasher.External(new string('é', 5000)).ShouldNotBe(hasher.External(new string('é', 5001)));
    }

    [Fact]
    public void What_did_not_change_keeps_its_key()
    {
        var hasher = Hasher(Key);
        var draft = CustomerNormalizer.Normalize(new() { ExternalId = "A", Email = "New@x.org", Phone = "+41446681800" }, []);
        var before = new Customer { Id = "1", ExternalId = "A", Email = "old@x.org", Phone = "044", CreatedAt = default, UpdatedAt = default };
        var after = CustomerChange.Overlay(before, draft, "test", default);
        var keys = hasher.KeysOf(after, hasher.KeysOf(draft), hasher.KeysOf(before));
        keys.All.ShouldBe([hasher.External("A"), hasher.Email("new@x.org"), hasher.Phone("+41446681800")]);
        hasher.KeysOf(before).All.ShouldBe([hasher.External("A"), hasher.Email("old@x.org")]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not base64, though it is long enough for a key")]
    [InlineData("dG9vIHNob3J0")]
    public void Without_a_good_key_nothing_starts(string? key)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            [new("Workspace:AddressKey", key), new("Cosmos:Endpoint", "http://localhost/"), new("Signing:Key", Convert.ToBase64String(Key))]).Build();
        var services = new ServiceCollection().AddLogging().AddPlatform(configuration).AddCustomers(configuration).BuildServiceProvider();
        Should.Throw<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate())
            .Message.ShouldContain("Workspace__AddressKey must be at least 32 bytes in base64");
    }
}
