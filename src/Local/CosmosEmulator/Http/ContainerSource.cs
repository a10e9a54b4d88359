using XenoCrm.Local.CosmosEmulator.Json;
using XenoCrm.Local.CosmosEmulator.Sql;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>
/// A container, or a partition of it, as the query engine sees it: one view for the whole page, so a transactional batch is
/// seen as a whole or not at all.
/// </summary>
internal sealed class ContainerSource : IQuerySource
{
    /// <summary>Above it, sets of items would be mostly holes that deleted items left.</summary>
    private const int MaxBitsPerItem = 64;

    /// <summary>Steps of a walk over all items in the time of one lookup.</summary>
    private const int LookupsPerStep = 16;

    private readonly Store _store;
    private readonly Scope _scope;
    private readonly long _now;
    private ContainerView _view;

    public ContainerSource(Store store, Container container, Scope scope)
    {
        (_store, _scope, _view, _now) = (store, scope, container.View, store.UnixNow);
        if (scope.Key is { } key)
        {
            var items = _view.ByPartition;
            EstimatedCount = items.Rank(new PrefixBound(key, behind: true)) - items.Rank(new PrefixBound(key, behind: false));
        }
        else
        {
            EstimatedCount = _view.ByRid.Count;
        }
    }

    public int EstimatedCount { get; }

    /// <summary>A hierarchical key of which only the first values are given.</summary>
    private bool IsPrefix => _scope.Key is { } key && key.Count < _view.Definition.KeyPaths.Count;

    public IEnumerable<StoredItem> Scan(long afterRid)
    {
        if (_scope.Key is not { } key)
        {
            var all = _view.ByRid.Ascending(_view.ByRid.Rank(new RidBound(afterRid)), _view.ByRid.Count);
            return Read(_scope.Start is null ? all : all.Where(_scope.Includes));
        }

        var items = _view.ByPartition;
        var end = items.Rank(new PrefixBound(key, behind: true));
        return IsPrefix
            ? Read(items.Ascending(items.Rank(new PrefixBound(key, behind: false)), end).Where(i => i.Rid > afterRid).OrderBy(i => i.Rid))
            : Read(items.Ascending(items.Rank(new PartitionBound(key, afterRid)), end));
    }

    public IEnumerable<StoredItem> ById(IReadOnlyList<string> ids)
    {
        if (_scope.Key is { } key && !IsPrefix)
        {
            foreach (var id in ids.Distinct(StringComparer.Ordinal))
            {
                if (_view.ByKey.TryFind(new KeyBound(key, id), out var item) && TryRead(item, out var stored))
                {
                    yield return stored;
                }
            }

            yield break;
        }

        foreach (var id in ids.Distinct(StringComparer.Ordinal))
        {
            foreach (var item in _view.ById.Ascending(_view.ById.Rank(new IdBound(id)), _view.ById.Rank(new IdBound(id, behind: true))))
            {
                if (_scope.Includes(item) && TryRead(item, out var stored))
                {
                    yield return stored;
                }
            }
        }
    }

    public IEnumerable<StoredItem> ByIdRange(string? from, bool fromInclusive, string? to, bool toInclusive, bool descending)
    {
        if (_scope.Key is { } key && !IsPrefix)
        {
            var partition = _view.ByKey;
            var first = partition.Rank(new KeyRangeBound(key, from, behind: from is not null && !fromInclusive));
            var end = partition.Rank(new KeyRangeBound(key, to, behind: to is null || toInclusive));
            return Read(descending ? partition.Descending(first, end) : partition.Ascending(first, end));
        }

        var items = _view.ById;
        var low = from is null ? 0 : items.Rank(new IdBound(from, behind: !fromInclusive));
        var high = to is null ? items.Count : items.Rank(new IdBound(to, behind: toInclusive));
        var range = descending ? items.Descending(low, high) : items.Ascending(low, high);
        return Read(_scope == default ? range : range.Where(_scope.Includes));
    }

    public IIndex? FindIndex(string path)
    {
        if (!IsIncluded(path))
        {
            return null;
        }

        if (_view.Index(path) is null)
        {
            _view = _store.WithIndex(_view.Container, path);
        }

        return _view.Index(path) is { } entries ? new Index(this, entries) : null;
    }

    public bool HasCompositeIndex(IReadOnlyList<(string Path, bool Descending)> paths) => _view.Definition.Indexing.HasComposite(paths);

    public bool IsIncluded(string path) => _view.Definition.Indexing.IsIncluded(path);

    public RidSet? NewRidSet()
    {
        if (_scope != default || _view.ByRid.Count == 0)
        {
            return null;
        }

        var last = _view.ByRid.Descending(_view.ByRid.Count - 1, _view.ByRid.Count).First().Rid;
        return last <= MaxBitsPerItem * (long)_view.ByRid.Count ? new RidSet(last) : null;
    }

