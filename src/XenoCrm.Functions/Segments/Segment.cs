using System.Text.Json;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>A named rule. Changed by users only, so its ETag is theirs; what the service finds out is in <see cref="SegmentBuild"/>.</summary>
public sealed record Segment : IWorkspaceItem
{
    public const string KindName = "segment";

    public required string Id { get; init; }

    public string Kind => KindName;

    public required string Name { get; init; }

    public string? Description { get; init; }

    /// <summary>As it was written (see <see cref="RuleParser"/>).</summary>
    public required JsonElement Rule { get; init; }

    /// <summary>Counts the changes that ask for a rebuild: of the rule, and the deletion.</summary>
    public required int Version { get; init; }

    /// <summary>Deleted for everyone, and kept until its tags are gone from the customers.</summary>
    public bool Deleted { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>How far the customers' tags follow a segment's rule.</summary>
public sealed record SegmentBuild : IWorkspaceItem
{
    public const string KindName = "segment-build";

    /// <summary>The segment's.</summary>
    public required string Id { get; init; }

    public string Kind => KindName;

    /// <summary>The segment's version that the last finished rebuild made true; 0 before the first.</summary>
    public int Version { get; init; }

    /// <summary>As of <see cref="BuiltAt"/>.</summary>
    public long? MemberCount { get; init; }

    public DateTimeOffset? BuiltAt { get; init; }

    /// <summary>The moment whose tags the last finished rebuild made true; what time has changed since is still to be done.</summary>
    public DateTimeOffset? TrueAt { get; init; }

    /// <summary>When time alone will next change a member, as far as is known; null when it will not.</summary>
    public DateTimeOffset? NextChangeAt { get; init; }

    /// <summary>Of the rebuild under way; null when there is none.</summary>
    public RebuildProgress? Progress { get; init; }

    /// <summary>When a rebuild last showed that it is at work.</summary>
    public DateTimeOffset? SeenAt { get; init; }
}

/// <param name="Added">Customers who have got the tag so far.</param>
/// <param name="Removed">Customers who have lost it so far; that begins when all others have got theirs.</param>
public sealed record RebuildProgress(DateTimeOffset StartedAt, int Added, int Removed);

public enum SegmentState
{
    /// <summary>The tags of some customers may still be those of the former rule. Preview, campaigns and explanations use the rule itself.</summary>
    Building,
    Ready,
}
