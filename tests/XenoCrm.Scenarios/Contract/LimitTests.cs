using System.Net.Sockets;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace XenoCrm.Scenarios.Contract;

/// <summary>What the document says of members is what the app holds them to.</summary>
[Collection(ContractSystem.Collection)]
public class LimitTests(ContractSystem system, ITestOutputHelper output)
{
    [Fact]
    public async Task Every_limit_of_a_member_is_held_and_its_pointer_is_named()
    {
        var tried = 0;
        var failures = new List<string>();
        foreach (var example in ApiExamples.Read())
        {
            var operation = system.Document.Operations.Single(o => o.Id == example.Function);

            // What comes from vendors is taken leniently: a vendor cannot be told to correct itself.
            if (example.Json["body"] is not JsonObject || operation.Path.StartsWith("/api/webhooks", StringComparison.Ordinal) || operation.Body.First().Value!["schema"] is not { } schema)
                continue;
            foreach (var (pointer, body) in Violations(example.Json["body"]!.AsObject(), system.Document.Resolve(schema)))
            {
                tried++;
                using var request = new HttpRequestMessage(new HttpMethod(operation.Method), Address(operation, example));
                request.Headers.TryAddWithoutValidation("If-Match", "*");
                request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue(operation.Body.First().Key));
                using var response = await system.Http.SendAsync(request);
                var text = await response.Content.ReadAsStringAsync();

                // What does not exist may be found out first, and an item of a list fails alone.
                if ((int)response.StatusCode is 404 or 308 || ((int)response.StatusCode == 207 && operation.Statuses.Contains(207)))
                    continue;
                var named = response.Content.Headers.ContentType?.MediaType == "application/problem+json" ? JsonNode.Parse(text)!["errors"]?.AsObject().Select(e => e.Key) ?? [] : [];
                if ((int)response.StatusCode != 400 || !named.Any(n => n.StartsWith(pointer, StringComparison.Ordinal) || pointer.StartsWith(n, StringComparison.Ordinal)))
                    failures.Add($"{operation.Id} {pointer}: {(int)response.StatusCode} {text[..Math.Min(300, text.Length)]}");
            }
        }
        output.WriteLine($"{tried} violations");
        tried.ShouldBeGreaterThan(150);
        failures.ShouldBeEmpty(string.Join('\n', failures));
    }

    /// <summary>Wrong types, limits, missing and unknown members, in pairs: both are named, whichever the reader comes to first.</summary>
    [Fact]
    public async Task All_that_is_wrong_with_a_body_is_said_at_once()
    {
        var tried = new Dictionary<string, int>();
        var failures = new List<string>();
        foreach (var example in ApiExamples.Read())
        {
            var operation = system.Document.Operations.Single(o => o.Id == example.Function);
            if (example.Json["body"] is not JsonObject original || operation.Path.StartsWith("/api/webhooks", StringComparison.Ordinal) || operation.Body.First().Value!["schema"] is not { } described)
                continue;
            var schema = system.Document.Resolve(described);
            var faults = Violations(original, schema).ToList();
            foreach (var ((pointer, body), i) in faults.Select((f, i) => (f, i)))
            {
                // With the fault of another member, and with a member that there is not.
                var (other, name) = (faults[(i + faults.Count / 2) % faults.Count].Pointer, pointer[1..]);
                foreach (var second in new[] { other, "/noSuchMember" }.Where(s => s != pointer).Distinct())
                {
                    var both = faults.First(f => f.Pointer == second).Body.DeepClone().AsObject();
                    both.Remove(name);
                    if (body[name] is { } value)
                        both[name] = value.DeepClone();
                    var status = await NamedAsync(operation, example, both, [pointer, second], failures);
                    if (status == 400)
                        tried[operation.Id] = tried.GetValueOrDefault(operation.Id) + 1;
                }
            }
        }
        output.WriteLine($"{tried.Values.Sum()} pairs on {tried.Count} routes");
        tried.Count.ShouldBeGreaterThan(25);
        tried.Values.Sum().ShouldBeGreaterThan(200);
        failures.ShouldBeEmpty(string.Join('\n', failures));
    }

    private async Task<int> NamedAsync(Operation operation, ApiExample example, JsonObject body, string[] pointers, List<string> failures)
    {
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), Address(operation, example));
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue(operation.Body.First().Key));
        using var response = await system.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var status = (int)response.StatusCode;
        if (status is 404 or 308)
            return status;
        var named = response.Content.Headers.ContentType?.MediaType == "application/problem+json" ? JsonNode.Parse(text)!["errors"]?.AsObject().Select(e => e.Key).ToList() ?? [] : [];
        if (status != 400 || !pointers.All(p => named.Exists(n => n.StartsWith(p, StringComparison.Ordinal) || p.StartsWith(n, StringComparison.Ordinal))))
            failures.Add($"{operation.Id} {string.Join(' ', pointers)}: {status} {text[..Math.Min(400, text.Length)]}");
        return status;
    }

    private static string Address(Operation operation, ApiExample example)
    {
        var parameters = example.Json["parameters"]?.AsObject() ?? [];
        return string.Join('/', operation.Path.Split('/').Select(s => s.StartsWith('{') ? Uri.EscapeDataString(parameters[s[1..^1]]!.GetValue<string>()) : s)).TrimStart('/');
    }

    /// <summary>The body with one member at a time that its schema does not allow.</summary>
    private IEnumerable<(string Pointer, JsonObject Body)> Violations(JsonObject body, JsonObject schema)
    {
        foreach (var (name, described) in schema["properties"]?.AsObject() ?? [])
        {
            var member = described!["anyOf"] is JsonArray { Count: 2 } choice ? system.Document.Resolve(choice[0]) : system.Document.Resolve(described);
            var values = new List<JsonNode?>();
            if (Types(member) is { Count: > 0 } types && !types.Contains("object") && !types.Contains("array"))
                values.Add(new JsonObject());
            if (member["maxLength"]?.GetValue<int>() is { } length)
                values.Add(new string('x', length + 1));
            if (member["minLength"]?.GetValue<int>() is 1)
                values.Add("");
            if (member["pattern"] is not null)
                values.Add("§ no §");
            if (member["maxItems"]?.GetValue<int>() is { } count)
                values.Add(new JsonArray([.. Enumerable.Range(0, count + 1).Select(i => (JsonNode?)$"i{i}")]));
            if (member["maximum"]?.GetValue<decimal>() is { } maximum)
                values.Add(maximum + 1);
            if ((member["minimum"] ?? member["exclusiveMinimum"])?.GetValue<decimal>() is { } minimum)
                values.Add(minimum - 1);
            if (member["enum"] is not null)
                values.Add("no such choice");
            if (member["format"]?.GetValue<string>() is "date" or "date-time" or "email")
                values.Add("nonsense");
            foreach (var value in values)
                yield return ($"/{name}", With(body, name, value));
        }
        foreach (var name in schema["required"]?.AsArray().Select(r => r!.GetValue<string>()) ?? [])
            yield return ($"/{name}", With(body, name, null));
        yield return ("/noSuchMember", With(body, "noSuchMember", 1));
    }

    private static List<string> Types(JsonObject schema) => schema["type"] switch
    {
        JsonArray types => [.. types.Select(t => t!.GetValue<string>())],
        { } type => [type.GetValue<string>()],
        null => [],
    };

    private static JsonObject With(JsonObject body, string name, JsonNode? value)
    {
        var changed = body.DeepClone().AsObject();
        changed.Remove(name);
        if (value is not null)
            changed[name] = value;
        return changed;
    }
}

