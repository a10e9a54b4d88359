using System.Text.RegularExpressions;
using XenoCrm.AppHost;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Infrastructure;

/// <summary>Pages that tell people what to call, against what there is.</summary>
public sealed partial class RunbookTests
{
    private static readonly string[] Situations =
        ["Backlog", "Poison messages", "Failures", "Vendor outage", "Throttling", "Key rotation", "Restore", "Erasure request"];

    public static TheoryData<string> Pages =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "infra", "README.md"))
            .Select(f => Path.GetRelativePath(Repository.Root, f)).Order(StringComparer.Ordinal)];

    [Fact]
    public void Each_situation_has_its_section_and_something_to_do()
    {
        var sections = Heading().Split(Read("docs/runbook.md")).Skip(1).ToDictionary(s => s[..s.IndexOf('\n', StringComparison.Ordinal)]);
        sections.Keys.ShouldBe(Situations);
        sections.Where(s => !Route().IsMatch(s.Value) && !Command().IsMatch(s.Value)).Select(s => s.Key).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Routes_that_a_page_names_exist(string page)
    {
        var known = new HttpFunctions(AppServices.App).All.SelectMany(f => f.Methods.Select(m => $"{m.ToUpperInvariant()} /{Placeholder().Replace(f.Route, "{}")}")).ToHashSet();
        known.Count.ShouldBeGreaterThan(60);

        var named = Route().Matches(Read(page)).Select(m => $"{m.Groups["method"].Value} {Placeholder().Replace(m.Groups["path"].Value.TrimEnd('.'), "{}")}")
            .Concat(Curl().Matches(Read(page)).Select(m => $"{(m.Groups["method"].Success ? m.Groups["method"].Value : "GET")} {Placeholder().Replace(m.Groups["path"].Value, "{}")}"));

        named.Where(n => !known.Contains(n)).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Commands_that_a_page_names_exist(string page)
    {
        foreach (var command in Command().Matches(Read(page)).Select(m => (Project: m.Groups["project"].Value, Name: m.Groups["command"].Value)))
        {
            var folder = Path.Combine(Repository.Root, command.Project);
            Directory.GetFiles(folder, "*.csproj").ShouldHaveSingleItem(page);
            if (command.Name.Length > 0)
            {
                Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)
                    .Any(t => t.Contains($"Command(\"{command.Name}\"", StringComparison.Ordinal) || t.Contains($"(\"{command.Name}\", \"", StringComparison.Ordinal))
                    .ShouldBeTrue($"{page}: {command.Project} has no command {command.Name}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Files_that_a_page_names_exist(string page) =>
        Named().Matches(Read(page)).Select(m => m.Groups["path"].Value).Distinct()
            .Where(p => !File.Exists(Path.Combine(Repository.Root, p)) && !Directory.Exists(Path.Combine(Repository.Root, p))).ShouldBeEmpty(page);

    private static string Read(string page) => File.ReadAllText(Path.Combine(Repository.Root, page)).ReplaceLineEndings("\n");

    [GeneratedRegex("^## ", RegexOptions.Multiline, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"`(?<method>GET|POST|PUT|PATCH|DELETE) (?<path>/[^\s`?]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Route();

    [GeneratedRegex(@"curl -s(?: -X (?<method>\w+))? ""?\$API(?<path>/[^\s""?]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Curl();

    [GeneratedRegex(@"dotnet run (?:-c Release )?--project (?<project>[\w./]+)(?: -- (?<command>[a-z]\w*))?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Command();

    [GeneratedRegex(@"\{[^}]*\}", RegexOptions.None, 1000)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"(?:`|\]\()(?<path>(?:docs|infra|src|tests|\.github)/[\w./-]+\w)(?:`|\))", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Named();
}
