using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace XenoCrm.Scenarios.Contract;

/// <param name="IsRouted">Whether it certainly reaches the operation: then the answer must be one that the operation declares.</param>
public sealed record HostileRequest(Operation Operation, HttpRequestMessage Message, bool IsRouted, string About);

/// <summary>Requests that nobody should send, for every operation of the document, the same for the same seed.</summary>
public sealed class HostileRequests(ApiDocument document, int seed)
{
    /// <summary>As JSON.</summary>
    private static readonly string[] s_values =
    [
        "null", "true", "0", "-1", "1e400", "-1e400", "123456789012345678901234567890", "0.000000000000000000000000000001", "9007199254740993", "2147483648", "1.7976931348623157e308",
        "\"\"", "\" \"", "\"x\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\u202e\\u0007\\u001b[31m\"", "\"=cmd|' /C calc'!A0\"", "\"' OR 1=1 --\"", "\"<script>alert(1)</script>\"", "\"{{#each x}}\"", "\"../../etc/passwd\"",
        "\"0001-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59.9999999+14:00\"", "\"2026-02-30\"", "\"12:60\"", "\"2e3\"", "\"nobody@example\"", "\"a@b.c\\r\\nBcc: d@e.f\"", "\"P999999999Y\"", "\"0197f0c9e1b87c3f8a3d5b2e6f1a4c01\"",
        "[]", "{}", "[null]", "[[]]", "{\"\":null}", "{\"$type\":\"System\"}", "{\"__proto__\":{}}", "[1,\"a\",{}]",
    ];

    private static readonly string[] s_segments =
    [
        "..", ".", "%2e%2e", "%2e%2e%2f%2e%2e", "%00", "%0d%0aX-Injected:%201", "%ff%fe", "%F0%9F%98%80", "%E2%80%AE", "'%20OR%201=1", "a%2Fb", "a;b=c", "*", "null", "-1", "0", "%25%30%30", "{id}", "~", "%22", "%5c..%5c",
        "0197f0c9e1b87c3f8a3d5b2e6f1a4c01", "00000000000000000000000000000000", "0197f0c9e1b87c3f8a3d5b2e6f1a4c01-O-1", "receipts-x", "%3Cscript%3E",
    ];

    private static readonly string[] s_types =
    [
        "application/json", "application/json; charset=utf-16", "application/json; charset=nonsense", "text/plain", "text/csv", "application/xml", "multipart/form-data", "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=\"\"", "application/x-www-form-urlencoded", "application/merge-patch+json", "json", "*/*", "application/json;;;",
    ];

    private readonly Random _random = new(seed);
    private readonly Dictionary<string, JsonNode?> _bodies = document.Operations.ToDictionary(o => o.Id, o => o.Body.Select(c => c.Value!["example"]).FirstOrDefault(e => e is not null));

