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
    private readonly int? _inPartition;
    private ContainerView _view;

    public ContainerSource(Store store, Container container, Scope scope)
    {
        (_store, _scope, _view, _now) = (store, scope, container.View, store.UnixNow);
        if (scope.Key is { } key)
        {
            var items = _view.ByPartition;
            _inPartition = items.Rank(new PrefixBound(key, behind: true)) - items.Rank(new PrefixBound(key, behind: false));
        }
    }

    public int EstimatedCount => _inPartition ?? _view.ByRid.Count;

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

        return _view.Index(path) is { } entries ? new Index(this, path, entries) : null;
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

    public int? ExactCount => _view.Definition.DefaultTtl is null ? EstimatedCount : null;

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

    private sealed class Index(ContainerSource source, string path, CowTree<IndexEntry, IndexOrder>.Snapshot found) : IIndex
    {
        private readonly bool _listsElements = path.Contains("/[]/", StringComparison.Ordinal);

        /// <summary>Of the view as it is now: an index that had to be built after this one was found moved it on, and all are used together.</summary>
        private CowTree<IndexEntry, IndexOrder>.Snapshot Entries => source._view.Index(path) ?? found;

        public int EstimateCount(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive)
        {
            var (from, to) = Ranks(Entries, lower, lowerInclusive, upper, upperInclusive);
            return Math.Max(0, to - from);
        }

        public IEnumerable<StoredItem> Range(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive, bool descending)
        {
            var entries = Entries;
            var (from, to) = Ranks(entries, lower, lowerInclusive, upper, upperInclusive);
            var items = (descending ? entries.Descending(from, to) : entries.Ascending(from, to)).Select(e => e.Item);
            return source.Read(source._scope == default ? items : items.Where(source._scope.Includes));
        }

        public Collected Collect(IEnumerable<Interval> ranges, Func<JsonValue, bool>? test, RidSet set)
        {
            var entries = Entries;
            var passing = new List<(int From, int To)>();
            var isExact = true;
            foreach (var (from, to) in ranges.Select(r => Ranks(entries, r.Lower, r.LowerInclusive, r.Upper, r.UpperInclusive)).Order())
            {
                if (test is not null)
                {
                    isExact &= FindPassing(entries, from, to, test, passing);
                }
                else if (from < to)
                {
                    passing.Add((from, to));
                    isExact &= AreExact(entries, from, to);
                }
            }

            // Of those that pass and those that do not, the fewer are put into the set.
            var others = _listsElements || 2L * passing.Sum(r => (long)r.To - r.From) <= entries.Count ? null : Between(passing, entries.Count);
            foreach (var (from, to) in others ?? passing)
            {
                foreach (var piece in entries.Pieces(from, to))
                {
                    foreach (ref readonly var entry in piece.AsSpan())
                    {
                        set.Add(entry.Rid);
                    }
                }
            }

            return new(isExact, others is not null);
        }

        private static bool AreExact(CowTree<IndexEntry, IndexOrder>.Snapshot entries, int from, int to)
        {
            var all = true;
            foreach (var piece in entries.Pieces(from, to))
            {
                foreach (ref readonly var entry in piece.AsSpan())
                {
                    all &= entry.Key.IsExact;
                }
            }

            return all;
        }

        /// <summary>Adds the parts of [from, to) whose values pass. False when there was one that the index does not hold: it passes.</summary>
        private static bool FindPassing(CowTree<IndexEntry, IndexOrder>.Snapshot entries, int from, int to, Func<JsonValue, bool> test, List<(int From, int To)> passing)
        {
            var (isExact, passes, since, at) = (true, false, from, from);
            IndexKey current = default;
            foreach (var piece in entries.Pieces(from, to))
            {
                foreach (ref readonly var entry in piece.AsSpan())
                {
                    if (at == from || IndexKey.Compare(current, entry.Key) != 0)
                    {
                        current = entry.Key;
                        var isKnown = current.TryGetValue(out var value);
                        isExact &= isKnown;
                        var next = !isKnown || test(value);
                        if (passes && !next)
                        {
                            passing.Add((since, at));
                        }

                        (since, passes) = (passes && next ? since : at, next);
                    }

                    at++;
                }
            }

            if (passes)
            {
                passing.Add((since, at));
            }

            return isExact;
        }

        private static List<(int From, int To)> Between(List<(int From, int To)> ranges, int end)
        {
            var between = new List<(int, int)>(ranges.Count + 1);
            var at = 0;
            foreach (var (from, to) in ranges)
            {
                between.Add((at, from));
                at = to;
            }

            between.Add((at, end));
            return between;
        }

        /// <summary>A bound that stands for several values must not exclude its neighbours.</summary>
        private static (int From, int To) Ranks(
            CowTree<IndexEntry, IndexOrder>.Snapshot entries, JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive)
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

    public int? ExactCount => _items.Length;

    private static string Id(StoredItem item) => JsonValue.Parse(item.Json)["id"u8].AsString() ?? string.Empty;
}
