using System.Buffers.Binary;
using XenoCrm.Local.CosmosEmulator.Json;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Items;

/// <summary>
/// The terms an item has in the indexes: a path and a scalar value at it, for each path the policy includes; an array has one
/// for each distinct element. An update writes the terms that go and those that come, not those that stay.
/// </summary>
internal static class IndexTerms
{
    [ThreadStatic]
    private static List<ulong>? s_before, s_after;

    /// <summary>How many terms are in one of two versions only.</summary>
    /// <param name="before">The item's own properties; the closing brace may be missing.</param>
    public static int CountChanges(IndexingPolicy policy, ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        if (before.SequenceEqual(after))
        {
            return 0;
        }

        var (old, current) = (s_before ??= [], s_after ??= []);
        Collect(policy, before, old);
        Collect(policy, after, current);
        int changes = 0, o = 0, c = 0;
        while (o < old.Count || c < current.Count)
        {
            var (left, right) = (o < old.Count ? old[o] : ulong.MaxValue, c < current.Count ? current[c] : ulong.MaxValue);
            changes += left == right ? 0 : 1;
            o = left <= right ? Next(old, o) : o;
            c = right <= left ? Next(current, c) : c;
        }

        return changes;
    }

    private static int Next(List<ulong> sorted, int at)
    {
        var term = sorted[at];
        while (at < sorted.Count && sorted[at] == term)
        {
            at++;
        }

        return at;
    }

    private static void Collect(IndexingPolicy policy, ReadOnlySpan<byte> json, List<ulong> terms)
    {
        terms.Clear();
        Value(json, 0, policy.Root, included: false, path: 1, terms);
        terms.Sort();
    }

    /// <param name="node">What patterns say about this path and below it; null when they say nothing more.</param>
    /// <param name="included">Whether a pattern above includes everything below it.</param>
    /// <returns>The index behind the value.</returns>
    private static int Value(ReadOnlySpan<byte> json, int at, IndexingPolicy.Node? node, bool included, ulong path, List<ulong> terms)
    {
        included = node?.Below ?? included;
        if ((node is null && !included) || at >= json.Length)
        {
            return JsonScan.SkipValue(json, at);
        }

        switch (json[at])
        {
            case (byte)'{':
                for (at++; at < json.Length && json[at] == (byte)'"';)
                {
                    var end = JsonScan.StringEnd(json, at + 1, out var escaped);
                    ReadOnlySpan<byte> name = escaped ? JsonText.Unescape(json[(at + 1)..end]) : json[(at + 1)..end];
                    at = Value(json, Math.Min(end + 2, json.Length), node?.Child(name), included, Mix(path, name), terms);
                    at += at < json.Length && json[at] == (byte)',' ? 1 : 0;
                }

                return Math.Min(at + 1, json.Length);
            case (byte)'[':
                var elements = Mix(path, "[]"u8);
                for (at++; at < json.Length && json[at] != (byte)']';)
                {
                    at = Value(json, at, node?.Child("[]"u8), included, elements, terms);
                    at += at < json.Length && json[at] == (byte)',' ? 1 : 0;
                }

                return Math.Min(at + 1, json.Length);
            default:
                var behind = JsonScan.SkipValue(json, at);
                if (node?.Exact ?? included)
                {
                    // The last term is left for "no more".
                    terms.Add(Math.Min(Mix(path, json[at..behind]), ulong.MaxValue - 1));
                }

                return behind;
        }
    }

    private static ulong Mix(ulong hash, ReadOnlySpan<byte> bytes)
    {
        hash += (ulong)bytes.Length;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var b in bytes)
        {
            hash = (hash << 8) ^ (hash >> 56) ^ b;
        }

        return Mix(hash);
    }

    private static ulong Mix(ulong word)
    {
        word = (word ^ (word >> 32)) * 0x9E37_79B9_7F4A_7C15;
        return word ^ (word >> 29);
    }
}
