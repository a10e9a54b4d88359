using System.Runtime.InteropServices;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// Sorts the entries of a part of the items: by key, equal keys by the order in which they were added. Almost everything is
/// a sort of plain words, eight bytes of the keys at a time; a sort that compares keys took three times as long.
/// </summary>
internal sealed class IndexRun(int capacity)
{
    private readonly List<Item> _items = new(capacity);
    private readonly List<(IndexKey Key, int Item)> _entries = new(capacity);

    /// <summary>Items come by ascending rid, and their keys with them.</summary>
    public void Add(Item item, List<IndexKey> keys)
    {
        foreach (var key in keys)
        {
            _entries.Add((key, _items.Count));
        }

        _items.Add(item);
    }

    public IndexEntry[] Sort()
    {
        var entries = CollectionsMarshal.AsSpan(_entries);
        var words = new ulong[entries.Length];
        var order = new int[entries.Length];

        // Strings lie between numbers and arrays; each of the three groups has words of its own.
        int others = 0, texts = 0;
        foreach (ref var entry in entries)
        {
            texts += entry.Key.Text is not null ? 1 : 0;
            others += entry.Key.Text is null && !entry.Key.IsArrayOrObject ? 1 : 0;
        }

        var (other, text, nested) = (0, others, others + texts);
        for (var i = 0; i < entries.Length; i++)
        {
            ref var key = ref entries[i].Key;
            var at = key.Text is not null ? text++ : key.IsArrayOrObject ? nested++ : other++;
            (words[at], order[at]) = (key.Word, i);
        }

        Sort(words.AsSpan(0, others), order.AsSpan(0, others));
        SortTexts(words.AsSpan(others, texts), order.AsSpan(others, texts), depth: 0);
        Sort(words.AsSpan(others + texts), order.AsSpan(others + texts));

        var sorted = new IndexEntry[entries.Length];
        for (var i = 0; i < sorted.Length; i++)
        {
            var (key, item) = entries[order[i]];
            sorted[i] = new IndexEntry(key, _items[item]);
        }

        return sorted;
    }

    private static void Sort(Span<ulong> words, Span<int> order)
    {
        words.Sort(order);
        foreach (var (from, to) in Ties(words))
        {
            order[from..to].Sort();
        }
    }

    /// <param name="depth">How many bytes are known to be equal.</param>
    private void SortTexts(Span<ulong> words, Span<int> order, int depth)
    {
        words.Sort(order);
        foreach (var (from, to) in Ties(words))
        {
            var tied = order[from..to];
            switch (Rest(tied, depth + sizeof(ulong)))
            {
                case Tie.Equal:
                    tied.Sort();
                    break;
                case Tie.Longer:
                    var next = words[from..to];
                    for (var i = 0; i < next.Length; i++)
                    {
                        next[i] = IndexKey.WordOf(_entries[tied[i]].Key.Text, depth + sizeof(ulong));
                    }

                    SortTexts(next, tied, depth + sizeof(ulong));
                    break;
                default:
                    tied.Sort((a, b) => IndexKey.Compare(_entries[a].Key, _entries[b].Key) is not 0 and var difference ? difference : a.CompareTo(b));
                    break;
            }
        }
    }

    private enum Tie
    {
        /// <summary>All are the same text.</summary>
        Equal,

        /// <summary>All go on behind the bytes compared.</summary>
        Longer,

        /// <summary>Some end here: a text and the same with zeros behind it look alike.</summary>
        Mixed,
    }

    private Tie Rest(ReadOnlySpan<int> tied, int compared)
    {
        var first = _entries[tied[0]].Key.Text!;
        bool same = true, longer = true;
        foreach (var entry in tied)
        {
            var text = _entries[entry].Key.Text!;
            same &= ReferenceEquals(text, first) || (text.Length == first.Length && text.Length <= compared);
            longer &= text.Length > compared;
        }

        return same ? Tie.Equal : longer ? Tie.Longer : Tie.Mixed;
    }

    private static List<(int From, int To)> Ties(ReadOnlySpan<ulong> words)
    {
        var ties = new List<(int, int)>();
        for (var from = 0; from < words.Length;)
        {
            var to = from + 1;
            while (to < words.Length && words[to] == words[from])
            {
                to++;
            }

            if (to - from > 1)
            {
                ties.Add((from, to));
            }

            from = to;
        }

        return ties;
    }

    /// <summary>Two runs as one; on a tie the left one's entries come first, their items have the smaller rids.</summary>
    public static IndexEntry[] Merge(IndexEntry[] left, IndexEntry[] right)
    {
        var result = new IndexEntry[left.Length + right.Length];
        int l = 0, r = 0;
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = r == right.Length || (l < left.Length && IndexKey.Compare(left[l].Key, right[r].Key) <= 0) ? left[l++] : right[r++];
        }

        return result;
    }
}
