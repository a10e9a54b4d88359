using System.Text.Json.Serialization;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

/// <summary>What the variants of a campaign compete for: the share of its messages that a person did this with.</summary>
public enum WinnerMetric
{
    Open,
    Click,

    /// <summary>Ordered: at least one order is put down to the message (the credit of orders), that was not cancelled or refunded.</summary>
    Conversion,
}

/// <summary>What the rest of the audience gets when the data does not decide.</summary>
public enum WinnerFallback
{
    /// <summary>The variants by their weights, as the test did.</summary>
    Weights,

    /// <summary>The variant that is ahead.</summary>
    Best,
}

/// <summary>The variants go to a part of the audience first; the rest waits, and gets the one that proves better.</summary>
/// <param name="TestShare">The part that gets the variants at once.</param>
/// <param name="After">ISO 8601 duration: no decision is made sooner after the launch; null: as soon as there is enough to judge.</param>
/// <param name="MinCount">Nor before each variant was sent to so many, unless the deadline comes first.</param>
/// <param name="Deadline">ISO 8601 duration: the rest does not wait longer than so after the launch, whatever the data says.</param>
/// <param name="Confidence">Of the whole decision, whatever the number of variants and looks at the data.</param>
public sealed record WinnerRule(WinnerMetric Metric, double TestShare, string? After, int MinCount, string Deadline, double Confidence, WinnerFallback Otherwise)
{
    /// <summary>
    /// So often the data is judged, between <paramref name="After"/> and the deadline. Each look gets its part of the error
    /// that the confidence leaves: who looks ten times for a difference at 95 % finds one in every fifth pair of equal variants.
    /// </summary>
    public const int Looks = 5;

    public DateTimeOffset FirstLook(DateTimeOffset launchedAt) => launchedAt + (After is null ? TimeSpan.Zero : Time(After));

    public DateTimeOffset LastLook(DateTimeOffset launchedAt) => launchedAt + Time(Deadline);

    /// <summary>A duration of a fixed length: months and years are not.</summary>
    public static bool IsTime(string? text) => text is not null && RuleDuration.TryParse(text, out var duration, out _) && duration.Months == 0;

    public static TimeSpan Time(string text) => RuleDuration.TryParse(text, out var duration, out _) ? duration.Time : throw new FormatException($"'{text}' is no duration.");
}

public enum WinnerState
{
    /// <summary>No winner yet; the rest waits.</summary>
    Waiting,
    Decided,

    /// <summary>The deadline came first.</summary>
    Undecided,
}

/// <summary>How a variant did in the test.</summary>
/// <param name="Sent">Messages that the vendor took and that did not fail.</param>
/// <param name="Successes">Of them, those that a person opened or clicked, or that brought an order.</param>
/// <param name="Rate">Null before anything was sent.</param>
/// <param name="Low">With <paramref name="High"/>: the rate's own interval (Wilson), at the rule's confidence.</param>
public sealed record VariantFigures(string Name, int Sent, int Successes, double? Rate, double? Low, double? High);

/// <summary>Made once per look, by compare-and-swap on the campaign, so that every sender goes by the same one.</summary>
/// <param name="Variant">What the rest gets; null: the variants by their weights, or nothing yet.</param>
/// <param name="At">Of the last look.</param>
/// <param name="Looks">How often the data was judged.</param>
/// <param name="NextLookAt">Null when it is over.</param>
/// <param name="Announced">The senders of the waiting rest were called.</param>
public sealed record WinnerResult(
    WinnerState State, string? Variant, DateTimeOffset At, int Looks, DateTimeOffset? NextLookAt, IReadOnlyList<VariantFigures> Figures,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Announced = false);
