using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

/// <summary>Mutated rules: each is evaluated, or refused with a code; what is saved can be read and evaluated ever after.</summary>
public sealed class RuleFuzzTests
{
    private const int Bodies = 3000;

    private static readonly string[] Samples =
    [
        """{ "combinator": "and", "not": false, "rules": [ { "field": "totalSpend", "operator": ">", "value": 10000 }, { "combinator": "or", "rules": [ { "field": "visits", "operator": "<", "value": 3 }, { "field": "lastActiveAt", "operator": "notInLast", "value": "P90D" } ] } ] }""",
        """{ "combinator": "or", "rules": [ { "field": "city", "operator": "in", "value": ["Bern", "Ulm"] }, { "field": "birthday", "operator": "anniversaryWithin", "value": "P7D" }, { "field": "attributes.shoe", "operator": "between", "value": [36, 40] } ] }""",
        """{ "combinator": "and", "rules": [ { "field": "tags", "operator": "contains", "value": "vip" }, { "field": "consent.email", "operator": "=", "value": "granted" }, { "field": "categories.Tea.spend", "operator": ">=", "value": "12.5" }, { "field": "email", "operator": "notNull" } ] }""",
    ];

    [Fact]
    public async Task No_rule_is_a_5xx()
    {
        await using var world = await SegmentWorld.StartAsync();
        var segments = ActivatorUtilities.CreateInstance<SegmentFunctions>(world.Process);
        var rules = ActivatorUtilities.CreateInstance<RuleFunctions>(world.Process);
        await world.PutAsync(Enumerable.Range(0, 12).Select(i => Rules.Customer(c => c with { Id = $"{i:x32}", City = i % 2 == 0 ? "Bern" : "Ulm", TotalSpend = i * 200_000, Tags = ["vip"] })));
        string[] values =
        [
            .. JsonFuzz.Values, "\"P1D\"", "\"P99999999Y\"", "\"-P1D\"", "\"PT\"", "\"and\"", "\"xor\"", "\"contains\"", "\"beginsWith\"", "\"between\"", "\"null\"", "\"inLast\"", "\"segments\"", "\"attributes.\"", "\"attributes.a\\\"b\"",
            "\"categories..spend\"", "\"rfm.segment\"", "\"search\"", "[1, 2]", "[2, 1]", "[\"2026-01-31\", \"2026-02-31\"]", $"[{string.Join(',', Enumerable.Repeat("1", 1001))}]",
        ];
        var fuzz = new JsonFuzz(20_264, values, ["combinator", "rules", "field", "operator", "value", "not", "Spend", "city"], ["Rules", "rules", "field", "\\u0066ield", "firstName", "language", ""]);
        for (var i = 0; i < Bodies; i++)
        {
            var deep = i % 100 == 0 ? string.Concat(Enumerable.Repeat("""{ "combinator": "and", "rules": [ """, 50)) + Samples[0] + string.Concat(Enumerable.Repeat(" ] }", 50)) : Samples[i % Samples.Length];
            var isSaved = fuzz.Random.Next(10) == 0;
            var body = fuzz.Mutate(isSaved ? $$"""{ "name": "N{{i}}", "description": "x", "rule": {{deep}} }""" : $$"""{ "rule": {{deep}} }""");
            var answer = await ApiCall.SendAsync(
                world.Process, r => isSaved ? segments.Create(r, TestContext.Current.CancellationToken) : rules.Preview(r, TestContext.Current.CancellationToken), body, "application/json", "", null);
            fuzz.Judge(answer, body, out _);
        }

        string[] reached = ["request.invalid", "request.json_malformed", "segment.rule_invalid", "segment.rule_too_deep"];
        reached.Except(fuzz.Codes).ShouldBeEmpty(string.Join(", ", fuzz.Codes));
        fuzz.Taken.ShouldBeGreaterThan(Bodies / 150); // a rule is strict: most mutations are a mistake
        fuzz.Refused.ShouldBeGreaterThan(Bodies / 4);

        // Every write of a customer evaluates what was saved.
        await world.RunQueueAsync();
        await world.PutAsync([Rules.Customer(c => c with { City = "Bern" })]);
    }
}
