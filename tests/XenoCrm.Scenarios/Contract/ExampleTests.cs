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
                if (answer is not null)
                    Check(example.Function, answer, system.Document.Operations.Single(o => o.Id == example.Function).AnswerSchema(example.Status), differences);
            }
            catch (ShouldAssertException exception)
            {
                refused.Add(exception.Message);
            }
        }
        refused.ShouldBeEmpty(string.Join("\n\n", refused));
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
            await sender.WriteAsync(answered);
        differences.ShouldBeEmpty("the app answers what the document does not say");
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

    /// <summary>What the document says of the answer, and no member that it does not know.</summary>
    private void Check(string at, JsonNode? value, JsonNode? described, List<string> differences)
    {
        var schema = system.Document.Resolve(described);
        if (schema["type"] is { } type && !(type is JsonArray types ? types.Select(t => t!.GetValue<string>()) : [type.GetValue<string>()]).Any(t => IsOf(t, value)))
            differences.Add($"{at}: {value?.GetValueKind()} is not {type}");
        else if (value is JsonObject members && schema["properties"] is JsonObject known)
        {
            differences.AddRange((schema["required"]?.AsArray() ?? []).Select(r => r!.GetValue<string>()).Where(r => !members.ContainsKey(r)).Select(r => $"{at}.{r} is required and not there"));
            foreach (var (name, member) in members)
            {
                if (known.ContainsKey(name))
                    Check($"{at}.{name}", member, known[name], differences);
                else
                    differences.Add($"{at}.{name} is not in the document");
            }
        }
        else if (value is JsonArray items)
        {
            foreach (var (item, i) in items.Select((item, i) => (item, i)))
                Check($"{at}[{i}]", item, schema["items"], differences);
        }
    }

    private static bool IsOf(string type, JsonNode? value) => (type, value?.GetValueKind() ?? JsonValueKind.Null) switch
    {
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String) or ("null", JsonValueKind.Null) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) or ("number", JsonValueKind.Number) => true,
        ("integer", JsonValueKind.Number) => value!.GetValue<decimal>() % 1 == 0,
        _ => false,
    };
}
