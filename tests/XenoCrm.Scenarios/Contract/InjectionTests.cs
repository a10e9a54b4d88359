using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace XenoCrm.Scenarios.Contract;

/// <summary>Text of strangers that somebody else reads: a log, a browser, a spreadsheet.</summary>
[Collection(ContractSystem.Collection)]
public partial class InjectionTests(ContractSystem system)
{
    [Fact]
    public async Task No_line_of_a_log_is_written_by_a_caller()
    {
        var mark = $"FORGED-{Guid.NewGuid():N}";
        var line = $"\r\n{mark} admin logged in\r\n";
        var (url, json) = (Uri.EscapeDataString(line), JsonSerializer.Serialize(line));
        foreach (var path in new[]
        {
            $"api/customers/{url}", $"api/{url}", $"{url}", $"api/segments/{url}/members", $"api/campaigns/{url}/messages/{url}", $"t/c/{url}", $"t/o/{url}", $"api/audit?actor={url}&action={url}&resource={url}",
            $"api/customers?q={url}&sort={url}&cursor={url}&{url}=1", $"api/imports/{url}/errors?format={url}", $"api-docs/{url}",
        })
        {
            await system.Http.GetAsync(path);
        }

        foreach (var (path, body) in new[]
        {
            ("auth/login", $$"""{"email":{{json}},"password":{{json}}}"""), ("auth/google", $$"""{"idToken":{{json}}}"""), ("auth/refresh", $$"""{"refreshToken":{{json}}}"""),
            ("customers", $$"""{"externalId":{{json}},"firstName":{{json}},{{json}}:1}"""), ("customers", $$"""{"externalId":{{json}},"firstName":{{json}}}"""),
            ("orders", $$"""{"orderNumber":{{json}},"customer":{"externalId":{{json}}},"amount":1,"source":{{json}}}"""), ("segments", $$"""{"name":{{json}},"rule":{"combinator":{{json}},"rules":[]} }"""),
            ("ai/segments", $$"""{"text":{{json}}}"""), ("suppressions", $$"""{"channel":"email","address":{{json}},"reason":{{json}}}"""),
            ("webhook-subscriptions", $$"""{"name":{{json}},"url":"http://127.0.0.1:9/","events":["campaign.completed"]}"""), ("imports", $$"""{"kind":"customers","dateFormat":{{json}},"mapping":{ {{json}}:{{json}} } }"""),
            ("data/import/customers", line),
        })
        {
            using var content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(path.StartsWith("data", StringComparison.Ordinal) ? "text/csv" : "application/json"));
            using var answer = await system.Http.PostAsync("api/" + path, content);
            ((int)answer.StatusCode).ShouldBeLessThan(500, path);
        }

        // What a vendor says goes further than what a caller does: into a queue, and there into the log of another function.
        var receipts = Encoding.UTF8.GetBytes($$"""[{"messageId":{{json}},"status":"failed","at":"2026-02-03T17:20:00Z","eventId":{{json}},"reason":{{json}}},{"messageId":"0197f0c9e1b87c3f8a3d5b2e6f1a4c05.0.0","status":"failed","at":"2026-02-03T17:20:00Z","eventId":"e","reason":{{json}}}]""");
        using (var request = new HttpRequestMessage(HttpMethod.Post, "api/webhooks/receipts") { Content = new ByteArrayContent(receipts) })
        {
            request.Headers.TryAddWithoutValidation("User-Agent", "x");
            system.Sign(request, receipts);
            using var answer = await system.Http.SendAsync(request);
            ((int)answer.StatusCode).ShouldBeLessThan(500);
        }

