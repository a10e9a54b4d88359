using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Positions and lengths count UTF-16 code units, as in the service. Tests without a position work on the UTF-8 bytes.</summary>
internal static class StringFunctions
{
    // REPLICATE gives undefined beyond this many characters.
    private const int MaxReplicated = 10_000;
    private const int RegexCacheSize = 256;

    // A pattern that backtracks without end must not take the emulator down.
    private static readonly TimeSpan RegexTimeout = TimeSpan.FromSeconds(2);
    private static readonly ConcurrentDictionary<(string, string), Regex?> Regexes = new();

    public static readonly Dictionary<string, Function> All = new()
    {
        ["CONCAT"] = new(2, -1, Concat),
        ["CONTAINS"] = Search((text, part) => text.IndexOf(part) >= 0, (text, part) => text.Contains(part, StringComparison.OrdinalIgnoreCase)),
        ["STARTSWITH"] = Search((text, part) => text.StartsWith(part), (text, part) => text.StartsWith(part, StringComparison.OrdinalIgnoreCase)),
        ["ENDSWITH"] = Search((text, part) => text.EndsWith(part), (text, part) => text.EndsWith(part, StringComparison.OrdinalIgnoreCase)),
        ["STRINGEQUALS"] = Search((text, other) => text.SequenceEqual(other), (text, other) => text.Equals(other, StringComparison.OrdinalIgnoreCase)),
        ["CONTAINS_ALL_CI"] = Several(true, StringComparison.OrdinalIgnoreCase),
        ["CONTAINS_ALL_CS"] = Several(true, StringComparison.Ordinal),
        ["CONTAINS_ANY_CI"] = Several(false, StringComparison.OrdinalIgnoreCase),
        ["CONTAINS_ANY_CS"] = Several(false, StringComparison.Ordinal),
        ["INDEX_OF"] = new(2, 3, IndexOf),
        ["LASTINDEXOF"] = new(2, 3, LastIndexOf),
        ["LEFT"] = new(2, 2, a => Substring(a[0], JsonValue.Of(0L), a[1])),
        ["RIGHT"] = new(2, 2, a => a[0].AsString() is { } text && a[1].TryGetInteger(out var count)
            ? JsonValue.Of(count <= 0 ? "" : count >= text.Length ? text : text[^(int)count..])
            : default),
        ["SUBSTRING"] = new(3, 3, a => Substring(a[0], a[1], a[2])),
        ["LENGTH"] = new(1, 1, a => a[0].AsString() is { } text ? JsonValue.Of((long)text.Length) : default),
        ["LOWER"] = Map(text => text.ToLowerInvariant()),
        ["UPPER"] = Map(text => text.ToUpperInvariant()),
        ["REVERSE"] = Map(text => string.Create(text.Length, text, (to, from) =>
        {
            from.CopyTo(to);
            to.Reverse();
        })),
        ["TRIM"] = Trim((text, set) => text.Trim(set)),
        ["LTRIM"] = Trim((text, set) => text.TrimStart(set)),
        ["RTRIM"] = Trim((text, set) => text.TrimEnd(set)),
        ["REPLACE"] = new(3, 3, a => a[0].AsString() is { } text && a[1].AsString() is { Length: > 0 } from && a[2].AsString() is { } to
            ? JsonValue.Of(text.Replace(from, to, StringComparison.Ordinal))
            : default),
        ["REPLICATE"] = new(2, 2, a => a[0].AsString() is { } text && a[1].TryGetInteger(out var times)
                && times is >= 0 and <= MaxReplicated && text.Length * times <= MaxReplicated
            ? JsonValue.Of(new StringBuilder().Insert(0, text, (int)times).ToString())
            : default),
        ["SUBSTRINGBEFORE"] = Part((text, by) => (0, text.IndexOf(by, StringComparison.Ordinal))),
        ["SUBSTRINGAFTER"] = Part((text, by) => (End(text.IndexOf(by, StringComparison.Ordinal), by), text.Length)),
        ["LASTSUBSTRINGBEFORE"] = Part((text, by) => (0, text.LastIndexOf(by, StringComparison.Ordinal))),
        ["LASTSUBSTRINGAFTER"] = Part((text, by) => (End(text.LastIndexOf(by, StringComparison.Ordinal), by), text.Length)),
        ["REGEXMATCH"] = new(2, 3, a => OfRegex(a, (regex, text, _) => JsonValue.Of(regex.IsMatch(text)))),
        ["REGEXEXTRACT"] = new(2, 4, a => OfRegex(a, (regex, text, group) => regex.Match(text) is { Success: true } match ? OfGroup(match, group) : default)),
        ["REGEXEXTRACTALL"] = new(2, 4, a => OfRegex(a, (regex, text, group) => JsonValue.ArrayOf(regex.Matches(text).Select(m => OfGroup(m, group)).Where(v => !v.IsUndefined)))),
        ["STRINGJOIN"] = new(2, 2, Join),
        ["STRINGSPLIT"] = new(2, 2, a => a[0].AsString() is { } text && a[1].AsString() is { Length: > 0 } separator
            ? JsonValue.ArrayOf(text.Split(separator).Select(JsonValue.Of))
            : default),
    };

    private delegate bool BytesTest(ReadOnlySpan<byte> text, ReadOnlySpan<byte> part);

    private static Function Search(BytesTest exact, Func<string, string, bool> ignoringCase) => new(2, 3, a =>
    {
        if (a[0].Kind != JsonKind.String || a[1].Kind != JsonKind.String || (a.Length == 3 && !a[2].IsBoolean))
        {
            return default;
        }

        return JsonValue.Of(a.Length == 3 && a[2].Kind == JsonKind.True
            ? ignoringCase(a[0].AsString()!, a[1].AsString()!)
            : exact(a[0].StringUtf8, a[1].StringUtf8));
    });

