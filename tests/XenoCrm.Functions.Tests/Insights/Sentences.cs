using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <param name="Set"><c>tuned</c>: the parser was worked on with these in view. <c>heldOut</c>: it was not.</param>
internal sealed record Sentence(string Set, string Text, JsonElement Rule);

/// <param name="Agreement">Of the customers that either rule finds, those that both find: 1 when they are the same, 0 for a sentence that was not understood.</param>
/// <param name="Exact">The same rule but for order, grouping and spelling of durations.</param>
internal sealed record Score(Sentence Sentence, JsonElement? Got, double Agreement, bool Exact);

/// <summary>
/// What marketers write and the rule it means, written before there was a parser. Scores whoever turns text into rules.
/// </summary>
internal static class Sentences
{
    public static IReadOnlyList<Sentence> All { get; } =
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Insights", "data", "sentences.jsonl")).Select(l => JsonElement.Parse(l))
            .Select(j => new Sentence(j.GetProperty("set").GetString()!, j.GetProperty("sentence").GetString()!, j.GetProperty("rule"))),
    ];

    public static Score Judge(Sentence sentence, JsonElement? got)
    {
        var expected = Members(sentence.Rule) ?? throw new InvalidOperationException($"The expected rule of \"{sentence.Text}\" is not valid.");
        var found = got is { } rule ? Members(rule) : null;
        if (found is null)
        {
            return new(sentence, got, 0, false);
        }

        var both = expected.Intersect(found).Count();
        var either = expected.Count + found.Count - both;
        return new(sentence, got, either == 0 ? 1 : (double)both / either, Canonical(sentence.Rule) == Canonical(got!.Value));
    }

    /// <summary>Null for a rule that is not valid.</summary>
    public static HashSet<string>? Members(JsonElement rule)
    {
        if (Town.Parser.TryParse(rule) is not { } compiled)
        {
            return null;
        }

        var moment = new Moment(Town.Now);
        return [.. Town.Customers.Where(c => compiled.Matches(c, moment)).Select(c => c.Id)];
    }

    /// <summary>One text for rules that differ in order, in groups that only hold one thing, in <c>in</c> of one value, in P2W and P14D.</summary>
    public static string Canonical(JsonElement rule) => Canonical(JsonNode.Parse(rule.GetRawText())!);

    private static string Canonical(JsonNode node)
    {
        var json = (JsonObject)node;
        if (json["rules"] is JsonArray rules)
        {
            var or = json["combinator"]!.GetValue<string>() == "or";
            var not = json["not"]?.GetValue<bool>() == true;
            var parts = rules.Select(r => Canonical(r!)).ToList();
            var prefix = or ? "or(" : "and(";
            parts = [.. parts.SelectMany(p => p.StartsWith(prefix, StringComparison.Ordinal) ? p[prefix.Length..^1].Split('|') : [p]).Distinct().Order(StringComparer.Ordinal)];
            var text = parts is [var one] ? one : $"{prefix}{string.Join('|', parts)})";
            return not ? $"not[{text}]" : text;
        }

        var (field, op, value) = (json["field"]!.GetValue<string>(), json["operator"]!.GetValue<string>(), json["value"]);
        if (value is JsonArray { Count: 1 } single && op is "in" or "notIn")
        {
            (op, value) = (op == "in" ? field == "tags" ? "contains" : "=" : "!=", ((JsonArray)value!)[0]);
        }

        var said = value switch
        {
            null => "",
            JsonArray list when op is "in" or "notIn" => string.Join(',', list.Select(v => v!.ToJsonString()).Order(StringComparer.Ordinal)),
            _ => value.ToJsonString().ToLowerInvariant(),
        };
        return $"{field} {op} {(op.EndsWith("Last", StringComparison.Ordinal) ? Duration(said) : said)}".Replace("|", "/");
    }

    private static string Duration(string text) => RuleDuration.TryParse(text.Trim('"').ToUpperInvariant(), out var duration, out _) ? duration.ToString() : text;

    public static string Report(IReadOnlyCollection<Score> scores) =>
        $"{scores.Count} sentences: member agreement {scores.Average(s => s.Agreement):P1}, exact {scores.Average(s => s.Exact ? 1.0 : 0):P1}";
}
