using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Privacy;

public enum ErasureState
{
    /// <summary>Begun; whatever becomes of the process, it goes on to its end.</summary>
    Running,
    Done,
}

/// <summary>
/// A person's erasure: first what is to be done, then what was done, and for good the certificate of it. Nothing in it
/// says who the person was: addresses are keyed hashes, ids are random.
/// </summary>
public sealed record Erasure : IWorkspaceItem
{
    public const string KindName = "erasure";

    /// <summary>The customer's id, or <c>address-…</c> for somebody who was none.</summary>
    public required string Id { get; init; }

    public string Kind => KindName;
    public required ErasureState State { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The user's or API key's id.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>Under which the person was known: the customer and those that were merged into it. The last one is looked at.</summary>
    public IReadOnlyList<string> CustomerIds { get; init; } = [];

    /// <summary>Keyed hashes by which nobody is ever created again.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>Keys of the person that are another customer's by now, and stay theirs.</summary>
    public IReadOnlyList<string> KeysOfOthers { get; init; } = [];

    /// <summary>Keyed hashes of the addresses that are never written to again, but for <see cref="AddressesOfOthers"/>.</summary>
    public IReadOnlyList<ErasedAddress> Addresses { get; init; } = [];

    /// <summary>Addresses of the person that another customer has now: a former email, a number they share. They are not blocked.</summary>
    public IReadOnlyList<ErasedAddress> AddressesOfOthers { get; init; } = [];

    /// <summary>Null while running, or when the customer was deleted by another way meanwhile.</summary>
    public RemovedCounts? Removed { get; init; }

    public IReadOnlyList<RemainingData> Remains { get; init; } = [];
}

/// <param name="Key">By which the address identifies its customer; null: it does not.</param>
public sealed record ErasedAddress(string Channel, string Hash, string? Key = null);

/// <param name="Until">Null: for good.</param>
public sealed record RemainingData(string What, string Why, DateTimeOffset? Until = null, int? Count = null);