/// <summary>Clients that hold connections open do not stop the others.</summary>
[Collection(ContractSystem.Collection)]
public class ConnectionTests(ContractSystem system)
{
    private const int Connections = 400;

    [Fact]
    public async Task Slow_and_silent_clients_do_not_stop_the_others()
    {
        var sockets = new List<Socket>();
        try
        {
            // A quarter each: nothing, half a header, a body of which a byte comes and no more, and a body promised far too large.
            for (var i = 0; i < Connections; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync("127.0.0.1", system.System.Api.Port);
                sockets.Add(socket);
                var text = (i % 4) switch
                {
                    0 => "",
                    1 => "POST /api/customers HTTP/1.1\r\nHost: x\r\nX-Slow: ",
                    2 => $"POST /api/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {system.Token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
                    _ => $"POST /api/data/import/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {system.Token}\r\nContent-Type: text/csv\r\nContent-Length: 1000000000000\r\n\r\nx",
                };
                if (text.Length > 0)
                    await socket.SendAsync(Encoding.ASCII.GetBytes(text));
            }

            for (var i = 0; i < 50; i++)
            {
                using var answer = await system.Http.PostAsync("api/customers", new StringContent($$"""{ "externalId": "slow-{{Guid.NewGuid():N}}" }""", Encoding.UTF8, "application/json"));
                ((int)answer.StatusCode).ShouldBe(201, await answer.Content.ReadAsStringAsync());
            }

            // Half a body does not wait for ever: the server gives up on less than 240 bytes a second.
            var cut = sockets.Where((_, i) => i % 4 == 2).ToList();
            for (var i = 0; i < 600 && cut.Any(s => !s.Poll(0, SelectMode.SelectRead)); i++)
                await Task.Delay(100);
            cut.ShouldAllBe(s => s.Poll(0, SelectMode.SelectRead));

            // And says so.
            var answered = new List<string>();
            foreach (var socket in cut)
            {
                var answer = new byte[16 * 1024];
                answered.Add(Encoding.UTF8.GetString(answer, 0, await socket.ReceiveAsync(answer)));
            }
            answered.ShouldAllBe(a => a.StartsWith("HTTP/1.1 408", StringComparison.Ordinal) && a.Contains("\"request.too_slow\"", StringComparison.Ordinal));
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }
    }
}
