using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Items;

/// <summary>The numbers are those of the batch protocol.</summary>
internal enum OperationKind
{
    Create = 0,
    Patch = 1,
    Read = 2,
    Delete = 4,
    Replace = 5,
    Upsert = 20,
}

/// <summary>One operation on one item, and its outcome.</summary>
internal sealed class ItemOperation
{
    public required OperationKind Kind { get; init; }

    public required PartitionKey Key { get; init; }

    public required string Id { get; init; }

    /// <summary>The item to write; null for reads, deletes and patches.</summary>
    public ItemBody? Body { get; init; }

    public JsonPatch? Patch { get; init; }

    public string? IfMatch { get; init; }

    public string? IfNoneMatch { get; init; }

    /// <summary>Writes answer without the item.</summary>
    public bool Minimal { get; init; }

    private double? _charge;

    /// <summary>HTTP status; 0 until it is decided. One that is set before the writer sees it is kept.</summary>
    public int Status { get; set; }

    public int SubStatus { get; set; }

    public string? Message { get; set; }

    public string? Etag { get; set; }

    public ItemVersion? Version { get; set; }

    /// <summary>Request units. What an update costs is found out by the thread that answers, not by the writer.</summary>
    public double Charge
    {
        get => Updated is { } updated && Version is { } version ? _charge ??= RequestCharge.Update(updated.Container, updated.Before, version) : _charge ?? 0;
        set => _charge = value;
    }

    /// <summary>Set when a version was replaced.</summary>
    public (Container Container, ItemVersion Before)? Updated { get; set; }

    /// <summary>The item to answer with, if any.</summary>
    public byte[]? Answer =>
        Status is >= 200 and < 300 && Kind != OperationKind.Delete && (!Minimal || Kind == OperationKind.Read) ? Version?.Json : null;

    public void Fail(int status, string message, int subStatus = 0) => (Status, Message, SubStatus) = (status, message, subStatus);
}

/// <summary>Operations on one container, written together: all or none when atomic, else each on its own.</summary>
internal sealed class ItemRequest(Container container, IReadOnlyList<ItemOperation> operations, bool atomic) : WriteRequest
{
    public Container Container { get; } = container;

    public IReadOnlyList<ItemOperation> Operations { get; } = operations;

    public bool Atomic { get; } = atomic;

    /// <summary>What comes behind an operation that fails is not tried; what came before stays.</summary>
    public bool StopAtFailure { get; init; }
}
