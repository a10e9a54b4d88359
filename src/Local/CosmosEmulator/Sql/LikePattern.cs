using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>LIKE: % is any text, _ any character, [a-z] one of a set, [^a-z] none of it.</summary>
internal abstract class LikePattern
{
    // Patterns that are parameters: as many as a busy emulator has different ones at a time.
    private const int CacheSize = 512;
    private static readonly ConcurrentDictionary<(string, string?), LikePattern> Cache = new();

    public abstract bool IsMatch(ReadOnlySpan<byte> utf8);

    public static Truth Test(in JsonValue value, LikePattern? pattern) =>
        value.Kind != JsonKind.String || pattern is null ? Truth.Undefined : pattern.IsMatch(value.StringUtf8) ? Truth.True : Truth.False;

    public static LikePattern Cached(string pattern, string? escape, int at)
    {
        if (Cache.TryGetValue((pattern, escape), out var found))
        {
            return found;
        }

        if (Cache.Count >= CacheSize)
        {
            Cache.Clear();
        }

        return Cache[(pattern, escape)] = Compile(pattern, escape, at);
    }

    public static LikePattern Compile(string pattern, string? escape, int at)
    {
        if (escape is null && !pattern.AsSpan().Trim('%').ContainsAny("%_[]"))
        {
            var text = pattern.Trim('%');
            return new Fixed(Encoding.UTF8.GetBytes(text), pattern.StartsWith('%'), pattern.EndsWith('%'));
        }

        return new Expression(ToRegex(pattern, escape is null ? '\0' : escape[0], at));
    }

    private static Regex ToRegex(string pattern, char escape, int at)
    {
        var regex = new StringBuilder(@"\A");
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == escape && escape != '\0' && i + 1 < pattern.Length)
            {
                regex.Append(Regex.Escape(pattern[++i].ToString()));
            }
            else if (c == '%')
            {
                regex.Append(".*");
            }
            else if (c == '_')
            {
                regex.Append('.');
            }
            else if (c == '[' && pattern.IndexOf(']', i + 1) is var close && close > i + 1)
            {
                var set = pattern[(i + 1)..close].Replace(@"\", @"\\", StringComparison.Ordinal).Replace("[", @"\[", StringComparison.Ordinal);
                regex.Append('[').Append(set).Append(']');
                i = close;
            }
            else
            {
                regex.Append(Regex.Escape(c.ToString()));
            }
        }

        try
        {
            return new Regex(regex.Append(@"\z").ToString(), RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        }
        catch (ArgumentException e)
        {
            throw new SqlException($"The LIKE pattern is not valid: {e.Message}", at);
        }
    }

    /// <summary>Without wild cards but for leading and trailing %: compared as bytes.</summary>
    private sealed class Fixed(byte[] text, bool anyBefore, bool anyBehind) : LikePattern
    {
        public override bool IsMatch(ReadOnlySpan<byte> utf8) => (anyBefore, anyBehind) switch
        {
            (true, true) => utf8.IndexOf(text) >= 0,
            (true, false) => utf8.EndsWith(text),
            (false, true) => utf8.StartsWith(text),
            _ => utf8.SequenceEqual(text),
        };
    }

    private sealed class Expression(Regex regex) : LikePattern
    {
        public override bool IsMatch(ReadOnlySpan<byte> utf8) => regex.IsMatch(Encoding.UTF8.GetString(utf8));
    }
}