    public IEnumerable<StoredItem> Items(RidSet set)
    {
        var items = _view.ByRid;
        return Read(set.Count > items.Count / LookupsPerStep
            ? items.Ascending(0, items.Count).Where(i => set.Contains(i.Rid))
            : set.Rids.Select(rid => items.TryFind(new RidProbe(rid), out var item) ? item : null).OfType<Item>());
    }

    public bool ShowsAllIndexed => _view.Definition.DefaultTtl is null;

    private IEnumerable<StoredItem> Read(IEnumerable<Item> items)
    {
        foreach (var item in items)
        {
            if (TryRead(item, out var stored))
            {
                yield return stored;
            }
        }
    }

    private bool TryRead(Item item, out StoredItem stored)
    {
        var version = item.At(_view.Lsn);
        stored = new StoredItem(item.Rid, version.Json);
        return !version.IsExpired(_view.Definition.DefaultTtl, _now);
    }

    private sealed class Index(ContainerSource source, CowTree<IndexEntry, IndexOrder>.Snapshot entries) : IIndex
    {
        public int EstimateCount(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive)
        {
            var (from, to) = Ranks(lower, lowerInclusive, upper, upperInclusive);
            return Math.Max(0, to - from);
        }

        public IEnumerable<StoredItem> Range(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive, bool descending)
        {
            var (from, to) = Ranks(lower, lowerInclusive, upper, upperInclusive);
            var items = (descending ? entries.Descending(from, to) : entries.Ascending(from, to)).Select(e => e.Item);
            return source.Read(source._scope == default ? items : items.Where(source._scope.Includes));
        }

        public bool Collect(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive, Func<JsonValue, bool>? test, RidSet to)
        {
            var (first, end) = Ranks(lower, lowerInclusive, upper, upperInclusive);
            var isExact = true;
            var passes = false;
            IndexKey? current = null;
            foreach (var piece in entries.Pieces(first, end))
            {
                foreach (ref readonly var entry in piece.AsSpan())
                {
                    if (current is not { } key || IndexKey.Compare(key, entry.Key) != 0)
                    {
                        current = entry.Key;
                        var isKnown = entry.Key.TryGetValue(out var value);
                        isExact &= isKnown;
                        passes = !isKnown || test is null || test(value);
                    }

                    if (passes)
                    {
                        to.Add(entry.Item.Rid);
                    }
                }
            }

            return isExact;
        }

        /// <summary>A bound that stands for several values must not exclude its neighbours.</summary>
        private (int From, int To) Ranks(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive)
        {
            var (from, to) = (0, entries.Count);
            if (lower is { } low)
            {
                var key = IndexKey.Of(low);
                from = entries.Rank(new IndexBound(key, behind: !lowerInclusive && key.IsExact));
            }

            if (upper is { } high)
            {
                var key = IndexKey.Of(high);
                to = entries.Rank(new IndexBound(key, behind: upperInclusive || !key.IsExact));
            }

            return (from, to);
        }
    }
}

/// <summary>Before or behind the items whose partition key starts with a key.</summary>
internal readonly struct PrefixBound(PartitionKey key, bool behind) : IBound<Item>
{
    public int CompareTo(in Item element) => element.Key.StartsWith(key) ? behind ? 1 : -1 : key.CompareTo(element.Key);
}

/// <summary>A list of JSON documents that can be queried: databases and containers.</summary>
internal sealed class ListSource(IEnumerable<ReadOnlyMemory<byte>> documents) : IQuerySource
{
    private readonly StoredItem[] _items = [.. documents.Select((json, i) => new StoredItem(i + 1, json))];

    public int EstimatedCount => _items.Length;

    public IEnumerable<StoredItem> Scan(long afterRid) => _items.Where(i => i.Rid > afterRid);

    public IEnumerable<StoredItem> ById(IReadOnlyList<string> ids) => _items.Where(i => ids.Contains(Id(i)));

    public IEnumerable<StoredItem> ByIdRange(string? from, bool fromInclusive, string? to, bool toInclusive, bool descending)
    {
        var ordered = _items.OrderBy(Id, StringComparer.Ordinal).Where(i =>
            (from is null || string.CompareOrdinal(from, Id(i)) < (fromInclusive ? 1 : 0))
            && (to is null || string.CompareOrdinal(Id(i), to) < (toInclusive ? 1 : 0)));
        return descending ? ordered.Reverse() : ordered;
    }

    public IIndex? FindIndex(string path) => null;

    public bool HasCompositeIndex(IReadOnlyList<(string Path, bool Descending)> paths) => true;

    public bool IsIncluded(string path) => true;

    public RidSet? NewRidSet() => null;

    public IEnumerable<StoredItem> Items(RidSet set) => _items.Where(i => set.Contains(i.Rid));

    public bool ShowsAllIndexed => true;

    private static string Id(StoredItem item) => JsonValue.Parse(item.Json)["id"u8].AsString() ?? string.Empty;
}
