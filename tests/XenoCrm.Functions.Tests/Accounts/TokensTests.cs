using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace XenoCrm.Accounts;

public sealed class TokensTests
{
    private readonly TimeProvider clock = Substitute.For<TimeProvider>();
    private readonly User user = new()
    {
        Id = "u1", Email = "someone@example.com", Name = "Someone", Role = Role.Marketer, PasswordHash = "", CreatedAt = default,
    };

    public TokensTests() => clock.GetUtcNow().Returns(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task A_token_says_who_it_was_issued_to()
    {
        var tokens = Make(("a", 1));
        (await tokens.VerifyAsync(tokens.Issue(user, "s1").Token)).ShouldBe(new AccessToken("u1", "s1", clock.GetUtcNow()));
    }

    [Fact]
    public async Task A_token_ends_when_it_says()
    {
        var tokens = Make(("a", 1));
        var (token, expiresAt) = tokens.Issue(user, "s1");
        clock.GetUtcNow().Returns(expiresAt.AddSeconds(-1));
        (await tokens.VerifyAsync(token)).ShouldNotBeNull();
        clock.GetUtcNow().Returns(expiresAt);
        (await tokens.VerifyAsync(token)).ShouldBeNull();
    }

    [Fact]
    public async Task A_key_is_rotated_by_putting_a_new_one_first()
    {
        var old = Make(("a", 1)).Issue(user, "s1").Token;
        (await Make(("b", 2), ("a", 1)).VerifyAsync(old)).ShouldNotBeNull();
        (await Make(("b", 2)).VerifyAsync(old)).ShouldBeNull();
    }

    [Fact]
    public async Task Another_key_under_the_same_id_is_refused() =>
        (await Make(("a", 1)).VerifyAsync(Make(("a", 2)).Issue(user, "s1").Token)).ShouldBeNull();

    [Theory]
    [InlineData("""{"alg":"none","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"none","typ":"at+jwt","kid":"a"}""")]
    public async Task A_token_without_a_signature_is_refused(string header)
    {
        var payload = Make(("a", 1)).Issue(user, "s1").Token.Split('.')[1];
        (await Make(("a", 1)).VerifyAsync($"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{payload}.")).ShouldBeNull();
    }

    [Fact]
    public async Task Every_changed_character_of_a_token_is_noticed()
    {
        var tokens = Make(("a", 1));
        var token = tokens.Issue(user, "s1").Token;

        // The last character carries two bits that base64url ignores.
        for (var i = 0; i < token.Length - 1; i++)
        {
            var changed = token[..i] + (token[i] == 'A' ? 'B' : 'A') + token[(i + 1)..];
            (await tokens.VerifyAsync(changed)).ShouldBeNull($"character {i}");
        }
    }

    private Tokens Make(params (string Id, byte Seed)[] keys) => new(
        Options.Create(new AuthOptions
        {
            SigningKeys = [.. keys.Select(k => new SigningKey { Id = k.Id, Key = Convert.ToBase64String(SHA256.HashData([k.Seed])) })],
        }),
        clock);
}
