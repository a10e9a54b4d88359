using System.Buffers;
using System.Runtime.CompilerServices;

namespace XenoCrm.Local.CosmosEmulator.Json;

/// <summary>
/// Moves over valid UTF-8 JSON without decoding it. Everything that is not wanted is skipped with vectorised searches:
/// this is what makes a scan of unindexed items cheap. Text that is not valid JSON gives wrong answers, never reads
/// outside the span.
/// </summary>
internal static class JsonScan
{
    private static readonly SearchValues<byte> Structural = SearchValues.Create("\"{}[]"u8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SkipWhite(ReadOnlySpan<byte> json, int at)
    {
        while ((uint)at < (uint)json.Length && json[at] <= (byte)' ')
        {
            at++;
        }

        return at;
    }

    /// <summary><paramref name="at"/> is behind the opening quote; the answer is the closing quote.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int StringEnd(ReadOnlySpan<byte> json, int at, out bool escaped)
    {
        var found = json[at..].IndexOfAny((byte)'"', (byte)'\\');
        if (found >= 0 && json[at + found] == (byte)'"')
        {
            escaped = false;
            return at + found;
        }

        escaped = true;
        return found < 0 ? json.Length : EscapedStringEnd(json, at + found);
    }

    private static int EscapedStringEnd(ReadOnlySpan<byte> json, int at)
    {
        while ((uint)at < (uint)json.Length)
        {
            if (json[at] == (byte)'"')
            {
                return at;
            }

            at += 2;
            if (at >= json.Length)
            {
                break;
            }

            var next = json[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
            {
                break;
            }

            at += next;
        }

        return json.Length;
    }

    /// <summary>The index behind the value that starts at <paramref name="at"/>.</summary>
    public static int SkipValue(ReadOnlySpan<byte> json, int at)
    {
        if ((uint)at >= (uint)json.Length)
        {
            return json.Length;
        }

        switch (json[at])
        {
            case (byte)'"':
                return Math.Min(StringEnd(json, at + 1, out _) + 1, json.Length);
            case (byte)'{':
            case (byte)'[':
                return SkipNested(json, at + 1);
            default:
                while ((uint)at < (uint)json.Length && json[at] is not ((byte)',' or (byte)'}' or (byte)']' or <= (byte)' '))
                {
                    at++;
                }

                return at;
        }
    }

    private static int SkipNested(ReadOnlySpan<byte> json, int at)
    {
        var depth = 1;
        while ((uint)at < (uint)json.Length)
        {
            var next = json[at..].IndexOfAny(Structural);
            if (next < 0)
            {
                break;
            }

            at += next;
            switch (json[at++])
            {
                case (byte)'"':
                    at = StringEnd(json, at, out _) + 1;
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    break;
                default:
                    if (--depth == 0)
                    {
                        return at;
                    }

                    break;
            }
        }

        return json.Length;
    }
}
