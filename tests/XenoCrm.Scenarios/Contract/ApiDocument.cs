using System.Text.Json.Nodes;

namespace XenoCrm.Scenarios.Contract;

/// <summary>One route and method, as the document describes it.</summary>
public sealed record Operation(string Id, string Method, string Path, JsonObject Json)
{
    public string Tag => Json["tags"]![0]!.GetValue<string>();

    public bool IsProtected => Json["security"] is JsonArray { Count: > 0 };

    public IEnumerable<int> Statuses => Json["responses"]!.AsObject().Select(r => int.Parse(r.Key));

    public IReadOnlyList<JsonObject> Parameters => [.. (Json["parameters"]?.AsArray() ?? []).Select(p => p!.AsObject())];

    public IEnumerable<string> Named(string place) => Parameters.Where(p => p["in"]!.GetValue<string>() == place).Select(p => p["name"]!.GetValue<string>());

    /// <summary>Content type → schema and example; empty without a body.</summary>
    public JsonObject Body => Json["requestBody"]?["content"]?.AsObject() ?? [];

    public JsonNode? AnswerSchema(int status) =>
        Json["responses"]![status.ToString()]!["content"]?.AsObject().First(c => c.Key.EndsWith("json", StringComparison.Ordinal)).Value!["schema"];

    public bool NeedsIfMatch => Parameters.Any(p => p["name"]!.GetValue<string>() == "If-Match" && p["required"]?.GetValue<bool>() == true);
}

public sealed class ApiDocument(JsonObject json)
{
    public JsonObject Json => json;

    public IReadOnlyList<Operation> Operations { get; } =
    [
        .. from path in json["paths"]!.AsObject()
           from operation in path.Value!.AsObject()
           select new Operation(operation.Value!["operationId"]!.GetValue<string>(), operation.Key.ToUpperInvariant(), path.Key, operation.Value!.AsObject()),
    ];

    /// <summary>The schema itself, where there is a reference to it.</summary>
    public JsonObject Resolve(JsonNode? schema)
    {
        while (schema?["$ref"] is { } reference)
            schema = reference.GetValue<string>().Split('/').Skip(1).Aggregate((JsonNode?)json, (node, step) => node?[step]);
        return schema?.AsObject() ?? [];
    }
}