        await system.Http.GetAsync("api/health/ready");
        var logs = system.Logs();
        logs.ShouldContain(l => l.Name == "functions.log" && l.Text.Length > 1000);
        foreach (var (name, text) in logs)
            text.Split('\n').Where(l => l.TrimStart().StartsWith(mark, StringComparison.Ordinal)).ShouldBeEmpty(name);
    }

    [Fact]
    public async Task Nobody_is_sent_to_where_a_caller_wants()
    {
        foreach (var path in new[]
        {
            "/t/c/https:%2F%2Fevil.example", "/t/c/%2F%2Fevil.example", "/t/c/aHR0cHM6Ly9ldmlsLmV4YW1wbGU", "/t/c/x?url=https://evil.example", "//evil.example/api/customers", "/\\evil.example/api-docs", "/api-docs/%2F%2Fevil.example",
            "//evil.example/api-docs", "/api-docs/..%2F..%2Fevil.example", "/t/c/%0d%0aLocation:%20https:%2F%2Fevil.example", "/api/customers/%0d%0aSet-Cookie:%20a=b", "http://evil.example/api-docs", "http://evil.example/api/customers",
        })
        {
            var answer = await RawAsync($"GET {path} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\nConnection: close\r\n\r\n");
            answer.ShouldStartWith("HTTP/1.1 ");
            var headers = answer.Split("\r\n\r\n")[0].Split("\r\n").Skip(1).ToList();
            headers.ShouldAllBe(h => !h.StartsWith("Set-Cookie", StringComparison.OrdinalIgnoreCase), path);
            headers.Where(h => h.StartsWith("Location:", StringComparison.OrdinalIgnoreCase)).ShouldAllBe(h => !h.Contains("//", StringComparison.Ordinal) && !h.Contains("evil", StringComparison.Ordinal), path);
        }
    }

    /// <summary>Links in messages, callbacks of vendors and the API document name the configured address, whoever asks under which name.</summary>
    [Fact]
    public async Task Addresses_are_built_of_the_configured_one_alone()
    {
        var document = await RawAsync("GET /api/openapi.json HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n");
        document.ShouldStartWith("HTTP/1.1 200");
        document.ShouldNotContain("evil.example");
        var body = """{"channel":"email","content":{"subject":"Hello","html":"<p><a href=\"https://shop.example/\">Shop</a> <a href=\"{{unsubscribeUrl}}\">Out</a></p>","from":"Shop <news@shop.example>"}}""";
        var rendered = await RawAsync($"POST /api/templates/render HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nAuthorization: Bearer {system.Token}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}");
        rendered.ShouldStartWith("HTTP/1.1 200");
        rendered.ShouldNotContain("evil.example");
        var upload = await RawAsync($"POST /api/imports HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {system.Token}\r\nContent-Type: application/json\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{{\"kind\":\"customers\"}}");
        upload.ShouldStartWith("HTTP/1.1 201");
        upload.ShouldNotContain("evil.example");
    }

    [Fact]
    public async Task No_cell_of_any_file_is_a_formula()
    {
        var tag = Guid.NewGuid().ToString("N")[..8];
        var segment = (await PostAsync("segments", new { name = $"={tag}", rule = new { combinator = "and", rules = new[] { new { field = "externalId", @operator = "=", value = $"={tag}+1" } } } }))["id"]!.GetValue<string>();
        var customer = (await PostAsync("customers", new { externalId = $"={tag}+1", firstName = $"+{tag}", lastName = $"-{tag}", company = $"@SUM({tag})", city = $"=HYPERLINK(\"http://evil.example\",\"{tag}\")", phone = "+493012345", attributes = new { note = $"=cmd|' /C calc'!{tag}" } }))["id"]!.GetValue<string>();
        await PostAsync("orders", new { orderNumber = $"=O{tag}", customer = new { id = customer }, amount = 3, source = $"@{tag}" });
        await PostAsync("users", new { email = $"formula.{tag}@example.com", name = $"=cmd|{tag}", role = "viewer", password = "eleven grey lanterns at noon" });
        using (var login = new StringContent(JsonSerializer.Serialize(new { currentPassword = "eleven grey lanterns at noon", newPassword = "twelve pink lanterns at night" }), Encoding.UTF8, "application/json"))
        using (var request = new HttpRequestMessage(HttpMethod.Post, "api/auth/password") { Content = login })
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await system.LogInAsync($"formula.{tag}@example.com", "eleven grey lanterns at noon"));
            (await system.Http.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        using (var file = new StringContent($"externalId,email,=1+{tag}\nF{tag},\"=no@address,{tag}\",@x{tag}\n", Encoding.UTF8, "text/csv"))
            await system.Http.PostAsync("api/data/import/customers", file);
        var import = JsonNode.Parse(await system.Http.GetStringAsync("api/imports?limit=1"))!["items"]![0]!["id"]!.GetValue<string>();
        var campaign = (await PostAsync("campaigns", new { name = $"={tag}", channel = "email", segmentId = segment, content = new { subject = "Hello", html = "<p>Hello <a href=\"{{unsubscribeUrl}}\">Out</a></p>", from = "Shop <news@shop.example>" } }))["id"]!.GetValue<string>();

        foreach (var (path, isThere) in new[]
        {
            ("customers/export", $"'={tag}+1"), ("orders/export", $"'=O{tag}"), ($"segments/{segment}/members?format=csv", $"'={tag}+1"), ("audit?format=csv&action=ChangePassword", $"'=cmd|{tag}"),
            ($"imports/{import}/errors", $"'=1+{tag}"), ($"campaigns/{campaign}/messages?format=csv", ""),
        })
        {
            using var answer = await system.Http.GetAsync("api/" + path);
            var text = (await answer.Content.ReadAsStringAsync()).TrimStart('\uFEFF');
            answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/csv", $"{path}: {text}");
            text.ShouldContain(isThere, Case.Sensitive, path);
            Formula().Matches(text).Select(m => m.Value).ShouldBeEmpty(path);
        }
        var files = system.Document.Operations.Where(o => o.Method == "GET" && o.Json["responses"]!["200"]?["content"]?["text/csv"] is not null).Select(o => o.Id);
        files.ShouldBe(["ExportCustomers", "ExportOrders", "ListSegmentMembers", "ListAudit", "GetImportErrors", "ListCampaignMessages", "GetImportUndo", "GetCustomerSample", "GetOrderSample"], ignoreOrder: true, "a new file comes here too");
    }

    private async Task<JsonNode> PostAsync(string path, object body)
    {
        using var answer = await system.Http.PostAsync("api/" + path, new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"));
        var text = await answer.Content.ReadAsStringAsync();
        answer.IsSuccessStatusCode.ShouldBeTrue($"{path}: {text}");
        return JsonNode.Parse(text)!;
    }

    /// <summary>As it is: a client of .NET would correct it.</summary>
    private async Task<string> RawAsync(string request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, system.System.Api.Port);
        await socket.SendAsync(Encoding.UTF8.GetBytes(request));
        using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }

    /// <summary>The beginning of a cell that a spreadsheet runs.</summary>
    [GeneratedRegex("(^|,)\"?[=+@\\t\\r-]", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Formula();
}
