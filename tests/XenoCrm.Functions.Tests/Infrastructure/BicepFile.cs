using System.Text;
using System.Text.RegularExpressions;
using XenoCrm.AppHost;

namespace XenoCrm.Infrastructure;

/// <summary>As much of a Bicep file as the tests ask about. There is no compiler among the packages: this stands in for the parts of it that go wrong in practice.</summary>
internal sealed partial class BicepFile
{
    public BicepFile(string path)
    {
        Path = System.IO.Path.Combine(Repository.Root, "infra", path);
        Text = WithoutComments(File.ReadAllText(Path));
    }

    public string Path { get; }

    /// <summary>Without comments.</summary>
    public string Text { get; }

    public static IEnumerable<BicepFile> All =>
        Directory.EnumerateFiles(System.IO.Path.Combine(Repository.Root, "infra"), "*.bicep*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => new BicepFile(System.IO.Path.GetRelativePath(System.IO.Path.Combine(Repository.Root, "infra"), f)));

    /// <summary>Type and version as written, also of nested resources.</summary>
    public IEnumerable<string> ResourceTypes => Resource().Matches(Text).Select(m => m.Groups["type"].Value);

    /// <summary>Name → whether it has a default.</summary>
    public Dictionary<string, bool> Parameters => Parameter().Matches(Text).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["default"].Success);

    /// <summary>Of a parameter file.</summary>
    public IEnumerable<string> Assigned => Assignment().Matches(Text).Select(m => m.Groups["name"].Value);

    /// <summary>Symbol, path, and the parameters given, of each module.</summary>
    public IEnumerable<(string Symbol, string Path, IReadOnlyCollection<string> Parameters)> Modules =>
        Module().Matches(Text).Select(m => (m.Groups["name"].Value, m.Groups["path"].Value,
            (IReadOnlyCollection<string>)[.. Keys(Block(Text.IndexOf("params: {", m.Index, StringComparison.Ordinal) + "params: {".Length - 1))]));

    /// <summary>What is between the brackets of <c>var name = {</c> or <c>param name type = [</c>.</summary>
    public string BlockOf(string declaration)
    {
        var match = Regex.Match(Text, $@"^(?:var|param) {declaration}\b[^\n=]*= [\[{{]", RegexOptions.Multiline, TimeSpan.FromSeconds(1));
        return match.Success ? Block(match.Index + match.Length - 1) : "";
    }

    /// <summary>The names at the outermost level of an object, also of one that is on a single line.</summary>
    public static IEnumerable<string> Keys(string block) => Key().Matches(Outermost(block)).Select(m => m.Groups["name"].Value);

    /// <summary>The text without its strings, so that brackets can be counted and names found.</summary>
    public static string WithoutStrings(string text) => Literal().Replace(text, "''");

    /// <returns>What keeps the brackets from matching; null: they do.</returns>
    public string? Unbalanced()
    {
        var open = new Stack<char>();
        foreach (var character in WithoutStrings(Text))
        {
            if (character is '{' or '[' or '(')
            {
                open.Push(character);
            }
            else if (character is '}' or ']' or ')' && (!open.TryPop(out var last) || (last, character) is not (('{', '}') or ('[', ']') or ('(', ')'))))
            {
                return $"an unexpected {character}";
            }
        }

        return open.Count == 0 ? null : $"{open.Count} that do not close";
    }

    private string Block(int start)
    {
        var depth = 0;
        for (var i = start; i < Text.Length; i++)
        {
            depth += Text[i] is '{' or '[' or '(' ? 1 : Text[i] is '}' or ']' or ')' ? -1 : 0;
            if (depth == 0)
            {
                return Text[(start + 1)..i];
            }
        }

        throw new InvalidOperationException($"A block of {Path} does not end.");
    }

    private static string Outermost(string block)
    {
        var text = new StringBuilder();
        var depth = 0;
        foreach (var character in WithoutStrings(block))
        {
            depth -= character is '}' or ']' or ')' ? 1 : 0;
            if (depth == 0)
            {
                text.Append(character);
            }

            depth += character is '{' or '[' or '(' ? 1 : 0;
        }

        return text.ToString();
    }

    private static string WithoutComments(string text) => Comment().Replace(text, m => m.Groups["keep"].Value);

    [GeneratedRegex(@"(?<keep>'(?:[^'\\\n]|\\.|\$\{[^}\n]*\})*')|//[^\n]*", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Comment();

    /// <summary>With the expressions inside, whose own strings are one level deep at most.</summary>
    [GeneratedRegex(@"'(?:\\.|\$\{(?:'[^'\n]*'|[^}'\n])*\}|[^'\\\n])*'", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Literal();

    [GeneratedRegex(@"^\s*resource \w+ '(?<type>[^']+)'", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Resource();

    [GeneratedRegex(@"^param (?<name>\w+) [\w\[\]]+(?<default> =)?", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^param (?<name>\w+) =", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"^module (?<name>\w+) '(?<path>[^']+)'", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Module();

    [GeneratedRegex(@"(?<![\w'?.])(?<name>\w+):(?!:)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Key();
}
