using System.Text.Json.Serialization;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>One log-in, from its first refresh token to the last: the family that a reused token revokes.</summary>
public sealed record Session : IWorkspaceItem
{
    public const string KindName = "session";

    public required string Id { get; init; }
    public string Kind => KindName;
    public required string UserId { get; init; }

    /// <summary>The user's, when they logged in (<see cref="User.Stamp"/>).</summary>
    public required string Stamp { get; init; }

    /// <summary>Counts the refresh tokens: this one is good, those before it are spent.</summary>
    public required int Generation { get; init; }

    /// <summary>When this generation began.</summary>
    public required DateTimeOffset RotatedAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Seconds since the last write.</summary>
    [JsonPropertyName("ttl")]
    public required int TimeToLive { get; init; }
}
