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

    public long? MemberCount { get; init; }

    public DateTimeOffset? BuiltAt { get; init; }

    /// <summary>When a rebuild last showed that it is at work.</summary>
    public DateTimeOffset? SeenAt { get; init; }
}

public enum SegmentState
{
    /// <summary>The tags of some customers may still be those of the former rule. Preview, campaigns and explanations use the rule itself.</summary>
    Building,
    Ready,
}
