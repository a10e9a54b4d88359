using XenoCrm.Customers;

namespace XenoCrm.Segments;

public sealed class SegmentRulesTests
{
    private static readonly Moment Now = new(Rules.Now);

    private static readonly Customer Anna = Rules.Customer(c => c with
    {
        FirstName = "Anna", City = "Zürich", Country = "CH", Tags = ["vip", "newsletter"], TotalSpend = 1234_50, OrderCount = 7, Visits = 20,
        LastOrderAt = Rules.Now.AddDays(-12), LastActiveAt = Rules.Now.AddDays(-2), Birthday = new DateOnly(1990, 9, 3),
        Categories = new Dictionary<string, CategoryTotals> { ["Books"] = new(3, 80_00, Rules.Now.AddDays(-40)) },
        Consent = new Dictionary<string, Consent> { ["email"] = new(ConsentState.Granted, Rules.Now, "api") },
        Attributes = Rules.Attributes("""{ "points": 120, "member": true }"""),
    });

    private static readonly string[] Shapes =
    [
        """{ "field": "totalSpend", "operator": ">", "value": 1000 }, { "field": "orderCount", "operator": ">=", "value": 5 }""",
        """{ "field": "city", "operator": "=", "value": "zürich" }, { "field": "country", "operator": "in", "value": ["DE", "AT", "CH"] }""",
        """{ "field": "lastOrderAt", "operator": "inLast", "value": "P6M" }, { "field": "lastActiveAt", "operator": "notInLast", "value": "P90D" }""",
        """{ "field": "tags", "operator": "contains", "value": "VIP" }, { "field": "consent.email", "operator": "=", "value": "granted" }""",
        """{ "field": "categories.Books.spend", "operator": ">", "value": 50 }, { "field": "attributes.points", "operator": "between", "value": [100, 200] }""",
        """{ "field": "birthday", "operator": "anniversaryWithin", "value": "P7D" }, { "field": "firstName", "operator": "contains", "value": "nn" }""",
    ];

    private static SegmentRules Fifty { get; } = new(
        Enumerable.Range(0, 50).Select(i => new ActiveRule($"s{i:00}", 1, Rules.Parse($$"""{ "combinator": "and", "rules": [ {{Shapes[i % Shapes.Length]}} ] }"""))), 0);

    [Fact]
    public void Tags_that_are_right_already_are_kept_and_cost_no_memory()
    {
        var tagged = Anna with { SegmentIds = Fifty.SegmentsOf(Anna, Now) };
        tagged.SegmentIds.Count.ShouldBeInRange(30, 49);
        tagged.SegmentIds.ShouldBe(tagged.SegmentIds.Order(StringComparer.Ordinal));
        Fifty.SegmentsOf(tagged, Now).ShouldBeSameAs(tagged.SegmentIds);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Fifty.SegmentsOf(tagged, Now);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void Segments_of_segments_are_evaluated_after_those_they_ask_about()
    {
        // The ids sort against the order of dependence, and the customer's own tags are wrong.
        var rules = new SegmentRules(
        [
            new("a", 1, Rules.One("segments", "contains", "\"b\"")),
            new("b", 1, Rules.One("segments", "in", "[\"c\", \"x\"]")),
            new("c", 1, Rules.One("city", "=", "\"Zürich\"")),
            new("d", 1, Rules.One("segments", "notIn", "[\"a\", \"old\"]")),
        ], 0);
        rules.SegmentsOf(Anna with { SegmentIds = ["old"] }, Now).ShouldBe(["a", "b", "c"]);
        rules.SegmentsOf(Anna with { City = null, SegmentIds = ["a", "b", "old"] }, Now).ShouldBe(["d"]);
    }

    [Fact]
    public void A_circle_is_cut_and_not_followed_for_ever()
    {
        var rules = new SegmentRules(
        [
            new("a", 1, Rules.One("segments", "contains", "\"b\"")),
            new("b", 1, Rules.One("segments", "contains", "\"a\"")),
            new("c", 1, Rules.One("segments", "contains", "\"c\"")),
        ], 0);
        rules.SegmentsOf(Anna with { SegmentIds = ["a", "b"] }, Now).ShouldBeEmpty();
    }

    [Fact]
    public void A_rule_that_cannot_be_read_leaves_its_members_as_they_are()
    {
        var rules = new SegmentRules([new("a", 1, null), new("b", 1, Rules.One("city", "notNull", "null"))], 0);
        rules.SegmentsOf(Anna with { SegmentIds = ["a"] }, Now).ShouldBe(["a", "b"]);
        rules.SegmentsOf(Anna, Now).ShouldBe(["b"]);
    }

    [Theory]
    [InlineData("2026-01-31", "2026-01-31T00:00:00.000Z", 20260131000000000)]
    [InlineData("2026-01-31T00:00:00.000Z", "2026-01-31T00:00:00.000Z", 20260131000000000)]
    [InlineData("2026-12-31T23:59:59.999Z", "2026-12-31T23:59:59.999Z", 20261231235959999)]
    [InlineData("0001-01-01", "0001-01-01T00:00:00.000Z", 10101000000000)]
    public void A_stamp_reads_what_is_stored(string text, string time, long stamp)
    {
        Stamp.TryRead(text, out var read).ShouldBeTrue();
        read.ShouldBe(stamp);
        read.ShouldBe(Stamp.Of(DateTimeOffset.Parse(time)));
        Stamp.TryRead(Stamp.ToText(read), out var again).ShouldBeTrue();
        again.ShouldBe(stamp);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-01-31T00:00:00Z")]
    [InlineData("2026-01-31\n")]
    [InlineData("2026-01-3١")]
    [InlineData("2026/01/31")]
    [InlineData("2026-01-31t00:00:00.000z")]
    public void A_stamp_reads_nothing_else(string text) => Stamp.TryRead(text, out _).ShouldBeFalse();
}
