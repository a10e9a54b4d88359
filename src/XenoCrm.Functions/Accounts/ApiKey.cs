using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>A program's way in. The key itself is shown once and not kept.</summary>
public sealed record ApiKey : IWorkspaceItem
{
    public const string KindName = "api-key";

    /// <summary>The key begins with <c>xk_</c> and this.</summary>
    public required string Id { get; init; }
    public string Kind => KindName;
    public required string Name { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>SHA-256 of the secret part, base64. Of 256 random bits, so that a slow hash would protect nothing more.</summary>
    public required string SecretHash { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>To the minute.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}
