using System.Reflection;
using System.Text.RegularExpressions;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Architecture;

/// <summary>The rules that keep the code findable, held by the build.</summary>
public sealed partial class DependencyTests
{
    /// <summary>Who may know whom. A feature that is not listed is an error, so that a new one is thought about.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Platform"] = [],
        ["Accounts"] = ["Platform"],
        ["Customers"] = ["Platform", "Accounts"],
        ["Orders"] = ["Platform", "Accounts", "Customers"],
        ["Segments"] = ["Platform", "Accounts", "Customers"],
        ["Imports"] = ["Platform", "Accounts", "Customers", "Orders"],
        ["Campaigns"] = ["Platform", "Accounts", "Customers", "Segments"],
        ["Delivery"] = ["Platform", "Accounts", "Customers", "Orders", "Segments", "Campaigns"],
        ["Insights"] = ["Platform", "Accounts", "Customers", "Orders", "Segments", "Campaigns", "Delivery"],
        ["Analytics"] = ["Platform", "Accounts", "Customers", "Orders", "Segments", "Campaigns", "Delivery"],
        ["Webhooks"] = ["Platform", "Accounts", "Campaigns", "Delivery"],
        ["Privacy"] = ["Platform", "Accounts", "Customers", "Orders", "Segments", "Imports", "Campaigns", "Delivery"],
    };

    [Fact]
    public void Features_depend_in_one_direction()
    {
        var violations = new List<string>();
        var files = 0;
        foreach (var file in Directory.EnumerateFiles(SourceFolder(), "*.cs", SearchOption.AllDirectories))
        {
            var feature = Path.GetRelativePath(SourceFolder(), file).Split(Path.DirectorySeparatorChar)[0];
            if (feature == "Program.cs")
            {
                continue;
            }

            files++;
            Allowed.ShouldContainKey(feature, $"{file}: say in this test what the feature may depend on");
            var used = Reference().Matches(File.ReadAllText(file)).Select(m => m.Groups["feature"].Value).Distinct();
            violations.AddRange(used.Where(u => u != feature && !Allowed[feature].Contains(u)).Select(u => $"{feature} uses {u} in {Path.GetFileName(file)}"));
        }

        files.ShouldBeGreaterThan(50);
        violations.ShouldBeEmpty();
    }

    [Fact]
    public void The_platform_knows_nothing_of_the_field()
    {
        var files = Directory.GetFiles(Path.Combine(SourceFolder(), "Platform"), "*.cs", SearchOption.AllDirectories);
        files.Length.ShouldBeGreaterThan(10);
        files.Where(f => Noun().IsMatch(Texts().Replace(File.ReadAllText(f), "")))
            .Select(Path.GetFileName).ShouldBeEmpty("these name a customer, an order, a segment or a campaign outside texts and comments");
    }

    [Fact]
    public void Features_have_no_conditional_compilation()
    {
        var files = Directory.GetFiles(SourceFolder(), "*.cs", SearchOption.AllDirectories);
        files.Where(f => File.ReadLines(f).Any(l => l.StartsWith("#if", StringComparison.Ordinal))).ShouldBeEmpty();
    }

    [Fact]
    public void Every_function_says_who_may_call_it_and_what_it_does()
    {
        var functions = new HttpFunctions(typeof(HttpFunctions).Assembly);
        functions.All.Count.ShouldBeGreaterThan(20);
        _ = new Accounts.AccessTable(functions);
        functions.All.Where(f => f.Route.StartsWith("api/", StringComparison.Ordinal) && !f.Route.Contains("{*") && f.Route != "api/openapi.json")
            .Where(f => f.Get<DescribeAttribute>() is null || !f.GetAll<AnswersAttribute>().Any())
            .Select(f => f.Name).ShouldBeEmpty();
    }

    /// <summary>The host moves what fails again and again to a queue of that name: without a function there, nobody would ever know.</summary>
    [Fact]
    public void Every_queue_has_somebody_for_what_is_given_up()
    {
        const string Poison = "-poison";
        var queues = typeof(HttpFunctions).Assembly.GetTypes()
            .SelectMany(t => t.GetMethods()).SelectMany(m => m.GetParameters())
            .Select(p => p.GetCustomAttribute<Microsoft.Azure.Functions.Worker.QueueTriggerAttribute>()?.QueueName)
            .OfType<string>().ToHashSet();
        queues.Count.ShouldBeGreaterThan(10);
        queues.Where(q => !q.EndsWith(Poison, StringComparison.Ordinal) && !queues.Contains(q + Poison)).ShouldBeEmpty();
    }

    [Fact]
    public void Function_names_are_unique()
    {
        var names = typeof(HttpFunctions).Assembly.GetTypes()
            .SelectMany(t => t.GetMethods())
            .Select(m => m.GetCustomAttribute<Microsoft.Azure.Functions.Worker.FunctionAttribute>()?.Name)
            .OfType<string>().ToList();
        names.Count.ShouldBeGreaterThan(25);
        names.ShouldBe(names.Distinct(StringComparer.OrdinalIgnoreCase));
    }

    private static string SourceFolder()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "XenoCrm.Functions.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return Path.Combine(folder, "src", "XenoCrm.Functions");
    }

    [GeneratedRegex(@"(?:using (?:static )?XenoCrm\.|XenoCrm\.|[^\w.])(?<feature>Platform|Accounts|Customers|Orders|Segments|Imports|Campaigns|Delivery|Insights|Analytics|Webhooks|Privacy)(?=[.;]\w*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reference();

    [GeneratedRegex(@"(?i)(customer|order(?!\s?by|ed|ing|\b)|segment|campaign)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Noun();

    /// <summary>Comments, strings, and words that only contain a noun.</summary>
    [GeneratedRegex("""//[^\n]*|"[^"\n]*"|OrderBy\w*|Order\b|CompositePathSortOrder|WriteByteOrderMark""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Texts();
}
