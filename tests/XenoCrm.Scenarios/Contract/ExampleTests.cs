using System.Text.Json;
using System.Text.Json.Nodes;

namespace XenoCrm.Scenarios.Contract;

[Collection(ContractSystem.Collection)]
public class ExampleTests(ContractSystem system)
{
    /// <summary>Set to 1: what the app answers becomes the examples' answers.</summary>
    private const string WriteVariable = "XENO_WRITE_EXAMPLES";

    [Fact]
    public async Task Every_example_of_the_document_is_what_the_app_answers()
    {
        var examples = ApiExamples.Read();
        examples.Count.ShouldBeGreaterThan(40);
        var sender = new ApiExamples(system);
        var answered = new List<(ApiExample, JsonNode?)>();
        var (refused, differences) = (new List<string>(), new List<string>());
        foreach (var example in examples)
        {
            try
            {
                var answer = await sender.SendAsync(example);
                answered.Add((example, answer));
                Compare(example.Function, example.Json["answer"], answer, differences);
            }
            catch (ShouldAssertException exception)
            {
                refused.Add(exception.Message);
            }
        }
        refused.ShouldBeEmpty(string.Join("\n\n", refused));
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
            await sender.WriteAsync(answered);
        else
            differences.ShouldBeEmpty($"the examples' answers are not the app's any more; {WriteVariable}=1 writes them anew");
    }

    [Fact]
    public void Every_operation_with_a_body_has_an_example()
    {
        var withExample = ApiExamples.Read().Select(e => e.Function).ToHashSet();
        var withBody = system.Document.Operations.Where(o => o.Body.Count > 0).ToList();
        withBody.Count.ShouldBeGreaterThan(25);
        withBody.Select(o => o.Id).Except(withExample).ShouldBeEmpty("add them to the feature's Examples.json");
        withBody.Where(o => o.Body.Any(c => c.Key != "multipart/form-data" && c.Value!["example"] is null)).Select(o => o.Id).ShouldBeEmpty("the document does not show their examples");
    }

    /// <summary>The same members of the same types; lists by their first items. What a dictionary holds is data.</summary>
    private static void Compare(string at, JsonNode? example, JsonNode? actual, List<string> differences)
    {
        if (example?.GetValueKind() != actual?.GetValueKind() && !(IsFlag(example) && IsFlag(actual)))
            differences.Add($"{at}: {example?.GetValueKind().ToString() ?? "nothing"} in the example, {actual?.GetValueKind().ToString() ?? "nothing"} in the answer");
        else if ((example, actual) is (JsonObject known, JsonObject given))
        {
            foreach (var name in known.Select(m => m.Key).Union(given.Select(m => m.Key)).ToList())
                Compare($"{at}.{name}", known[name], given[name], differences);
        }
        else if ((example, actual) is (JsonArray { Count: > 0 } items, JsonArray { Count: > 0 } others))
        {
            Compare($"{at}[0]", items[0], others[0], differences);
        }
    }

    private static bool IsFlag(JsonNode? node) => node?.GetValueKind() is JsonValueKind.True or JsonValueKind.False;
}
