using System.Runtime.InteropServices;

namespace XenoCrm.Imports;

/// <summary>
/// Whether the rows of a file contradict each other: by the keys of the last <see cref="Window"/> rows, which bounds the
/// memory (some 6 MB). What is remembered follows from the file and the row alone, so that an import that goes on after a
/// crash warns of the same rows.
/// </summary>
public sealed class FileKeys
{
    public const int Window = 50_000;

    private readonly Dictionary<ulong, Entry> entries = [];
    private readonly Queue<(ulong Key, long Row)> ages = [];

    /// <param name="Row">The last row with this key.</param>
    /// <param name="Bytes">Hash of the whole row.</param>
    /// <param name="Owner">Hash of whom the row is about; only for keys that are not people's.</param>
    [StructLayout(LayoutKind.Auto)]
    public readonly record struct Entry(long Row, ulong Bytes, ulong Owner);

    /// <summary>Remembers the row as the last one with this key.</summary>
    /// <returns>The one before it.</returns>
    public Entry? Exchange(string kind, string key, Entry row)
    {
        while (ages.TryPeek(out var oldest) && oldest.Row <= row.Row - Window)
        {
            ages.Dequeue();
            if (entries.TryGetValue(oldest.Key, out var entry) && entry.Row == oldest.Row)
            {
                entries.Remove(oldest.Key);
            }
        }

        var hash = Hash(kind, key);
        var before = entries.TryGetValue(hash, out var found) ? found : (Entry?)null;
        entries[hash] = row;
        ages.Enqueue((hash, row.Row));
        return before;
    }

    /// <summary>FNV-1a with 64 bits: the same in every process, and far too wide for two of a window's keys to meet.</summary>
    public static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        return hash;
    }

    public static ulong Hash(params ReadOnlySpan<string?> parts)
    {
        var hash = 14695981039346656037UL;
        foreach (var part in parts)
        {
            foreach (var c in part ?? "")
            {
                hash = (hash ^ c) * 1099511628211UL;
            }

            hash = (hash ^ 0xFFFF) * 1099511628211UL;
        }

        return hash;
    }
}
