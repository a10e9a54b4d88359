using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <param name="Field">As in a rule; <c>categories.Shoes</c> for all of a category.</param>
/// <param name="Reason">One of <see cref="LeakReasons"/>.</param>
/// <param name="Because">The field that the rule names.</param>
public sealed record LeftOut(string Field, string Reason, string? Because);

public static class LeakReasons
{
    /// <summary>The segment's rule asks about it, or that of a segment that it asks about.</summary>
    public const string NamedInRule = "named_in_rule";

    /// <summary>What the rule asks about follows from it, or it from that.</summary>
    public const string FollowsFromRule = "follows_from_rule";

    /// <summary>It tells members from others almost by itself, whatever the reason.</summary>
    public const string TellsApartAlone = "tells_apart_alone";
}

/// <summary>
/// What says no more of a segment than its own rule does: that people who spent much have spent much. Left out of what
/// distinguishes it, and of what a model may learn from.
/// </summary>
internal static class RuleLeaks
{
    private static readonly string[] Place = ["city", "region", "country", "postalCode", "timeZone"];
    private static readonly string[] Scores = ["rfm.segment", "rfm.recency", "rfm.frequency", "rfm.monetary"];
    private static readonly string[] Engagement = ["engagement.sent", "engagement.delivered", "engagement.opened", "engagement.clicked", "engagement.lastOpenedAt", "engagement.lastClickedAt"];

    /// <summary>Spend is orders times their average; activity is the later of order and visit; scores are fifths of the three.</summary>
    private static string[] Kin(string field) => field switch
    {
        "city" or "region" or "country" or "postalCode" or "timeZone" => Place,
        "totalSpend" or "averageOrderValue" => ["totalSpend", "averageOrderValue", "rfm.monetary", "rfm.segment"],
        "orderCount" => ["averageOrderValue", "rfm.frequency", "rfm.segment"],
        "lastOrderAt" => ["lastActiveAt", "rfm.recency", "rfm.segment"],
        "firstOrderAt" => ["createdAt"],
        "createdAt" => ["firstOrderAt"],
        "lastVisitAt" => ["lastActiveAt", "visits"],
        "visits" => ["lastVisitAt"],
        "lastActiveAt" => ["lastOrderAt", "lastVisitAt", "rfm.recency", "rfm.segment"],
        "rfm.recency" => ["lastOrderAt", "lastActiveAt", "rfm.segment"],
        "rfm.frequency" => ["orderCount", "averageOrderValue", "rfm.segment"],
        "rfm.monetary" => ["totalSpend", "averageOrderValue", "rfm.segment"],
        "rfm.segment" => [.. Scores, "totalSpend", "averageOrderValue", "orderCount", "lastOrderAt", "lastActiveAt"],
        _ when Engagement.Contains(field) => Engagement,
        _ => [],
    };

    /// <param name="segment">The rule of a segment by its id; null when there is none any more.</param>
    public static IReadOnlyList<LeftOut> Of(CompiledRule rule, Func<string, CompiledRule?> segment)
    {
        var named = new SortedSet<string>(StringComparer.Ordinal);
        Collect(rule, segment, named, []);
        var found = named.ToDictionary(f => f, f => new LeftOut(f, LeakReasons.NamedInRule, f), StringComparer.Ordinal);
        foreach (var field in named)
        {
            foreach (var kin in Kin(field))
            {
                found.TryAdd(kin, new(kin, LeakReasons.FollowsFromRule, field));
            }
        }

        return [.. found.Values];
    }

    /// <summary>Whether a value of an aspect is left out: a category by its own name, everything else by its field.</summary>
    public static bool Holds(IReadOnlyList<LeftOut> leaks, string field, string? value) =>
        leaks.Any(l => l.Field == field || (field == "categories" && value is not null && l.Field == $"categories.{value}"));

    private static void Collect(CompiledRule rule, Func<string, CompiledRule?> segment, SortedSet<string> named, HashSet<string> seen)
    {
        foreach (var test in rule.Root.Tests)
        {
            named.Add(test.Field.Name.StartsWith("categories.", StringComparison.Ordinal) ? test.Field.Name[..test.Field.Name.LastIndexOf('.')] : test.Field.Name);
            foreach (var id in test.Segments.Where(seen.Add))
            {
                if (segment(id) is { } other)
                {
                    Collect(other, segment, named, seen);
                }
            }
        }
    }
}
