using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace XenoCrm.Customers;

public sealed class CustomerNormalizerTests
{
    private static (CustomerDraft Draft, List<FieldIssue> Issues) Normalize(CustomerInput input)
    {
        var issues = new List<FieldIssue>();
        return (CustomerNormalizer.Normalize(input, issues), issues);
    }

    [Theory]
    [InlineData("maria@example.com", true)]
    [InlineData("Maria.Anders+news@Sub.Example.co.uk", true)]
    [InlineData("o'brien@example.ie", true)]
    [InlineData("jürgen@müller.example", true)]
    [InlineData("a@b", false)]
    [InlineData("@example.com", false)]
    [InlineData("a@", false)]
    [InlineData("a b@example.com", false)]
    [InlineData("a@@example.com", false)]
    [InlineData("a@example..com", false)]
    [InlineData(".a@example.com", false)]
    [InlineData("a..b@example.com", false)]
    [InlineData("a@-example.com", false)]
    [InlineData("a@127.0.0.1", false)]
    [InlineData("a@example.com\r\nBcc: x@y.z", false)]
    [InlineData("Maria <maria@example.com>", false)]
    public void Emails(string text, bool isEmail) => CustomerNormalizer.IsEmail(text).ShouldBe(isEmail);

    [Theory]
    [InlineData("+41 44 668 18 00", null, "+41446681800")]
    [InlineData("0041 44 668 18 00", null, "+41446681800")]
    [InlineData("+49 (0) 30 0074321", null, "+49300074321")]
    [InlineData("044 668 18 00", "Switzerland", "+41446681800")]
    [InlineData("044 668 18 00", "ch", "+41446681800")]
    [InlineData("044 668 18 00", null, null)]
    [InlineData("044 668 18 00", "Atlantis", null)]
    [InlineData("(503) 555-7555", "USA", "+15035557555")]
    [InlineData("1-503-555-7555", "US", "+15035557555")]
    [InlineData("(103) 555-7555", "USA", null)]
    [InlineData("(503) 155-7555", "USA", null)]
    [InlineData("555-7555", "USA", null)]
    [InlineData("030-0074321", "Germany", "+49300074321")]
    [InlineData("0074321", "Germany", null)]
    [InlineData("(171) 555-7788", "UK", null)]
    [InlineData("(0171) 555-7788", "UK", "+441715557788")]
    [InlineData("(91) 555 22 82", "Spain", "+34915552282")]
    [InlineData("(5) 555-4729", "Mexico", null)]
    [InlineData("(1) 135-5555", "Argentina", null)]
    [InlineData("02 1234567890", "Italy", null)]
    [InlineData("06 1234 5678", "Italy", "+390612345678")]
    [InlineData("+1234567", null, null)]
    [InlineData("+1234567890123456", null, null)]
    [InlineData("+0123456789", null, null)]
    [InlineData("030-0074321 ext 5", "Germany", null)]
    [InlineData("١٢٣٤٥٦٧٨٩", "Germany", null)]
    public void Phones_are_international_only_when_that_is_certain(string text, string? country, string? expected) =>
        PhoneNumbers.ToE164(text, country).ShouldBe(expected);

    [Fact]
    public void A_doubtful_phone_is_kept_with_a_warning()
    {
        var (draft, issues) = Normalize(new() { ExternalId = "A", Phone = " (5) 555-4729 ", Country = "Mexico" });
        (draft.Phone, draft.PhoneUsable).ShouldBe(("(5) 555-4729", false));
        issues.ShouldHaveSingleItem().ShouldSatisfyAllConditions(i => i.IsWarning.ShouldBeTrue(), i => i.Code.ShouldBe("customer.phone_unusable"));
    }

    [Fact]
    public void Without_a_key_it_is_nobody()
    {
        Normalize(new() { FirstName = "Maria" }).Issues.ShouldHaveSingleItem().Code.ShouldBe("customer.identity_missing");
        Normalize(new() { ExternalId = "  ", Email = "\t" }).Issues.ShouldHaveSingleItem().Code.ShouldBe("customer.identity_missing");
        Normalize(new() { Phone = "12345" }).Issues.Select(i => i.Code).ShouldBe(["customer.phone_unusable", "customer.identity_missing"]);
        Normalize(new() { Phone = "+41446681800" }).Issues.ShouldBeEmpty();
    }

    [Fact]
    public void What_is_wrong_is_named()
    {
        var (_, issues) = Normalize(new()
        {
            ExternalId = new string('x', 129), Email = "nope", Language = "german!", TimeZone = "../etc/passwd", Tags = [new string('t', 101)],
            Attributes = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>("""{ "a b": 1, "list": [1], "half": "\ud800", "ok": true }"""),
            Consent = new Dictionary<string, ConsentInput> { ["fax"] = new(ConsentState.Granted) },
        });
        issues.Select(i => i.Code).ShouldBe(
        [
            "customer.text_too_long", "customer.email_invalid", "customer.language_invalid", "customer.time_zone_unknown", "customer.text_too_long",
            "customer.attribute_name_invalid", "customer.attribute_invalid", "customer.attribute_invalid", "customer.channel_unknown",
        ], ignoreOrder: true);
    }

    [Fact]
    public void Text_is_trimmed_and_of_one_form()
    {
        var (draft, issues) = Normalize(new() { ExternalId = " A1\u00a0", FirstName = "Ma\u0000ria", LastName = "\ud83d\ude00 \ud83d", Language = "DE_ch", TimeZone = "Europe/Zurich", Tags = ["VIP", "vip ", " "] });
        issues.ShouldBeEmpty();
        (draft.ExternalId, draft.FirstName, draft.LastName, draft.Language, draft.TimeZone).ShouldBe(("A1", "Ma ria", "\ud83d\ude00 \ufffd", "de-CH", "Europe/Zurich"));
        draft.Tags.ShouldBe(["VIP"]);
    }

    [Theory]
    [InlineData("Maria Anders", "Maria", "Anders")]
    [InlineData("Anders, Maria", "Maria", "Anders")]
    [InlineData("Ana Trujillo Emparedados", "Ana Trujillo", "Emparedados")]
    [InlineData("Cher", "Cher", null)]
    [InlineData("  ", null, null)]
    public void A_full_name_is_split(string name, string? first, string? last) => CustomerNormalizer.SplitName(name).ShouldBe((first, last));

    [Fact]
    public void No_text_makes_it_fail()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll<string, string, string>((a, b, c) =>
        {
            var (draft, _) = Normalize(new() { ExternalId = a, Email = b, Phone = c, Country = a, FirstName = b, TimeZone = c, Language = a });
            JsonSerializer.Serialize(draft, Platform.Json.Options).ShouldNotBeNull();
            CustomerNormalizer.SplitName(a);
        }));
    }
}
