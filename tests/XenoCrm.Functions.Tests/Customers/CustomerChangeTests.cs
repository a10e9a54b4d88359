namespace XenoCrm.Customers;

/// <summary>What was said last about a channel holds, however late an older answer arrives.</summary>
public sealed class CustomerChangeTests
{
    private static readonly DateTimeOffset Day = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    // stored state and day, given state and day (null: the time of the run, day 5), expected state and day
    [InlineData("granted", 3, "withdrawn", 4, "withdrawn", 4)]
    [InlineData("granted", 3, "withdrawn", 2, "granted", 3)]
    [InlineData("withdrawn", 3, "granted", 2, "withdrawn", 3)]
    [InlineData("withdrawn", 3, "granted", 4, "granted", 4)]
    [InlineData("withdrawn", 3, "granted", 3, "withdrawn", 3)]
    [InlineData("granted", 3, "withdrawn", 3, "withdrawn", 3)]
    [InlineData("withdrawn", 6, "granted", null, "withdrawn", 6)]
    [InlineData("withdrawn", 4, "granted", null, "withdrawn", 4)]
    [InlineData("granted", 4, "withdrawn", null, "withdrawn", 5)]
    [InlineData("granted", 3, "granted", null, "granted", 3)]
    [InlineData("granted", 3, "granted", 4, "granted", 4)]
    [InlineData("granted", 3, "granted", 2, "granted", 3)]
    public void The_later_answer_holds(string state, int day, string given, int? at, string expected, int expectedDay)
    {
        var before = new Customer
        {
            Id = "c", CreatedAt = Day, UpdatedAt = Day,
            Consent = new Dictionary<string, Consent> { ["email"] = new(Enum.Parse<ConsentState>(state, ignoreCase: true), Day.AddDays(day), "form") },
        };
        var draft = new CustomerDraft
        {
            Consent = new Dictionary<string, ConsentInput> { ["email"] = new(Enum.Parse<ConsentState>(given, ignoreCase: true), at is { } d ? Day.AddDays(d) : null) },
        };
        var after = CustomerChange.Overlay(before, draft, "import", Day.AddDays(5));
        after.Consent["email"].State.ToString().ToLowerInvariant().ShouldBe(expected);
        after.Consent["email"].At.ShouldBe(Day.AddDays(expectedDay));
        CustomerChange.Overlay(after, draft, "import", Day.AddDays(5)).ShouldBeSameAs(after, "the same again changes nothing");
    }

    [Theory]
    [InlineData("withdrawn", null, true)]
    [InlineData("withdrawn", 4, false)]
    [InlineData("granted", null, false)]
    public void A_row_that_takes_no_withdrawal_back_says_so(string state, int? at, bool isKept)
    {
        var before = new Customer
        {
            Id = "c", CreatedAt = Day, UpdatedAt = Day,
            Consent = new Dictionary<string, Consent> { ["sms"] = new(Enum.Parse<ConsentState>(state, ignoreCase: true), Day.AddDays(3), "form") },
        };
        var draft = new CustomerDraft
        {
            Consent = new Dictionary<string, ConsentInput> { ["sms"] = new(ConsentState.Granted, at is { } d ? Day.AddDays(d) : null), ["email"] = new(ConsentState.Granted) },
        };
        (CustomerChange.Kept(before, draft)?.Select(i => (i.Field, i.Code, i.IsWarning)) ?? []).ShouldBe(isKept ? [("consent/sms", "customer.consent_kept", true)] : []);

        // One request about one customer is somebody's word, now.
        CustomerChange.Replace(before, draft, "api", Day.AddDays(5)).Consent["sms"].State.ShouldBe(ConsentState.Granted);
    }
}
