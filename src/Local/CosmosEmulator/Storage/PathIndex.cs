using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Storage;

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
            Parallel.For(0, merged.Length, i => merged[i] = (2 * i) + 1 < runs.Length ? IndexRun.Merge(runs[2 * i], runs[(2 * i) + 1]) : runs[2 * i]);
            runs = merged;
        }

        _tree.Build(runs[0]);
    }

    private IndexEntry[] SortedRun(ContainerView view, int from, int to)
    {
        var run = new IndexRun(to - from);
        var keys = new List<IndexKey>();
        var recent = new byte[256][];
        foreach (var item in view.ByRid.Ascending(from, to))
        {
            keys.Clear();
            Collect(item.At(view.Lsn), keys, recent);
            run.Add(item, keys);
        }

        return run.Sort();
    }

    /// <summary>Moves an item from the values of one version to those of another; null is no version.</summary>
    public void Update(Item item, ItemVersion? before, ItemVersion? after)
    {
        _oldKeys.Clear();
        _newKeys.Clear();
        if (before is not null)
        {
            Collect(before, _oldKeys, _recentTexts);
        }

        if (after is not null)
        {
            Collect(after, _newKeys, _recentTexts);
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
                _tree.Add(new IndexEntry(key, item));
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

    private void Collect(ItemVersion version, List<IndexKey> keys, byte[]?[] recent) => Collect(JsonValue.OfObject(version.Json), 0, keys, recent);

    private void Collect(JsonValue value, int depth, List<IndexKey> keys, byte[]?[] recent)
    {
        for (; depth < _segments.Length; depth++)
        {
            if (_segments[depth].Length == 0)
            {
                foreach (var element in value.EnumerateArray())
                {
                    Collect(element, depth + 1, keys, recent);
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

        var key = IndexKey.Of(value, recent);
        if (!Contains(keys, key))
        {
            keys.Add(key);
        }
    }
}