    private static Function Several(bool all, StringComparison comparison) => new(2, -1, a =>
    {
        if (a[0].AsString() is not { } text)
        {
            return default;
        }

        var result = all;
        foreach (var part in a[1..])
        {
            if (part.AsString() is not { } wanted)
            {
                return default;
            }

            var found = text.Contains(wanted, comparison);
            result = all ? result && found : result || found;
        }

        return JsonValue.Of(result);
    });

    private static Function Map(Func<string, string> map) => new(1, 1, a => a[0].AsString() is { } text ? JsonValue.Of(map(text)) : default);

    private static Function Trim(Func<string, char[]?, string> trim) => new(1, 2, a =>
        a[0].AsString() is not { } text ? default
        : a.Length == 1 ? JsonValue.Of(trim(text, null))
        : a[1].AsString() is { } set ? JsonValue.Of(set.Length == 0 ? text : trim(text, set.ToCharArray()))
        : default);

    private static JsonValue Concat(ReadOnlySpan<JsonValue> a)
    {
        var to = new ArrayBufferWriter<byte>();
        foreach (var part in a)
        {
            if (part.Kind != JsonKind.String)
            {
                return default;
            }

            to.Write(part.StringUtf8);
        }

        return JsonValue.OfUtf8(to.WrittenMemory);
    }

    private static JsonValue Substring(in JsonValue value, in JsonValue start, in JsonValue length)
    {
        if (value.AsString() is not { } text || !start.TryGetInteger(out var from) || !length.TryGetInteger(out var count))
        {
            return default;
        }

        from = Math.Clamp(from, 0, text.Length);
        count = Math.Clamp(count, 0, text.Length - from);
        return JsonValue.Of(text.Substring((int)from, (int)count));
    }

    private static JsonValue IndexOf(ReadOnlySpan<JsonValue> a)
    {
        long start = 0;
        if (a[0].AsString() is not { } text || a[1].AsString() is not { } part || (a.Length == 3 && !a[2].TryGetInteger(out start)))
        {
            return default;
        }

        start = Math.Max(start, 0);
        return JsonValue.Of(start > text.Length ? -1L : text.IndexOf(part, (int)start, StringComparison.Ordinal));
    }

    private static JsonValue LastIndexOf(ReadOnlySpan<JsonValue> a)
    {
        long end = 0;
        if (a[0].AsString() is not { } text || a[1].AsString() is not { } part || (a.Length == 3 && !a[2].TryGetInteger(out end)))
        {
            return default;
        }

        var last = a.Length == 3 ? Math.Clamp(end, -1, text.Length - 1L) : text.Length - 1L;
        return JsonValue.Of(last < 0 ? (part.Length == 0 && text.Length == 0 ? 0L : -1L) : text.LastIndexOf(part, (int)last, StringComparison.Ordinal));
    }

    private static JsonValue Join(ReadOnlySpan<JsonValue> a)
    {
        if (a[0].Kind != JsonKind.Array || a[1].AsString() is not { } separator)
        {
            return default;
        }

        var parts = new List<string>();
        foreach (var item in a[0].EnumerateArray())
        {
            if (item.AsString() is not { } part)
            {
                return default;
            }

            parts.Add(part);
        }

        return JsonValue.Of(string.Join(separator, parts));
    }

    /// <summary>What lies before or behind a delimiter; undefined without one.</summary>
    private static Function Part(Func<string, string, (int From, int To)> cut) => new(2, 2, a =>
        a[0].AsString() is { } text && a[1].AsString() is { Length: > 0 } delimiter && cut(text, delimiter) is ( >= 0, >= 0) range
            ? JsonValue.Of(text[range.From..range.To])
            : default);

    private static int End(int found, string delimiter) => found < 0 ? -1 : found + delimiter.Length;

    /// <summary>Arguments are the text, the pattern, modifiers and the number of a group.</summary>
    private static JsonValue OfRegex(ReadOnlySpan<JsonValue> a, Func<Regex, string, int, JsonValue> evaluate)
    {
        if (a[0].AsString() is not { } text || a[1].AsString() is not { } pattern)
        {
            return default;
        }

        var modifiers = a.Length > 2 ? a[2].AsString() : "";
        long group = 0;
        if (modifiers is null || FindRegex(pattern, modifiers) is not { } regex
            || (a.Length == 4 && (!a[3].TryGetInteger(out group) || group is < 0 or > int.MaxValue)))
        {
            return default;
        }

        try
        {
            return evaluate(regex, text, (int)group);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new SqlException($"The regular expression '{pattern}' took longer than {RegexTimeout.TotalSeconds:0} s on one value.");
        }
    }

    private static JsonValue OfGroup(Match match, int number) => match.Groups[number] is { Success: true } group ? JsonValue.Of(group.Value) : default;

    private static Regex? FindRegex(string pattern, string modifiers)
    {
        if (Regexes.TryGetValue((pattern, modifiers), out var found))
        {
            return found;
        }

        if (Regexes.Count >= RegexCacheSize)
        {
            Regexes.Clear();
        }

        return Regexes[(pattern, modifiers)] = Compile(pattern, modifiers);
    }

    private static Regex? Compile(string pattern, string modifiers)
    {
        var options = RegexOptions.CultureInvariant;
        foreach (var modifier in modifiers)
        {
            switch (modifier)
            {
                case 'i': options |= RegexOptions.IgnoreCase; break;
                case 'm': options |= RegexOptions.Multiline; break;
                case 's': options |= RegexOptions.Singleline; break;
                case 'x': options |= RegexOptions.IgnorePatternWhitespace; break;
                default: return null;
            }
        }

        try
        {
            return new Regex(pattern, options, RegexTimeout);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
