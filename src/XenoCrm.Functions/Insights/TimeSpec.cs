using System.Globalization;
using System.Text.Json.Nodes;

namespace XenoCrm.Insights;

internal enum TimeKind
{
    /// <summary>Within the duration before now.</summary>
    InLast,

    /// <summary>Longer ago than the duration, but not never.</summary>
    LongerAgo,

    /// <summary>Between two durations ago.</summary>
    AgoRange,
    Before,
    OnOrBefore,
    After,
    OnOrAfter,
    Between,
}

/// <summary>A time as a sentence says it.</summary>
/// <param name="Note">How it was read, where it can be read otherwise.</param>
internal sealed record TimeSpec(TimeKind Kind, int Length, string? Duration = null, string? Longer = null, DateOnly From = default, DateOnly To = default, string? Note = null)
{
    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The comparison of a field with it.</summary>
    public Draft Of(string field) => Kind switch
    {
        TimeKind.InLast => Draft.Test(field, "inLast", Duration),
        TimeKind.LongerAgo => Draft.All(Draft.Test(field, "notNull"), Draft.Test(field, "notInLast", Duration)),
        TimeKind.AgoRange => Draft.All(Draft.Test(field, "inLast", Longer), Draft.Test(field, "notInLast", Duration)),
        TimeKind.Before => Draft.Test(field, "before", Text(From)),
        TimeKind.OnOrBefore => Draft.Test(field, "<=", Text(To)),
        TimeKind.After => Draft.Test(field, "after", Text(To)),
        TimeKind.OnOrAfter => Draft.Test(field, ">=", Text(From)),
        _ => From == To ? Draft.Test(field, "=", Text(From)) : Draft.Test(field, "between", new JsonArray(Text(From), Text(To))),
    };

    /// <summary>Did not: who never did at all did not do it then either.</summary>
    public Draft NotOf(string field) => Kind switch
    {
        TimeKind.InLast => Draft.Test(field, "notInLast", Duration),
        TimeKind.OnOrAfter => Draft.Any(Draft.Test(field, "<", Text(From)), Draft.Test(field, "null")),
        TimeKind.After => Draft.Any(Draft.Test(field, "<=", Text(To)), Draft.Test(field, "null")),

        // "Not in more than a year": the same as not within it.
        TimeKind.LongerAgo => Draft.Test(field, "notInLast", Duration),
        _ => Of(field).Not(),
    };
}
