using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

public enum RfmState
{
    /// <summary>Finding the quintiles of all customers with orders.</summary>
    Measuring,

    /// <summary>Writing the scores that have changed.</summary>
    Scoring,
    Done,
}

/// <summary>The one item that says how far the scoring is, and what the last finished one found.</summary>
public sealed record RfmRun : IWorkspaceItem
{
    public const string KindName = "rfm";

    public string Id => KindName;

    public string Kind => KindName;

    /// <summary>Messages of another run are dropped.</summary>
    public required string RunId { get; init; }

    public RfmState State { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the run last showed that it is at work.</summary>
    public required DateTimeOffset SeenAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Null while measuring.</summary>
    public RfmScores? Scores { get; init; }

    /// <summary>Customers with orders, as measured.</summary>
    public long Customers { get; init; }

    public long Checked { get; init; }

    public long Changed { get; init; }

    /// <summary>Of the last run that was finished.</summary>
    public RfmResult? Result { get; init; }
}

/// <param name="Segments">By name.</param>
/// <param name="At">When the bounds were measured.</param>
public sealed record RfmResult(RfmScores Scores, IReadOnlyDictionary<string, RfmTally> Segments, DateTimeOffset At);

/// <param name="Spend">Minor units.</param>
public sealed record RfmTally(long Customers, long Spend)
{
    public RfmTally Add(long spend) => new(Customers + 1, Spend + spend);
}

/// <summary>The queue message: go on with a run.</summary>
public sealed record ScoreRfm(string RunId)
{
    public const string Queue = "rfm-runs";

    /// <summary>Customers up to this id have their scores.</summary>
    public string? AfterId { get; init; }

    public long Checked { get; init; }

    public long Changed { get; init; }

    /// <summary>What has been counted up to <see cref="AfterId"/>: in the message, so that a repeat counts from there.</summary>
    public IReadOnlyDictionary<string, RfmTally> Segments { get; init; } = new Dictionary<string, RfmTally>();
}
