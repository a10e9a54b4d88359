using System.Net;
using System.Text;
using Microsoft.Azure.Cosmos;
using Newtonsoft.Json.Linq;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

/// <summary>The page at /_explorer and the routes it asks: what they answer, and to whom not.</summary>
public sealed class ExplorerTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private EmulatorServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0 });
        _http.BaseAddress = _server.Endpoint;
        using var client = Emulator.Connect(_server.Endpoint);
        Database database = await client.CreateDatabaseAsync("shop");
        await database.CreateContainerAsync(new ContainerProperties("orders", "/pk") { DefaultTimeToLive = 60 });
        Container container = await database.CreateContainerAsync("customers", "/pk");
        for (var i = 0; i < 7; i++)
        {
            await container.CreateItemAsync(Doc.Of($"i{i}", $"p{i % 2}", i));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_page_needs_nothing_from_elsewhere()
    {
        var page = await _http.GetAsync("_explorer");
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        page.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
        var html = await page.Content.ReadAsStringAsync();
        html.ShouldContain("<title>Cosmos emulator</title>");
        html.ShouldNotContain("{nonce}");
        html.ShouldNotContain("http://");
        html.ShouldNotContain("https://");
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("frame-ancestors 'none'");
        var nonce = policy.Split("script-src 'nonce-")[1].Split('\'')[0];
        html.ShouldContain($"<script nonce=\"{nonce}\">");
        (await (await _http.GetAsync("_explorer")).Content.ReadAsStringAsync()).ShouldNotContain(nonce);
    }

    [Fact]
    public async Task The_catalog_lists_databases_and_containers()
    {
        var (status, body) = await Ask("catalog");
        status.ShouldBe(HttpStatusCode.OK);
        var containers = body["databases"]!.Single()["containers"]!;
        containers.Select(c => $"{c["id"]} {c["keyPaths"]![0]} {c["items"]}").ShouldBe(["customers /pk 7", "orders /pk 0"]);
        containers[0]!["bytes"]!.Value<long>().ShouldBeGreaterThan(500);
        containers[0]!["definition"]!["indexingPolicy"]!["includedPaths"]![0]!["path"]!.Value<string>().ShouldBe("/*");
        containers[1]!["definition"]!["defaultTtl"]!.Value<int>().ShouldBe(60);
    }

    [Fact]
    public async Task Items_come_in_pages_as_they_are_stored()
    {
        var seen = new List<string>();
        string? continuation = null;
        do
        {
            var (status, page) = await Query("SELECT * FROM c", new { maxItemCount = 3, continuation });
            status.ShouldBe(HttpStatusCode.OK);
            var documents = page["documents"]!.Select(d => JObject.Parse(d.Value<string>()!)).ToList();
            documents.Count.ShouldBeLessThanOrEqualTo(3);
            documents.ShouldAllBe(d => d["_etag"] != null);
            seen.AddRange(documents.Select(d => d["id"]!.Value<string>()!));
            page["charge"]!.Value<double>().ShouldBeGreaterThan(2);
            continuation = page["continuation"]?.Value<string>();
        }
        while (continuation is not null);
        seen.ShouldBe(["i0", "i1", "i2", "i3", "i4", "i5", "i6"]);
    }

    [Fact]
    public async Task A_query_has_parameters_and_a_partition()
    {
        var parameters = new[] { new { name = "@least", value = 3 } };
        Texts(await Query("SELECT VALUE c.n FROM c WHERE c.n >= @least", new { parameters })).ShouldBe(["3", "4", "5", "6"]);
        Texts(await Query("SELECT VALUE c.n FROM c WHERE c.n >= @least", new { parameters, partitionKey = new[] { "p1" } })).ShouldBe(["3", "5"]);
        Texts(await Query("SELECT VALUE 9007199254740993")).ShouldBe(["9007199254740993"]);

        static IEnumerable<string> Texts((HttpStatusCode, JObject Body) answer) => answer.Body["documents"]!.Select(d => d.Value<string>()!);
    }

    [Fact]
    public async Task An_error_says_where()
    {
        var (status, error) = await Query("SELECT LENGHT(c.id) FROM c");
        status.ShouldBe(HttpStatusCode.BadRequest);
        (error["code"]!.Value<string>(), error["start"]!.Value<int>(), error["end"]!.Value<int>()).ShouldBe(("SC2005", 7, 13));
        error["message"]!.Value<string>()!.ShouldContain("LENGHT");

        (await Query("SELECT * FROM c", new { partitionKey = new object[] { new[] { 1 } } })).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await Query("SELECT * FROM c", new { continuation = "made up" })).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await Query("SELECT * FROM c", container: "none")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Ask("query", "no json")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await Ask("nothing")).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")] // another port of this machine
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Host", "evil.example")] // its name resolves to 127.0.0.1: to the browser it is the same origin
    [InlineData("Host", "127.0.0.1.evil.example:8081")]
    [InlineData("Host", "localhost.evil.example")]
    public async Task Pages_of_other_origins_are_refused(string header, string value)
    {
        foreach (var route in new[] { "catalog", "query" })
        {
            var body = route == "query" ? """{"database":"shop","container":"customers","query":"SELECT * FROM c"}""" : null;
            var (status, answer) = await Ask(route, body, request => request.Headers.TryAddWithoutValidation(header, value));
            status.ShouldBe(HttpStatusCode.Forbidden);
            answer.Properties().Select(p => p.Name).ShouldNotContain("documents");
        }
    }

    [Fact]
    public async Task A_request_that_any_page_can_send_is_refused()
    {
        // Without a header of its own a request needs no preflight, and older browsers do not say where it comes from.
        (await _http.GetAsync("_explorer/catalog")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await _http.PostAsync("_explorer/query", new StringContent("""{"database":"shop","container":"customers","query":"SELECT 1"}"""))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "_explorer/catalog");
        preflight.Headers.Add("Origin", "http://evil.example");
        preflight.Headers.Add("Access-Control-Request-Headers", "x-explorer");
        var answer = await _http.SendAsync(preflight);
        answer.IsSuccessStatusCode.ShouldBeFalse();
        answer.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:8081")]
    [InlineData("127.0.0.1:9")]
    [InlineData("[::1]:8081")]
    public async Task The_own_page_is_answered_at_any_name_of_loopback(string host)
    {
        var (status, _) = await Ask("catalog", null, request =>
        {
            request.Headers.Host = host;
            request.Headers.Add("Origin", "http://" + host);
            request.Headers.Add("Sec-Fetch-Site", "same-origin");
        });
        status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    public async Task It_changes_nothing(string verb)
    {
        foreach (var path in new[] { "_explorer", "_explorer/catalog", "_explorer/query", "_explorer/dbs/shop" })
        {
            using var request = new HttpRequestMessage(new HttpMethod(verb), path);
            request.Headers.Add("x-explorer", "1");
            (await _http.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
    }

    private Task<(HttpStatusCode Status, JObject Body)> Query(string sql, object? more = null, string container = "customers")
    {
        var body = JObject.FromObject(more ?? new { });
        body["database"] = "shop";
        body["container"] = container;
        body["query"] = sql;
        return Ask("query", body.ToString());
    }

    private async Task<(HttpStatusCode Status, JObject Body)> Ask(string route, string? body = null, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, "_explorer/" + route);
        request.Headers.Add("x-explorer", "1");
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        change?.Invoke(request);
        var response = await _http.SendAsync(request);
        return (response.StatusCode, JObject.Parse(await response.Content.ReadAsStringAsync()));
    }
}
