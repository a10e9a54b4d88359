using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace XenoCrm.Platform.OpenApi;

/// <summary>An example of a route: what is sent and what comes back.</summary>
/// <param name="Parameters">Of the path and the query, by name.</param>
/// <param name="Body">JSON, or a text for other types of content.</param>
/// <param name="Status">Of the answer.</param>
/// <param name="As">Who sends it; the first administrator when absent.</param>
public sealed record Example(IReadOnlyDictionary<string, string>? Parameters, JsonNode? Body, int Status, JsonNode? Answer, ExampleCaller? As = null);

public sealed record ExampleCaller(string Email, string Password);

/// <summary>
/// The examples of the API document, from each feature's <c>Examples.json</c>, by function. They are no prose: a test sends them
/// to the running app in the order of the files, and compares what comes back.
/// </summary>
public sealed class Examples
{
    private readonly Dictionary<string, Example> byFunction = new(StringComparer.Ordinal);

    public Examples(Assembly assembly)
    {
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.EndsWith("Examples.json", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var file = assembly.GetManifestResourceStream(name)!;
            foreach (var (function, example) in JsonSerializer.Deserialize<Dictionary<string, Example>>(file, Json.Strict)!)
            {
                byFunction.Add(function, example);
            }
        }
    }

    public IReadOnlyDictionary<string, Example> All => byFunction;

    public Example? Of(string function) => byFunction.GetValueOrDefault(function);
}
