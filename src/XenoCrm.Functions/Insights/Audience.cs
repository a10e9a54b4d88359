using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>What is most worth speaking of to an audience, the first that is true.</summary>
public enum Occasion
{
    Birthday,
    NeverBought,
    Lapsed,
    Silent,
    New,
    Best,
    Loyal,
    Category,
    Everybody,
}

/// <summary>An audience as a writer needs to know it: aggregates only.</summary>
/// <param name="English">The rule; for a model with what is about persons left out.</param>
/// <param name="Count">Members.</param>
/// <param name="Occasion">What its rule says of it.</param>
/// <param name="Since">For how long it has been quiet, as said: "6 months".</param>
/// <param name="Category">What it buys: by the rule, or by at least two fifths of the members looked at.</param>
/// <param name="City">Where all of it lives.</param>
/// <param name="Looked">Members that the shares are of.</param>
/// <param name="WithFirstName">Share of them.</param>
public sealed record Audience(
    string English, long Count, Occasion Occasion, string? Since, string? Category, string? City, int Looked, double WithFirstName, double WithOrders);

/// <summary>Reads what there is to know of the members of a rule.</summary>
public sealed class ReadAudience(RuleParser parser, CustomerStore customers, SegmentDirectory segments, IOptions<WorkspaceOptions> workspace, TimeProvider clock)
{
    private const int LookedAt = 200;
    private const double Common = 0.4;

    /// <exception cref="Platform.Errors.ProblemException">There is no such segment, or the rule is not valid.</exception>
    public async Task<Audience> ReadAsync(string? segmentId, JsonElement? rule, CancellationToken cancellation)
    {
        await parser.RefreshAsync(cancellation);
        var compiled = segmentId is null ? parser.Parse(rule!.Value, isNew: true) : parser.Parse((await segments.RequireAsync(segmentId, cancellation)).Value.Rule);
        var filter = compiled.ToFilter(new Moment(clock.GetUtcNow()));
        var count = customers.CountAsync(filter, cancellation);
        var sample = await customers.SampleAsync(filter, LookedAt, cancellation);
        var told = Tell(compiled);
        var bought = sample.SelectMany(c => c.Categories.Keys).GroupBy(k => k).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).FirstOrDefault();
        return new(
            new RuleEnglish(workspace.Value.Currency, masked: true).Of(compiled), await count, told.Occasion, told.Since,
            told.Category ?? (bought is not null && bought.Count() >= sample.Count * Common ? bought.Key : null), told.City, sample.Count,
            Share(sample, c => c.FirstName is not null), Share(sample, c => c.OrderCount > 0));
    }

    private static double Share(IReadOnlyList<Customer> sample, Func<Customer, bool> has) => sample.Count == 0 ? 0 : Math.Round((double)sample.Count(has) / sample.Count, 2);

    /// <summary>What the rule says of everybody in it: only conditions that all must hold count.</summary>
    internal static (Occasion Occasion, string? Since, string? Category, string? City) Tell(CompiledRule rule)
    {
        var tests = new List<RuleTest>();
        Collect(rule.Root, tests);
        string? Text(RuleTest t) => t.Value.ValueKind == JsonValueKind.String ? t.Value.GetString() : null;
        double? Number(RuleTest t) => t.Value.ValueKind == JsonValueKind.Number ? t.Value.GetDouble() : null;
        bool Has(Func<RuleTest, bool> what) => tests.Exists(t => what(t));
        var quiet = tests.Find(t => t.Operator == RuleOperator.NotInLast && t.Field.Name is "lastOrderAt" or "lastActiveAt" or "lastVisitAt");
        var category = tests.Find(t => t.Field.Name.StartsWith("categories.", StringComparison.Ordinal) && t.Operator is RuleOperator.Greater or RuleOperator.GreaterOrEqual or RuleOperator.NotNull or RuleOperator.InLast);
        var named = tests.Find(t => t.Field.Name == "rfm.segment" && t.Operator == RuleOperator.Equal) is { } score ? Text(score) : null;
        var occasion =
            Has(t => t.Operator == RuleOperator.AnniversaryWithin && t.Field.Name == "birthday") ? Occasion.Birthday
            : Has(t => t.Field.Name == "orderCount" && t.Operator is RuleOperator.Equal && Number(t) == 0) ? Occasion.NeverBought
            : quiet is not null || named is "At Risk" or "Can't Lose Them" or "Hibernating" or "Lost" or "About To Sleep" ? Occasion.Lapsed
            : Has(t => t.Operator == RuleOperator.NotInLast && t.Field.Name.StartsWith("engagement.", StringComparison.Ordinal)) ? Occasion.Silent
            : Has(t => t.Operator == RuleOperator.InLast && t.Field.Name is "createdAt" or "firstOrderAt") || named is "New Customers" ? Occasion.New
            : named is "Champions" || Has(t => t.Field.Name is "rfm.monetary" or "totalSpend" && t.Operator is RuleOperator.Greater or RuleOperator.GreaterOrEqual) ? Occasion.Best
            : named is "Loyal Customers" || Has(t => t.Field.Name is "orderCount" or "rfm.frequency" && t.Operator is RuleOperator.Greater or RuleOperator.GreaterOrEqual && Number(t) >= 2) ? Occasion.Loyal
            : category is not null ? Occasion.Category : Occasion.Everybody;
        return (
            occasion, quiet is not null && Text(quiet) is { } iso ? RuleEnglish.Duration(iso) : null,
            category?.Field.Name[11..category.Field.Name.LastIndexOf('.')],
            tests.Find(t => t.Field.Name == "city" && t.Operator == RuleOperator.Equal) is { } city ? Text(city) : null);
    }

    private static void Collect(RuleNode node, List<RuleTest> tests)
    {
        if (node is RuleTest test)
        {
            tests.Add(test);
        }
        else if (node is RuleGroup { Not: false } group && (!group.Any || group.Rules.Count == 1))
        {
            foreach (var rule in group.Rules)
            {
                Collect(rule, tests);
            }
        }
    }
}
