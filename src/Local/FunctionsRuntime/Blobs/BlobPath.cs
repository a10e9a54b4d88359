using System.Text;
using System.Text.RegularExpressions;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Blobs;

/// <summary>
/// <c>container/pattern</c> of a blob attribute. <c>{name}</c> stands for any text, slashes included, and the first
/// placeholder takes as much as it can: <c>{kind}/{name}</c> on <c>a/b/c.csv</c> gives kind <c>a/b</c>, as in the host.
/// <c>{{</c> and <c>}}</c> are literal braces.
/// </summary>
internal sealed class BlobPath
{
    private readonly Regex _pattern;
    private readonly List<(string Text, bool IsName)> _parts;

    private BlobPath(string container, List<(string Text, bool IsName)> parts)
    {
        Container = container;
        _parts = parts;
        Names = [.. parts.Where(p => p.IsName).Select(p => p.Text)];
        var regex = new StringBuilder("^");
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (text, isName) in parts)
            regex.Append(!isName ? Regex.Escape(text) : seen.Add(text) ? $"(?<{text}>.*)" : $@"\k<{text}>");
        _pattern = new Regex(regex.Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.Singleline, TimeSpan.FromSeconds(1));
        Prefix = parts is [{ IsName: false } first, ..] ? first.Text : "";
    }

    public string Container { get; }

    /// <summary>What every matching name begins with: only those blobs are listed.</summary>
    public string Prefix { get; }

    public IReadOnlyList<string> Names { get; }

    public static BlobPath Parse(string path)
    {
        var slash = path.IndexOf('/');
        var container = slash < 0 ? path : path[..slash];
        if (container.Length == 0 || container.Contains('{'))
            throw new FunctionsStartException($"the blob path '{path}' must begin with the name of a container.");
        // A container alone means every blob in it.
        return new BlobPath(container, Split(slash < 0 || slash == path.Length - 1 ? "{name}" : path[(slash + 1)..], path));
    }

    /// <summary>The values of the placeholders, or null when the blob's name does not match.</summary>
    public Dictionary<string, string>? Match(string blobName)
    {
        var match = _pattern.Match(blobName);
        return match.Success
            ? Names.Distinct(StringComparer.OrdinalIgnoreCase).ToDictionary(n => n, n => match.Groups[n].Value, StringComparer.OrdinalIgnoreCase)
            : null;
    }

    /// <summary>The blob's name with each placeholder filled in.</summary>
    public string Fill(Func<string, string> valueOf)
        => string.Concat(_parts.Select(p => p.IsName ? valueOf(p.Text) : p.Text));

    private static List<(string Text, bool IsName)> Split(string pattern, string whole)
    {
        var parts = new List<(string Text, bool IsName)>();
        var literal = new StringBuilder();
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] is '{' or '}' && i + 1 < pattern.Length && pattern[i + 1] == pattern[i])
            {
                literal.Append(pattern[i++]);
            }
            else if (pattern[i] == '{')
            {
                var end = pattern.IndexOf('}', i);
                if (end < 0 || end == i + 1 || !pattern.AsSpan(i + 1, end - i - 1).ContainsOnlyWordCharacters())
                    throw new FunctionsStartException($"the blob path '{whole}' has a placeholder that is not closed or not a name.");
                if (literal.Length > 0)
                    parts.Add((literal.ToString(), false));
                literal.Clear();
                parts.Add((pattern[(i + 1)..end], true));
                i = end;
            }
            else
            {
                literal.Append(pattern[i]);
            }
        }
        if (literal.Length > 0)
            parts.Add((literal.ToString(), false));
        return parts;
    }
}

file static class Characters
{
    public static bool ContainsOnlyWordCharacters(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
                return false;
        }
        return !char.IsAsciiDigit(text[0]);
    }
}
