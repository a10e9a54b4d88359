using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;
using XenoCrm.Local.CosmosEmulator.Sql;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>A container in memory, with or without indexes, that counts how it is read.</summary>
internal sealed class MemorySource : IQuerySource
{
    private readonly List<StoredItem> _items = [];
    private readonly Dictionary<string, MemoryIndex> _indexes = new(StringComparer.Ordinal);
    private readonly Func<string, bool> _isIndexed;

    public MemorySource(IEnumerable<string> items, Func<string, bool>? isIndexed = null)
    {
        _isIndexed = isIndexed ?? (_ => false);
        Weight = isIndexed is null ? 1 : 100;
        foreach (var json in items)
        {
            Add(json);
        }
    }

    public int Scans { get; private set; }

    /// <summary>How many items each one stands for, so that few of them are worth an index.</summary>
    public int Weight { get; set; }

    /// <summary>Entries of other partitions beside each one of its own, in every index.</summary>
    public int Others { get; set; }

    public List<string> UsedIndexes { get; } = [];

    public List<(string Path, bool Descending)[]> Composites { get; } = [];

    public Func<string, bool> Included { get; set; } = _ => true;

    public void Add(string json) => _items.Add(new(_items.Count == 0 ? 1 : _items[^1].Rid + 1, Encoding.UTF8.GetBytes(json)));

    public void Remove(Predicate<string> match) => _items.RemoveAll(i => match(Encoding.UTF8.GetString(i.Json.Span)));

    public int EstimatedCount => _items.Count * Weight;

    public IEnumerable<StoredItem> Scan(long afterRid)
    {
        Scans++;
        return _items.Where(i => i.Rid > afterRid);
    }

    public IEnumerable<StoredItem> ById(IReadOnlyList<string> ids)
    {
        UsedIndexes.Add("key");
        return ids.Distinct().SelectMany(id => _items.Where(i => Id(i) == id));
    }

    public IEnumerable<StoredItem> ByIdRange(string? from, bool fromInclusive, string? to, bool toInclusive, bool descending)
    {
        UsedIndexes.Add("ids");
        var found = _items.Where(i =>
            (from is null || (string.CompareOrdinal(Id(i), from) is var a && (a > 0 || (a == 0 && fromInclusive))))
            && (to is null || (string.CompareOrdinal(Id(i), to) is var b && (b < 0 || (b == 0 && toInclusive)))));
        var ordered = found.OrderBy(Id, StringComparer.Ordinal).ThenBy(i => i.Rid);
        return descending ? ordered.Reverse() : ordered;
    }

    private static string Id(StoredItem item) => JsonValue.Parse(item.Json)["id"u8].AsString() ?? "";

    public IIndex? FindIndex(string path)
    {
        if (!_isIndexed(path))
        {
            return null;
        }

        if (!_indexes.TryGetValue(path, out var index))
        {
            _indexes[path] = index = new MemoryIndex(path, _items, UsedIndexes, Others);
        }

        return index;
    }

    public bool HasCompositeIndex(IReadOnlyList<(string Path, bool Descending)> paths) =>
        Composites.Exists(c => c.SequenceEqual(paths) || c.Select(p => (p.Path, !p.Descending)).SequenceEqual(paths));

    public bool IsIncluded(string path) => Included(path);

    public RidSet? NewRidSet() => _items.Count == 0 ? null : new RidSet(_items[^1].Rid);

    public IEnumerable<StoredItem> Items(RidSet set)
    {
        UsedIndexes.Add("set");
        return _items.Where(i => set.Contains(i.Rid));
    }

    public int? ExactCount => _items.Count;

    private sealed class MemoryIndex : IIndex
    {
        private readonly string _path;
        private readonly List<string> _used;
        private readonly int _others;
        private readonly List<(JsonValue Key, StoredItem Item)> _entries = [];

        public MemoryIndex(string path, IEnumerable<StoredItem> items, List<string> used, int others)
        {
            _path = path;
            _used = used;
            _others = others;
            var names = path[1..^2].Split('/').Select(n => n.Trim('"')).ToList();
            foreach (var item in items)
            {
                IEnumerable<JsonValue> values = [JsonValue.Parse(item.Json)];
                foreach (var name in names)
                {
                    values = name == "[]" ? values.SelectMany(v => v.EnumerateArray().ToList()) : values.Select(v => v[Encoding.UTF8.GetBytes(name)]);
                }

                _entries.AddRange(values.Distinct().Where(v => !v.IsUndefined || !names.Contains("[]")).Select(key => (key, item)));
            }

            var byKey = Comparer<JsonValue>.Create((a, b) => a.Kind == b.Kind && a.Kind >= JsonKind.Array ? 0 : JsonValue.Compare(a, b));
            _entries = [.. _entries.OrderBy(e => e.Key, byKey).ThenBy(e => e.Item.Rid)];
        }

        public int EstimateCount(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive) =>
            Find(lower, lowerInclusive, upper, upperInclusive).Count() * (1 + _others);

        public IEnumerable<StoredItem> Range(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive, bool descending)
        {
            _used.Add(_path);
            var found = Find(lower, lowerInclusive, upper, upperInclusive);
            return (descending ? found.Reverse() : found).Select(e => e.Item);
        }

        public Collected Collect(IEnumerable<Interval> ranges, Func<JsonValue, bool>? test, RidSet set)
        {
            _used.Add(_path);
            var passing = ranges.SelectMany(r => Find(r.Lower, r.LowerInclusive, r.Upper, r.UpperInclusive)).Where(e => e.Key.Kind >= JsonKind.Array || test is null || test(e.Key)).ToList();
            var others = _path.Contains("/[]/", StringComparison.Ordinal) ? [] : _entries.Select(e => e.Item.Rid).Except(passing.Select(e => e.Item.Rid)).ToList();
            var areOthers = !_path.Contains("/[]/", StringComparison.Ordinal) && others.Count < passing.Count;
            foreach (var rid in areOthers ? others : passing.Select(e => e.Item.Rid))
            {
                set.Add(rid);
            }

            return new(passing.TrueForAll(e => e.Key.Kind < JsonKind.Array), areOthers);
        }

        private IEnumerable<(JsonValue Key, StoredItem Item)> Find(JsonValue? lower, bool lowerInclusive, JsonValue? upper, bool upperInclusive) =>
            _entries.Where(e =>
                (lower is not { } l || (JsonValue.Compare(e.Key, l) is var a && (a > 0 || (a == 0 && lowerInclusive))))
                && (upper is not { } u || (JsonValue.Compare(e.Key, u) is var b && (b < 0 || (b == 0 && upperInclusive)))));
    }
}
