using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>One stored item: its resource number (insertion order, kept by updates) and its JSON with the system properties.</summary>
public readonly record struct StoredItem(long Rid, ReadOnlyMemory<byte> Json);

/// <summary>
/// What a query sees of a container, or of one partition of it. The engine evaluates the whole predicate on every item it
/// is given, so lookups may return more than was asked for, never less.
/// </summary>
public interface IQuerySource
{
    /// <summary>Items with a greater rid, ascending.</summary>
    IEnumerable<StoredItem> Scan(long afterRid);

    /// <summary>Items with one of the ids, each item once.</summary>
    IEnumerable<StoredItem> ById(IReadOnlyList<string> ids);

    /// <summary>Items in the order of their ids (ordinal, by UTF-16 code unit; equal ids by ascending rid), or exactly the reverse; null is no bound.</summary>
    IEnumerable<StoredItem> ByIdRange(string? from, bool fromInclusive, string? to, bool toInclusive, bool descending);

    /// <summary>The index of a path such as <c>/campaignId/?</c> or <c>/segmentIds/[]/?</c>; null when the policy excludes it.</summary>
    IIndex? FindIndex(string path);

    /// <summary>Whether the policy declares a composite index that serves this ORDER BY, in this or the exactly opposite direction.</summary>
    bool HasCompositeIndex(IReadOnlyList<(string Path, bool Descending)> paths);

    /// <summary>Whether the policy includes the path; the service refuses to sort by one that it excludes.</summary>
    bool IsIncluded(string path);

    /// <summary>An estimate of how many items a full scan reads.</summary>
    int EstimatedCount { get; }

    /// <summary>A set for this source's items; null when its indexes list others as well (another partition's) or its rids are too sparse.</summary>
    RidSet? NewRidSet();

    /// <summary>The items of a set, ascending.</summary>
    IEnumerable<StoredItem> Items(RidSet set);

    /// <summary>How many items a scan reads; null when an index may list an item that a scan does not show: one that has expired.</summary>
    int? ExactCount { get; }
}

/// <summary>
/// An ordered index of one path. It lists every item once, under the value it has there, whatever its kind (undefined when it
/// has none), so that an ORDER BY can walk it. For a path with <c>[]</c> an item is listed once per distinct element. A missing
/// bound is open. Arrays and objects need no order among themselves; equal keys come by ascending rid; descending is exactly
/// the reverse.
/// </summary>
public interface IIndex
{
    int EstimateCount(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive);

    IEnumerable<StoredItem> Range(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive, bool descending);

    /// <summary>
    /// Adds to a set the items in some ranges, which have nothing in common, whose value passes a test, which is asked once for
    /// each distinct value (null: all pass); or, where these are fewer, all the other items of the index.
    /// </summary>
    Collected Collect(IEnumerable<Interval> ranges, Func<JsonValue, bool>? test, RidSet set);
}

/// <param name="IsExact">False when the index does not hold some of the values (arrays, objects, large integers): their items count as passing, untested.</param>
/// <param name="AreOthers">The set has the items that do not pass.</param>
public readonly record struct Collected(bool IsExact, bool AreOthers);
