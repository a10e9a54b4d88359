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
    ];

    private static SegmentTemplate Of(string key, string name, string description, string rule) =>
        new(key, name, description, JsonElement.Parse(rule));
}
