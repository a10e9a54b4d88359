using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>One system for all cases of bad input.</summary>
public sealed class BadInputSystem : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public AppHostProcess System { get; private set; } = null!;
    public ApiClient Api { get; private set; } = null!;
    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        System = await AppHostProcess.StartAsync(_folder.Path, AppHostProcess.FreePortBase());
        Api = await System.LogInAsync();
        var settings = LocalSettings.Load();
        Http = new HttpClient { BaseAddress = System.Api };
        using var login = await Http.PostAsync("api/auth/login", Json(new { email = settings["Auth__Admin__Email"], password = settings["Auth__Admin__Password"] }));
        var token = JsonDocument.Parse(await login.Content.ReadAsStringAsync()).RootElement.GetProperty("accessToken").GetString();
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        Api?.Dispose();
        if (System is not null)
            await System.DisposeAsync();
        _folder.Dispose();
    }

    public static StringContent Json(object body) => new(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
}

public class BadInputTests(BadInputSystem system) : IClassFixture<BadInputSystem>
{
    private const string Good = "Customer ID,Email\n";

    [Fact]
    public async Task A_form_without_a_file_is_told_so()
    {
        using var form = new MultipartFormDataContent { { new StringContent("hello"), "note" } };
        await ShouldBeProblemAsync(await system.Http.PostAsync("api/data/import/customers", form), 400, "import.file_missing");
    }

    [Fact]
    public async Task An_empty_file_is_told_so() =>
        await ShouldBeProblemAsync(await UploadAsync([]), 422, "import.file_empty");

    [Fact]
    public async Task A_header_with_no_usable_column_is_told_so() =>
        await ShouldBeProblemAsync(await UploadAsync("Colour,Shape\nred,round\n"u8.ToArray()), 422, "import.no_usable_column");

    [Fact]
    public async Task Six_megabytes_are_too_many()
    {
        var csv = new StringBuilder(Good);
        for (var n = 0; csv.Length < 6 * 1024 * 1024; n++)
            csv.Append($"BIG-{n},big{n}@example.com\n");
        await ShouldBeProblemAsync(await UploadAsync(Encoding.UTF8.GetBytes(csv.ToString())), 413);
        (await CountAsync("BIG-0")).ShouldBe(0);
    }

