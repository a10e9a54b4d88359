using System.Collections.Concurrent;
using System.Text;

namespace XenoCrm.Insights;

/// <summary>
/// What a model is asked: the instructions, which are a file of this repository, and data. Data is fenced and cannot close its
/// fence; it is masked before it comes here (<see cref="Masking"/>).
/// </summary>
/// <param name="Name">With its version: <c>messages.v1</c>.</param>
public sealed record Prompt(string Name, string System, string Data)
{
    private static readonly ConcurrentDictionary<string, string> Files = new();

    /// <param name="name">Of the file in <c>Prompts/</c>, without its ending.</param>
    /// <param name="parts">Name and text of each piece of data.</param>
    public static Prompt Of(string name, params (string Name, string Text)[] parts)
    {
        var data = new StringBuilder();
        foreach (var (part, text) in parts)
        {
            // The only angle brackets are those of the fences.
            data.Append('<').Append(part).Append(">\n").Append(text.Replace('<', '‹').Replace('>', '›')).Append("\n</").Append(part).Append(">\n");
        }

        return new(name, Files.GetOrAdd(name, Read), data.ToString());
    }

    /// <summary>Whether a text repeats the instructions: six of their words in a row.</summary>
    public bool IsRepeatedIn(string text)
    {
        var said = Words(text);
        var mine = Words(System);
        if (said.Length < Run)
        {
            return false;
        }

        var runs = Enumerable.Range(0, Math.Max(0, mine.Length - Run + 1)).Select(i => string.Join(' ', mine.AsSpan(i, Run))).ToHashSet();
        return Enumerable.Range(0, said.Length - Run + 1).Any(i => runs.Contains(string.Join(' ', said.AsSpan(i, Run))));
    }

    private const int Run = 6;

    private static string[] Words(string text) => new string([.. text.ToLowerInvariant().Select(c => char.IsLetterOrDigit(c) ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Read(string name)
    {
        using var stream = typeof(Prompt).Assembly.GetManifestResourceStream($"Prompts/{name}.md") ?? throw new InvalidOperationException($"There is no prompt {name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