    public HostileRequest Next(Operation operation)
    {
        var (path, isRouted) = Path(operation);
        var method = _random.Next(40) == 0 ? Pick(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]) : operation.Method;
        var address = path + Query(operation);
        var message = new HttpRequestMessage(new HttpMethod(method), new Uri("http://x" + address, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        var body = operation.Body.Count > 0 || _random.Next(20) == 0 ? Body(operation) : null;
        if (body is not null && method is not ("GET" or "HEAD" or "TRACE"))
        {
            message.Content = new ByteArrayContent(body);
            var type = _random.Next(8) == 0 ? Pick(s_types) : operation.Body.Select(c => c.Key).FirstOrDefault("application/json");
            if (!MediaTypeHeaderValue.TryParse(type, out _) || _random.Next(50) > 0)
                message.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        Headers(operation, message);
        // Kestrel takes no header that is not ASCII.
        isRouted &= !message.Headers.NonValidated.Any(h => h.Value.Any(v => v.Any(c => c > 127)));
        return new(operation, message, isRouted && method == operation.Method, $"{method} {address} {(body is null ? "" : Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 400))))}");
    }

    private (string Path, bool IsRouted) Path(Operation operation)
    {
        var isRouted = true;
        var steps = operation.Path.Split('/').Select(step =>
        {
            if (!step.Contains('{', StringComparison.Ordinal))
                return step;
            if (_random.Next(3) > 0)
                return "0197f0c9e1b87c3f8a3d5b2e6f1a4c01";
            isRouted = false;
            return _random.Next(30) == 0 ? new string('a', _random.Next(3000)) : Pick(s_segments);
        }).ToList();
        if (_random.Next(60) == 0)
        {
            isRouted = false;
            steps.Insert(_random.Next(1, steps.Count), Pick([.. s_segments, ""]));
        }
        return (string.Join('/', steps), isRouted);
    }

    private string Query(Operation operation)
    {
        var names = operation.Named("query").Where(_ => _random.Next(3) == 0).ToList();
        if (_random.Next(20) == 0)
            names.AddRange([.. names, "unknown", "%00", "$filter"]);
        return names.Count == 0 ? "" : "?" + string.Join('&', names.Select(n => n + (_random.Next(20) == 0 ? "" : "=" + QueryValue())));
    }

    private string QueryValue() => _random.Next(4) switch
    {
        0 => Pick(s_segments),
        1 => Uri.EscapeDataString(Pick(s_values).Replace("\\ud800", "x", StringComparison.Ordinal)),
        2 => Pick(["-1", "0", "1", "200", "201", "99999999999", "true", "TRUE", "csv", "json", "customers", "-totalSpend", "2026-01-01", "1e400", "%2B1", "AAAA"]),
        _ => _random.Next(40) == 0 ? new string('9', 4000) : "x",
    };

    private byte[] Body(Operation operation)
    {
        var example = _bodies[operation.Id];
        var text = _random.Next(12) switch
        {
            0 => Pick(["", "{", "}", "[", "nul", "{\"a\":}", "{\"a\":1,}", "\u0000", "{}{}", "// {}", "{'a':1}", "\"", "\ufeff{}", "<a/>", "a,b\n\"1,2\n"]),
            1 => Pick(s_values),
            2 => Nested(_random.Next(4) == 0 ? 5000 : 40),
            3 => Repeated(example),
            4 when example is not null => Text(example) is var whole && whole.Length > 1 ? whole[.._random.Next(whole.Length)] : "",
            5 when example is JsonObject known => Unknown(known),
            _ => example is null ? Pick(s_values) : Mutated(example),
        };
        var bytes = Encoding.UTF8.GetBytes(text);
        if (_random.Next(25) == 0 && bytes.Length > 2)
            bytes[_random.Next(bytes.Length)] = Pick<byte>([0xFF, 0xC0, 0x80, 0x00, 0xED]);
        return bytes;
    }

    /// <summary>The example with one or two of its values replaced.</summary>
    private string Mutated(JsonNode example)
    {
        var text = Text(example);
        var values = new List<string>();
        Collect(example, values);
        for (var i = _random.Next(1, 3); i > 0 && values.Count > 0; i--)
        {
            var at = text.IndexOf(Pick(values), StringComparison.Ordinal);
            if (at >= 0)
            {
                var value = values.First(v => text.AsSpan(at).StartsWith(v, StringComparison.Ordinal));
                text = text[..at] + (_random.Next(30) == 0 ? "\"" + new string('ä', _random.Next(70_000)) + "\"" : Pick(s_values)) + text[(at + value.Length)..];
            }
        }
        return text;
    }

    private static void Collect(JsonNode? node, List<string> values)
    {
        if (node is JsonObject members)
        {
            foreach (var (_, value) in members)
                Collect(value, values);
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items)
                Collect(item, values);
        }
        if (node is not null)
            values.Add(node.ToJsonString());
    }

    /// <summary>A member twice, in one case or two.</summary>
    private string Repeated(JsonNode? example)
    {
        if (example is not JsonObject { Count: > 0 } members)
            return "{\"a\":1,\"a\":2}";
        var (name, value) = members.ElementAt(_random.Next(members.Count));
        var twice = _random.Next(2) == 0 ? name : name.ToUpperInvariant();
        return $"{members.ToJsonString()[..^1]},\"{twice}\":{value?.ToJsonString() ?? "null"}}}";
    }

    private string Unknown(JsonObject members) => $"{members.ToJsonString()[..^1]},\"{Pick(["firstNam", "nmae", "x", "", "\\u0000", "$ref", "a.b", "a/b~c", new string('k', 5000)])}\":{Pick(s_values)}}}";

    private static string Text(JsonNode example) => example is JsonValue value && value.TryGetValue<string>(out var text) ? text : example.ToJsonString();

    private string Nested(int depth) => _random.Next(3) switch
    {
        0 => new string('[', depth) + new string(']', depth),
        1 => string.Concat(Enumerable.Repeat("{\"rules\":[", depth)) + string.Concat(Enumerable.Repeat("]}", depth)),
        _ => "{\"rule\":" + string.Concat(Enumerable.Repeat("{\"combinator\":\"and\",\"rules\":[", depth)) + string.Concat(Enumerable.Repeat("]}", depth)) + "}",
    };

    private void Headers(Operation operation, HttpRequestMessage message)
    {
        if (operation.Parameters.Any(p => p["name"]!.GetValue<string>() == "If-Match") && _random.Next(4) > 0)
            message.Headers.TryAddWithoutValidation("If-Match", Pick(["*", "\"x\"", "W/\"x\"", "x", "\"", "\"a\", \"b\"", new string('e', 4000), "\u00e9"]));
        if (_random.Next(6) == 0)
            message.Headers.TryAddWithoutValidation("Idempotency-Key", Pick(["k", $"k{_random.Next(50)}", "a b", new string('k', 300), "\"quoted\"", "\u00e9", ""]));
        if (_random.Next(15) == 0)
            message.Headers.TryAddWithoutValidation("Authorization", Pick(["Bearer", "Bearer x", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YTpi", "Bearer " + new string('x', 6000), "Bearer a.b.c.d.e"]));
        if (_random.Next(15) == 0)
            message.Headers.TryAddWithoutValidation("X-Api-Key", Pick(["x", new string('k', 2000), "xk_a_b", "\u00e9"]));
        if (_random.Next(15) == 0)
            message.Headers.TryAddWithoutValidation("Accept", Pick(["text/csv", "*/*;q=0", "nonsense", "application/xml", "text/event-stream", ","]));
        if (_random.Next(30) == 0)
            message.Headers.TryAddWithoutValidation("X-HTTP-Method-Override", "DELETE");
        if (_random.Next(30) == 0)
            message.Headers.TryAddWithoutValidation("X-Forwarded-Host", "evil.example\" onload=");
        if (_random.Next(30) == 0)
            message.Headers.TryAddWithoutValidation("Last-Event-ID", Pick(["-1", "x", "99999999999999999999"]));
        if (_random.Next(30) == 0)
            message.Headers.TryAddWithoutValidation("traceparent", Pick(["00-0-0-00", "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff", "x"]));
        if (message.Content is not null && _random.Next(30) == 0)
            message.Content.Headers.TryAddWithoutValidation("Content-Encoding", Pick(["gzip", "br", "nonsense"]));
    }

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];
}
