using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <param name="Missing">The comparisons that keep the customer out.</param>
public sealed record NearMiss(SegmentMember Customer, IReadOnlyList<RuleExplanation> Missing);

/// <summary>
/// Who is just outside of a rule: customers that fail one of the conditions that all must hold, or, where there is only one or
/// any will do, that would pass if its figures were a little softer.
/// </summary>
public sealed class NearMisses(RuleParser parser, CustomerStore customers, IOptions<WorkspaceOptions> workspace)
{
    private const int MaxConditions = 5;
    private const int PerCondition = 3;

    /// <summary>By how much figures are softened.</summary>
    private const decimal Slack = 0.2m;

    public async Task<IReadOnlyList<NearMiss>> FindAsync(JsonElement rule, CompiledRule compiled, DateTimeOffset now, CancellationToken cancellation)
    {
        var moment = new Moment(now);
        var found = await Task.WhenAll(Around(rule).Select(r => parser.TryParse(r)).OfType<CompiledRule>()
            .Select(r => customers.SampleAsync(r.ToFilter(moment), PerCondition, cancellation)));
        return
        [
            .. found.SelectMany(f => f).DistinctBy(c => c.Id).Select(c => new NearMiss(
                SegmentMember.Of(c, workspace.Value.Currency), [.. RuleExplanation.Because(compiled.Root, c, moment).Where(e => !e.Passed)])),
        ];
    }

    /// <summary>Rules that hold for those near by and for no member.</summary>
    internal static IEnumerable<JsonElement> Around(JsonElement rule)
    {
        var root = JsonNode.Parse(rule.GetRawText())!.AsObject();
        var conditions = root["rules"]!.AsArray();
        var all = root["combinator"]!.GetValue<string>() == "and" && root["not"]?.GetValue<bool>() != true;
        if (all && conditions.Count > 1)
        {
            for (var i = 0; i < Math.Min(conditions.Count, MaxConditions); i++)
            {
                var others = conditions.Where((_, at) => at != i).Select(c => c!.DeepClone());
                yield return And([.. others, Not(conditions[i]!)]);
            }
        }
        else if (root.DeepClone() is var softer && Soften(softer))
        {
            yield return And([softer, Not(root)]);
        }
    }

    private static JsonElement And(JsonNode[] parts) => JsonSerializer.SerializeToElement(new JsonObject { ["combinator"] = "and", ["rules"] = new JsonArray(parts) });

    private static JsonObject Not(JsonNode node) => new() { ["combinator"] = "and", ["not"] = true, ["rules"] = new JsonArray(node.DeepClone()) };

    /// <returns>Whether there was a figure to soften.</returns>
    private static bool Soften(JsonNode node)
    {
        if (node["rules"] is JsonArray rules)
        {
            // Below a "not" softer would be harder.
            return node["not"]?.GetValue<bool>() != true && rules.Aggregate(false, (any, r) => Soften(r!) || any);
        }

        var value = node["value"];
        switch (node["operator"]!.GetValue<string>())
        {
            case ">" or ">=" when value is JsonValue number && number.TryGetValue<decimal>(out var low):
                node["value"] = Lower(low);
                return true;
            case "<" or "<=" when value is JsonValue number && number.TryGetValue<decimal>(out var high):
                node["value"] = Higher(high);
                return true;
            case "=" when value is JsonValue number && number.TryGetValue<decimal>(out var exact):
                node["operator"] = "between";
                node["value"] = new JsonArray(Lower(exact), Higher(exact));
                return true;
            case "between" when value is JsonArray range && range[0] is JsonValue from && from.TryGetValue<decimal>(out var least) && range[1]!.AsValue().TryGetValue<decimal>(out var most):
                node["value"] = new JsonArray(Lower(least), Higher(most));
                return true;
            case "inLast" or "anniversaryWithin" or "notInLast" when Days(value!.GetValue<string>()) is { } days:
                var longer = node["operator"]!.GetValue<string>() != "notInLast";
                node["value"] = $"P{Math.Max(1, longer ? Math.Ceiling(days * (1 + Slack)) : Math.Floor(days * (1 - Slack))).ToString(CultureInfo.InvariantCulture)}D";
                return true;
            default:
                return false;
        }
    }

    private static decimal Lower(decimal value) => Math.Min(value - 1, value * (1 - Slack));

    private static decimal Higher(decimal value) => Math.Max(value + 1, value * (1 + Slack));

    /// <summary>About so many; an anniversary has no more than a year.</summary>
    private static decimal? Days(string iso) =>
        RuleDuration.TryParse(iso, out var duration, out _) && (duration.Months * 30.44m) + (decimal)duration.Time.TotalDays is var days and < 300 ? Math.Max(1, days) : null;
}
