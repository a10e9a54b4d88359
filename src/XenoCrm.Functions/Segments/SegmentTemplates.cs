using System.Text.Json;

namespace XenoCrm.Segments;

/// <summary>A rule to start from.</summary>
public sealed record SegmentTemplate(string Key, string Name, string Description, JsonElement Rule)
{
    public static IReadOnlyList<SegmentTemplate> All { get; } =
    [
        Of("vip", "VIP", "Has bought five times or more, for at least 1,000 in all.", """
            { "combinator": "and", "rules": [
              { "field": "totalSpend", "operator": ">=", "value": 1000 },
              { "field": "orderCount", "operator": ">=", "value": 5 } ] }
            """),
        Of("new", "New", "Became a customer in the last 30 days.", """
            { "combinator": "and", "rules": [
              { "field": "createdAt", "operator": "inLast", "value": "P30D" } ] }
            """),
        Of("at-risk", "At risk", "Has bought at least twice, and nothing in the last 90 days.", """
            { "combinator": "and", "rules": [
              { "field": "orderCount", "operator": ">=", "value": 2 },
              { "field": "lastOrderAt", "operator": "notInLast", "value": "P90D" } ] }
            """),
        Rfm("champions", "Champions", "Bought lately, often and for much.", "Champions"),
        Rfm("loyal", "Loyal customers", "Buy often, and not long ago.", "Loyal Customers"),
        Rfm("potential-loyalists", "Potential loyalists", "Bought lately, more than once.", "Potential Loyalists"),
        Rfm("promising", "New and promising", "Bought lately for the first time or for little.", "New Customers", "Promising"),
        Rfm("need-attention", "Need attention", "Average buyers whom one hears less of.", "Need Attention", "About To Sleep"),
        Rfm("cannot-lose", "Can't lose them", "Bought often and for much, and not for a long time.", "Can't Lose Them", "At Risk"),
        Rfm("hibernating", "Hibernating", "Bought little, long ago.", "Hibernating", "Lost"),
    ];

    /// <param name="names">Of <see cref="RfmScores.Names"/>.</param>
    private static SegmentTemplate Rfm(string key, string name, string description, params string[] names) => new(
        "rfm-" + key, name, description + " By the RFM scores, which a daily job computes.",
        JsonSerializer.SerializeToElement(new { combinator = "and", rules = new[] { new { field = "rfm.segment", @operator = "in", value = names } } }));

    private static SegmentTemplate Of(string key, string name, string description, string rule) =>
        new(key, name, description, JsonElement.Parse(rule));
}
