using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// An item's identity. It stays the same object through updates, so that an update touches only the LSN order and the
/// indexes whose values changed.
/// </summary>
internal sealed class Item(string id, PartitionKey key, long rid)
{
    public readonly string Id = id;
    public readonly PartitionKey Key = key;

    /// <summary>Number of the item in its container: insertion order, kept by updates.</summary>
    public readonly long Rid = rid;

    /// <summary>The newest committed version. Only the writer assigns it.</summary>
    public volatile ItemVersion Current = null!;

    /// <summary>
    /// The version a reader that sees changes up to an LSN should get. Older versions are dropped about a second after they
    /// were replaced (<see cref="Store"/>), so a read that lasts longer may see a newer one.
    /// </summary>
    public ItemVersion At(long lsn)
    {
        var version = Current;
        while (version.Lsn > lsn && version.Previous is { } previous)
        {
            version = previous;
        }

        return version;
    }
}

/// <summary>One state of an item; its JSON includes the system properties.</summary>
internal sealed class ItemVersion(byte[] json, long lsn, int timestamp, int ttl)
{
    /// <summary>The item has no usable "ttl" of its own.</summary>
    public const int NoTtl = 0;

    public readonly byte[] Json = json;
    public readonly long Lsn = lsn;

    /// <summary>Unix seconds.</summary>
    public readonly int Timestamp = timestamp;

    /// <summary>The item's "ttl": seconds, -1 for never, 0 for none.</summary>
    public readonly int Ttl = ttl;

    public volatile ItemVersion? Previous;

    /// <summary>The deadline is computed, never stored: changing the container's default changes it for existing items.</summary>
    public bool IsExpired(int? containerTtl, long now)
    {
        if (containerTtl is not { } fallback)
        {
            return false;
        }

        var seconds = Ttl == NoTtl ? fallback : Ttl;
        return seconds > 0 && Timestamp + (long)seconds <= now;
    }
}

/// <summary>By id, then by rid: lookup of an id over all partitions and ORDER BY c.id.</summary>
internal readonly struct IdOrder : IComparer<Item>
{
    public int Compare(Item? x, Item? y)
    {
        var order = string.CompareOrdinal(x!.Id, y!.Id);
        return order != 0 ? order : x.Rid.CompareTo(y.Rid);
    }
}

/// <summary>By partition key and id: point lookups and ids within a partition.</summary>
internal readonly struct KeyOrder : IComparer<Item>
{
    public int Compare(Item? x, Item? y)
    {
        var order = x!.Key.CompareTo(y!.Key);
        return order != 0 ? order : string.CompareOrdinal(x.Id, y.Id);
    }
}

/// <summary>By partition key and rid: scans of one partition.</summary>
internal readonly struct PartitionOrder : IComparer<Item>
{
    public int Compare(Item? x, Item? y)
    {
        var order = x!.Key.CompareTo(y!.Key);
        return order != 0 ? order : x.Rid.CompareTo(y.Rid);
    }
}

internal readonly struct RidOrder : IComparer<Item>
{
    public int Compare(Item? x, Item? y) => x!.Rid.CompareTo(y!.Rid);
}

/// <summary>The newest change of an item: the change feed in order.</summary>
internal readonly record struct Change(long Lsn, Item Item);

internal readonly struct ChangeOrder : IComparer<Change>
{
    public int Compare(Change x, Change y) => x.Lsn.CompareTo(y.Lsn);
}

/// <summary>Before the ids equal to <paramref name="id"/>, or behind them.</summary>
internal readonly struct IdBound(string id, bool behind = false) : IBound<Item>
{
    public int CompareTo(in Item element)
    {
        var order = string.CompareOrdinal(id, element.Id);
        return order != 0 ? order : behind ? 1 : -1;
    }
}

internal readonly struct KeyBound(PartitionKey key, string id) : IBound<Item>
{
    public int CompareTo(in Item element)
    {
        var order = key.CompareTo(element.Key);
        return order != 0 ? order : string.CompareOrdinal(id, element.Id);
    }
}

/// <summary>Before or behind an id of a partition; no id: before or behind the whole partition.</summary>
internal readonly struct KeyRangeBound(PartitionKey key, string? id, bool behind) : IBound<Item>
{
    public int CompareTo(in Item element)
    {
        var order = key.CompareTo(element.Key);
        if (order == 0 && id is not null)
        {
            order = string.CompareOrdinal(id, element.Id);
        }

        return order != 0 ? order : behind ? 1 : -1;
    }
}

/// <summary>Any item of a partition.</summary>
internal readonly struct PartitionProbe(PartitionKey key) : IBound<Item>
{
    public int CompareTo(in Item element) => key.CompareTo(element.Key);
}

/// <summary>Behind the item of that rid in a partition.</summary>
internal readonly struct PartitionBound(PartitionKey key, long rid) : IBound<Item>
{
    public int CompareTo(in Item element)
    {
        var order = key.CompareTo(element.Key);
        return order != 0 ? order : rid < element.Rid ? -1 : 1;
    }
}

/// <summary>Behind the item of that rid.</summary>
internal readonly struct RidBound(long rid) : IBound<Item>
{
    public int CompareTo(in Item element) => rid < element.Rid ? -1 : 1;
}

internal readonly struct RidProbe(long rid) : IBound<Item>
{
    public int CompareTo(in Item element) => rid.CompareTo(element.Rid);
}

/// <summary>Behind the change of that LSN.</summary>
internal readonly struct ChangeBound(long lsn) : IBound<Change>
{
    public int CompareTo(in Change element) => lsn < element.Lsn ? -1 : 1;
}
