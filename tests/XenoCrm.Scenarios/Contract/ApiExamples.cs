using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using XenoCrm.AppHost;

namespace XenoCrm.Scenarios.Contract;

/// <summary>One example of a feature's <c>Examples.json</c>.</summary>
public sealed record ApiExample(string Feature, string Function, JsonObject Json)
{
    public int Status => Json["status"]!.GetValue<int>();
}

/// <summary>
/// Sends the examples of the API document to the running app, one after the other, with the ids that this app gives where the
/// examples have theirs.
/// </summary>
public sealed partial class ApiExamples(ContractSystem system)
{
    /// <summary>What is there when the next feature's examples begin.</summary>
    private static readonly string[] Order = ["Accounts", "Customers", "Orders", "Segments", "Imports", "Campaigns", "Delivery", "Insights", "Analytics", "Webhooks", "Privacy"];

    private static readonly JsonSerializerOptions s_written = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<string, string> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _tokens = new(StringComparer.Ordinal);

    public static string Folder { get; } = Path.Combine(Repository.Root, "src", "XenoCrm.Functions");

    public static IReadOnlyList<ApiExample> Read() =>
    [
        .. from file in Directory.EnumerateFiles(Folder, "Examples.json", SearchOption.AllDirectories)
           let feature = Path.GetFileName(Path.GetDirectoryName(file))!
           orderby Array.IndexOf(Order, feature) is var at && at < 0 ? int.MaxValue : at
           from example in JsonNode.Parse(File.ReadAllText(file))!.AsObject()
           select new ApiExample(feature, example.Key, example.Value!.AsObject()),
    ];

    /// <returns>What the app answered.</returns>
    public async Task<JsonNode?> SendAsync(ApiExample example)
    {
        var operation = system.Document.Operations.SingleOrDefault(o => o.Id == example.Function)
            ?? throw new InvalidOperationException($"{example.Feature}/Examples.json has an example of {example.Function}, and the document has no such operation.");
        using var request = Request(operation, example);
        if (example.Json["as"] is JsonObject caller)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await system.LogInAsync(caller["email"]!.GetValue<string>(), caller["password"]!.GetValue<string>()));
        using var response = await system.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(example.Status, $"{operation.Id}: {text}");
        operation.Statuses.ShouldContain(example.Status, $"{operation.Id} does not declare the answer of its example");
        var answer = text.Length > 0 && response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true ? JsonNode.Parse(text) : null;
        Learn(example.Json["answer"], answer);
        return answer;
    }

    private HttpRequestMessage Request(Operation operation, ApiExample example)
    {
        var parameters = (example.Json["parameters"]?.AsObject() ?? []).ToDictionary(p => p.Key, p => Actual(p.Value!.GetValue<string>()));
        var path = PathParameter().Replace(operation.Path, m => Uri.EscapeDataString(parameters[m.Groups[1].Value]));
        var query = string.Join('&', operation.Named("query").Where(parameters.ContainsKey).Select(n => $"{n}={Uri.EscapeDataString(parameters[n])}"));
        var request = new HttpRequestMessage(new HttpMethod(operation.Method), path.TrimStart('/') + (query.Length > 0 ? "?" + query : ""));
        if (operation.NeedsIfMatch)
            request.Headers.TryAddWithoutValidation("If-Match", "*");
        if (example.Json["body"] is { } body)
        {
            var type = operation.Body.Select(c => c.Key).First();
            var text = type.EndsWith("json", StringComparison.Ordinal) ? Actual(body.ToJsonString())
                : type == "application/x-www-form-urlencoded" ? string.Join('&', body.AsObject().Select(f => $"{f.Key}={Uri.EscapeDataString(f.Value!.ToString())}"))
                : body.GetValue<string>();
            var bytes = Encoding.UTF8.GetBytes(text);
            request.Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
            system.Sign(request, bytes);
        }
        return request;
    }

    /// <summary>Where the example has an id, this app has another.</summary>
    private void Learn(JsonNode? example, JsonNode? actual)
    {
        switch (example, actual)
        {
            case (JsonObject known, JsonObject given):
                foreach (var (name, value) in known)
                {
                    if (name == "refreshToken")
                        _tokens[value!.GetValue<string>()] = given[name]!.GetValue<string>();
                    else
                        Learn(value, given[name]);
                }
                break;
            case (JsonArray known, JsonArray given):
                foreach (var (value, other) in known.Zip(given))
                    Learn(value, other);
                break;
            case (JsonValue known, JsonValue given) when known.TryGetValue<string>(out var from) && given.TryGetValue<string>(out var to) && Id().IsMatch(from):
                _ids.TryAdd(Id().Match(from).Value, Id().Match(to).Value); // who creates it comes first; lists may have another order
                break;
            default:
                break;
        }
    }

    private string Actual(string text) =>
        _tokens.Aggregate(Id().Replace(text, m => _ids.GetValueOrDefault(m.Value, m.Value)), (replaced, token) => replaced.Replace(token.Key, token.Value, StringComparison.Ordinal));

    /// <summary>Puts what the app answered into the examples.</summary>
    public async Task WriteAsync(IEnumerable<(ApiExample Example, JsonNode? Answer)> answered)
    {
        foreach (var feature in answered.GroupBy(a => a.Example.Feature))
        {
            var file = new JsonObject();
            foreach (var (example, answer) in feature)
            {
                var json = example.Json.DeepClone().AsObject();
                json.Remove("answer");
                if (answer is not null)
                    json["answer"] = answer.DeepClone();
                file[example.Function] = json;
            }
            // With the examples' own ids: else every other example would have to follow.
            var text = _ids.DistinctBy(id => id.Value).Concat(_tokens).Aggregate(file.ToJsonString(s_written), (text, id) => text.Replace(id.Value, id.Key, StringComparison.Ordinal));
            await File.WriteAllTextAsync(Path.Combine(Folder, feature.Key, "Examples.json"), text.ReplaceLineEndings("\n") + "\n");
        }
    }

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex Id();

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathParameter();
}