    [Fact]
    public async Task A_picture_named_csv_is_no_csv()
    {
        byte[] png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, .. RandomNumberGenerator.GetBytes(2000)];
        using var form = new MultipartFormDataContent();
        var part = new ByteArrayContent(png);
        part.Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        form.Add(part, "file", "customers.csv");
        await ShouldBeProblemAsync(await system.Http.PostAsync("api/data/import/customers", form), 415);
        using var json = new ByteArrayContent("{}"u8.ToArray());
        json.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        await ShouldBeProblemAsync(await system.Http.PostAsync("api/data/import/customers", json), 415);
    }

    [Fact]
    public async Task A_row_with_a_hundred_thousand_columns_does_not_stop_the_good_ones()
    {
        var csv = $"{Good}WIDE-1,wide1@example.com\n{string.Join(',', Enumerable.Repeat("x", 100_000))}\nWIDE-2,wide2@example.com\n";
        var report = await ShouldBePartialAsync(await UploadAsync(Encoding.UTF8.GetBytes(csv)));
        CodesOf(report).ShouldContain("import.too_many_fields");
        (await CountAsync("WIDE-1")).ShouldBe(1);
        (await CountAsync("WIDE-2")).ShouldBe(1);
    }

    [Fact]
    public async Task Invalid_utf8_is_an_error_of_its_row()
    {
        byte[] csv = [.. Encoding.UTF8.GetBytes($"{Good}UTF-1,utf1@example.com\nUTF-2,"), 0xC3, 0x28, 0xFF, .. "@example.com\nUTF-3,utf3@example.com\n"u8];
        var report = await ShouldBePartialAsync(await UploadAsync(csv));
        CodesOf(report).ShouldContain("import.encoding_invalid");
        (await CountAsync("UTF-1")).ShouldBe(1);
        (await CountAsync("UTF-2")).ShouldBe(0);
        (await CountAsync("UTF-3")).ShouldBe(1);
    }

    [Fact]
    public async Task A_rule_about_an_unknown_field_is_told_so()
    {
        var problem = await ShouldBeProblemAsync(await system.Http.PostAsync("api/segments/preview", BadInputSystem.Json(new
        {
            rule = new { combinator = "and", rules = new[] { new { field = "shoeSize", @operator = ">", value = 40 } } },
        })), 400, "segment.rule_invalid");
        problem.GetProperty("errors").EnumerateObject().ShouldContain(e => e.Name.Contains("/rules/0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rule_of_nine_levels_is_too_deep_and_one_of_eight_is_not()
    {
        using var eight = await system.Http.PostAsync("api/segments/preview", BadInputSystem.Json(new { rule = Nested(8) }));
        eight.StatusCode.ShouldBe(HttpStatusCode.OK, await eight.Content.ReadAsStringAsync());
        await ShouldBeProblemAsync(await system.Http.PostAsync("api/segments", BadInputSystem.Json(new { name = "Deep", rule = Nested(9) })), 400, "segment.rule_too_deep");
    }

    [Theory]
    [InlineData("bad")]
    [InlineData("missing")]
    [InlineData("old")]
    [InlineData("wrong secret")]
    public async Task A_webhook_that_is_not_the_vendors_is_refused(string signature)
    {
        var body = Encoding.UTF8.GetBytes("""[{"messageId":"x.0.0","status":"delivered","at":"2026-01-31T08:15:00Z","eventId":"e1"}]""");
        var key = Convert.FromBase64String(LocalSettings.Load()["Vendors__Generic__ReceiptSecrets__0"]["whsec_".Length..]);
        if (signature == "wrong secret")
            key[0] ^= 1;
        var at = TimeProvider.System.GetUtcNow().AddMinutes(signature == "old" ? -10 : 0).ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/webhooks/receipts") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", $"msg_{Guid.NewGuid():N}");
        request.Headers.Add("webhook-timestamp", at.ToString());
        if (signature != "missing")
        {
            var signed = HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{request.Headers.GetValues("webhook-id").Single()}.{at}."), .. body]);
            request.Headers.Add("webhook-signature", signature == "bad" ? "v1,bm90IGEgc2lnbmF0dXJl" : $"v1,{Convert.ToBase64String(signed)}");
        }
        using var http = new HttpClient { BaseAddress = system.System.Api };
        await ShouldBeProblemAsync(await http.SendAsync(request), 401);
    }

    [Theory]
    [InlineData("GET", "api/customers/none", 404)]
    [InlineData("GET", "api/segments?cursor=forged", 400)]
    [InlineData("POST", "api/segments", 400)]
    [InlineData("GET", "api/nowhere", 404)]
    public async Task Anything_else_that_is_wrong_is_a_problem_document_too(string method, string path, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST")
            request.Content = new StringContent("{\"name\":", Encoding.UTF8, "application/json");
        await ShouldBeProblemAsync(await system.Http.SendAsync(request), status);
    }

    private async Task<HttpResponseMessage> UploadAsync(byte[] csv)
    {
        var content = new ByteArrayContent(csv);
        content.Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        return await system.Http.PostAsync("api/data/import/customers", content);
    }

    private async Task<long> CountAsync(string externalId) =>
        (await system.Api.PostAsync("api/segments/preview", new
        {
            rule = new { combinator = "and", rules = new[] { new { field = "externalId", @operator = "=", value = externalId } } },
        }, CancellationToken.None)).GetProperty("count").GetInt64();

    private static JsonNode Nested(int levels)
    {
        JsonNode node = new JsonObject { ["field"] = "totalSpend", ["operator"] = ">", ["value"] = 1 };
        for (var i = 0; i < levels; i++)
            node = new JsonObject { ["combinator"] = "and", ["rules"] = new JsonArray(node) };
        return node;
    }

    private static IEnumerable<string?> CodesOf(JsonElement report) => report.GetProperty("issues").EnumerateArray().Select(i => i.GetProperty("code").GetString());

    private static async Task<JsonElement> ShouldBePartialAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(207, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static async Task<JsonElement> ShouldBeProblemAsync(HttpResponseMessage response, int status, string? code = null)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync();
            ((int)response.StatusCode).ShouldBe(status, text);
            response.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
            var problem = JsonDocument.Parse(text).RootElement;
            foreach (var member in new[] { "type", "title", "status", "detail", "code", "traceId" })
                problem.TryGetProperty(member, out _).ShouldBeTrue($"{member} is missing: {text}");
            if (code is not null)
                problem.GetProperty("code").GetString().ShouldBe(code);
            return problem;
        }
    }
}
