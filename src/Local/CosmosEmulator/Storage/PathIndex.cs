using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// A value in an index, in Cosmos's cross-type order. Arrays and objects have no inner order here: an index may return more
/// than was asked for, and the engine checks again.
/// </summary>
internal readonly struct IndexKey(JsonKind kind, double number, byte[]? text)
{
    public readonly JsonKind Kind = kind;
    public readonly double Number = number;
    public readonly byte[]? Text = text;

    public static IndexKey Of(JsonValue value) => value.Kind switch
    {
        JsonKind.Number => new IndexKey(JsonKind.Number, value.Number, null),
        JsonKind.String => new IndexKey(JsonKind.String, 0, value.StringUtf8.ToArray()),
        var kind => new IndexKey(kind, 0, null),
    };

    public static int Compare(in IndexKey x, in IndexKey y)
    {
        if (x.Kind != y.Kind)
        {
            return x.Kind.CompareTo(y.Kind);
        }

        return x.Kind switch
        {
            JsonKind.Number => x.Number.CompareTo(y.Number),
            JsonKind.String => ReferenceEquals(x.Text, y.Text) ? 0 : JsonText.Compare(x.Text, y.Text),
            _ => 0,
        };
    }
}

internal readonly record struct IndexEntry(IndexKey Key, Item Item);

internal readonly struct IndexOrder : IComparer<IndexEntry>
{
    public int Compare(IndexEntry x, IndexEntry y)
    {
        var order = IndexKey.Compare(x.Key, y.Key);
        return order != 0 ? order : x.Item.Rid.CompareTo(y.Item.Rid);
    }
}

/// <summary>Before the entries equal to a key, or behind them.</summary>
internal readonly struct IndexBound(IndexKey key, bool behind) : IBound<IndexEntry>
{
    public int CompareTo(in IndexEntry element)
    {
        var order = IndexKey.Compare(key, element.Key);
        return order != 0 ? order : behind ? 1 : -1;
    }
}

/// <summary>The ordered index of one path. Built when a query first asks for it, then kept by the writer.</summary>
internal sealed class PathIndex(string path)
{
    private readonly byte[][] _segments = [.. IndexingPolicy.Split(path)[..^1].Select(s => s == "[]" ? [] : Encoding.UTF8.GetBytes(s))];
    private readonly bool _hasElements = path.Contains("/[]/", StringComparison.Ordinal);
    private readonly CowTree<IndexEntry, IndexOrder> _tree = new();

    /// <summary>Texts seen lately: columns such as a status or a campaign id then share one copy per value.</summary>
    private readonly byte[]?[] _recentTexts = new byte[256][];

    // The writer's, reused from change to change.
    private readonly List<IndexKey> _oldKeys = [];
    private readonly List<IndexKey> _newKeys = [];

    public string Path { get; } = path;

    public CowTree<IndexEntry, IndexOrder>.Snapshot Publish() => _tree.Publish();

    /// <summary>
    /// Fills the index from the items of a view, in parallel: each part of the items, in the order of their rids, gives a
    /// sorted run, and the runs are merged. Equal keys are told apart by position, not by reading the items again.
    /// </summary>
    public void Build(ContainerView view)
    {
        var count = view.ByRid.Count;
        var parts = Math.Clamp(count / 10_000, 1, Environment.ProcessorCount);
        var runs = new IndexEntry[parts][];
        Parallel.For(0, parts, part =>
            runs[part] = SortedRun(view, (int)((long)count * part / parts), (int)((long)count * (part + 1) / parts)));
        while (runs.Length > 1)
        {
            var merged = new IndexEntry[(runs.Length + 1) / 2][];
            Parallel.For(0, merged.Length, i => merged[i] = (2 * i) + 1 < runs.Length ? Merge(runs[2 * i], runs[(2 * i) + 1]) : runs[2 * i]);
            runs = merged;
        }

        _tree.Build(runs[0]);
    }

    private IndexEntry[] SortedRun(ContainerView view, int from, int to)
    {
        var found = new List<(IndexKey Key, int Position)>(to - from);
        var items = new List<Item>(to - from);
        var keys = new List<IndexKey>();
        var recent = new byte[256][];
        foreach (var item in view.ByRid.Ascending(from, to))
        {
            keys.Clear();
            Collect(item.At(view.Lsn), keys);
            foreach (var key in keys)
            {
                found.Add((Share(key, recent), items.Count));
            }

            items.Add(item);
        }

        found.Sort(static (x, y) => IndexKey.Compare(x.Key, y.Key) is not 0 and var order ? order : x.Position.CompareTo(y.Position));
        var run = new IndexEntry[found.Count];
        for (var i = 0; i < run.Length; i++)
        {
            run[i] = new IndexEntry(found[i].Key, items[found[i].Position]);
        }

        return run;
    }

    private static IndexEntry[] Merge(IndexEntry[] left, IndexEntry[] right)
    {
        var result = new IndexEntry[left.Length + right.Length];
        int l = 0, r = 0;
        for (var i = 0; i < result.Length; i++)
        {
            // On a tie the left run's: its items have the smaller rids.
            result[i] = r == right.Length || (l < left.Length && IndexKey.Compare(left[l].Key, right[r].Key) <= 0) ? left[l++] : right[r++];
        }

        return result;
    }

    /// <summary>Moves an item from the values of one version to those of another; null is no version.</summary>
    public void Update(Item item, ItemVersion? before, ItemVersion? after)
    {
        _oldKeys.Clear();
        _newKeys.Clear();
        if (before is not null)
        {
            Collect(before, _oldKeys);
        }

        if (after is not null)
        {
            Collect(after, _newKeys);
        }

        foreach (var key in _oldKeys)
        {
            if (!Contains(_newKeys, key))
            {
                _tree.Remove(new IndexEntry(key, item));
            }
        }

        foreach (var key in _newKeys)
        {
            if (!Contains(_oldKeys, key))
            {
                _tree.Add(new IndexEntry(Share(key, _recentTexts), item));
            }
        }
    }

    private static bool Contains(List<IndexKey> keys, IndexKey key)
    {
        foreach (var other in keys)
        {
            if (IndexKey.Compare(other, key) == 0)
            {
                return true;
            }
        }

        return false;
    }

    private void Collect(ItemVersion version, List<IndexKey> keys) => Collect(JsonValue.Parse(version.Json), 0, keys);

    private void Collect(JsonValue value, int depth, List<IndexKey> keys)
    {
        for (; depth < _segments.Length; depth++)
        {
            if (_segments[depth].Length == 0)
            {
                foreach (var element in value.EnumerateArray())
                {
                    Collect(element, depth + 1, keys);
                }

                return;
            }

            if (!value.TryGetProperty(_segments[depth], out value))
            {
                if (_hasElements)
                {
                    return;
                }

                // Listed under undefined: ORDER BY returns the items without the path as well, first.
                break;
            }
        }

        var key = IndexKey.Of(value);
        if (!Contains(keys, key))
        {
            keys.Add(key);
        }
    }

    private static IndexKey Share(IndexKey key, byte[]?[] recentTexts)
    {
        if (key.Text is not { } text)
        {
            return key;
        }

        var hash = new HashCode();
        hash.AddBytes(text);
        ref var recent = ref recentTexts[hash.ToHashCode() & 255];
        if (recent is null || !recent.AsSpan().SequenceEqual(text))
        {
            recent = text;
        }

        return new IndexKey(key.Kind, 0, recent);
    }
}
