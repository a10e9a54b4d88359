using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Azure.Cosmos;
using Newtonsoft.Json.Linq;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

/// <summary>Signatures, throttling, and requests that no SDK sends.</summary>
public sealed class AccessTests(Emulator emulator)
{
    [Fact]
    public async Task Another_key_is_refused()
    {
        Assert.SkipWhen(Emulator.IsForeign, "uses the emulator's own key");
        using var client = Emulator.Connect(emulator.Endpoint, Convert.ToBase64String(new byte[64]));
        (await Should.ThrowAsync<CosmosException>(() => client.CreateDatabaseAsync("x"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using var http = new HttpClient();
        (await http.GetAsync(new Uri(emulator.Endpoint, "dbs"))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await http.GetAsync(new Uri(emulator.Endpoint, "_health"))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_a_check_any_key_is_good()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var client = Emulator.Connect(server.Endpoint, Convert.ToBase64String(new byte[64]));
        (await client.CreateDatabaseAsync("x")).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_exceeds_the_throughput_waits_and_succeeds()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Throughput = 100 });
        using var patient = Emulator.Connect(server.Endpoint, configure: o => (o.MaxRetryAttemptsOnRateLimitedRequests, o.MaxRetryWaitTimeOnRateLimitedRequests) = (100, TimeSpan.FromSeconds(60)));
        using var hasty = Emulator.Connect(server.Endpoint, configure: o => o.MaxRetryAttemptsOnRateLimitedRequests = 0);
        Database database = await patient.CreateDatabaseAsync("x");
        Container container = await database.CreateContainerAsync("items", "/pk");
        var refused = 0;
        var wait = TimeSpan.Zero;
        await Task.WhenAll(Enumerable.Range(0, 150).Select(async i =>
        {
            try
            {
                await hasty.GetContainer("x", "items").UpsertItemAsync(Doc.Of($"h{i}"), new PartitionKey("p"));
            }
            catch (CosmosException error) when (error.StatusCode == HttpStatusCode.TooManyRequests)
            {
                refused++;
                wait = error.RetryAfter ?? wait;
            }
        }));
        refused.ShouldBeGreaterThan(0);
        wait.ShouldBeGreaterThan(TimeSpan.Zero);
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => container.UpsertItemAsync(Doc.Of($"p{i}"), new PartitionKey("p"))));
    }

    [Fact]
    public async Task Requests_are_refused_on_purpose_while_that_is_asked_for()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0 });
        using var client = Emulator.Connect(server.Endpoint, configure: o => o.MaxRetryAttemptsOnRateLimitedRequests = 0);
        Database database = await client.CreateDatabaseAsync("x");
        Container container = await database.CreateContainerAsync("items", "/pk");
        using var http = new HttpClient();
        (await http.PutAsync(new Uri(server.Endpoint, "_faults?percent=101"), null)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await http.PutAsync(new Uri(server.Endpoint, "_faults?percent=100"), null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        for (var i = 0; i < 20; i++)
        {
            var refused = await Should.ThrowAsync<CosmosException>(() => container.CreateItemAsync(Doc.Of($"i{i}"), new PartitionKey("p")));
            ((int)refused.StatusCode).ShouldBeOneOf(429, 449, 503);
        }

        await http.PutAsync(new Uri(server.Endpoint, "_faults?percent=0"), null);
        (await container.GetItemQueryIterator<int>("SELECT VALUE COUNT(1) FROM c").ReadNextAsync()).Single().ShouldBe(0);
    }

    [Fact]
    public async Task Responses_have_the_headers_of_the_protocol()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = new HttpClient { BaseAddress = server.Endpoint };
        await Post("dbs", """{"id":"d"}""");
        await Post("dbs/d/colls", """{"id":"c","partitionKey":{"paths":["/pk"]}}""");
        var created = await Post("dbs/d/colls/c/docs", """{"id":"a","pk":"p"}""");
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        Header(created, "x-ms-session-token").ShouldBe("0:-1#1");
        Header(created, "lsn").ShouldBe("1");
        Header(created, "x-ms-alt-content-path").ShouldBe("dbs/d/colls/c");
        Header(created, "x-ms-documentdb-partitionkeyrangeid").ShouldBe("0");
        double.Parse(Header(created, "x-ms-request-charge")).ShouldBeGreaterThan(1);
        var item = JObject.Parse(await created.Content.ReadAsStringAsync());
        Header(created, "etag").ShouldBe(item["_etag"]!.Value<string>());
        var rid = Convert.FromBase64String(item["_rid"]!.Value<string>()!.Replace('-', '/'));
        Convert.ToBase64String(rid[..8]).Replace('/', '-').ShouldBe(Header(created, "x-ms-content-path"));

        var conflict = await Post("dbs/d/colls/c/docs", """{"id":"a","pk":"p"}""");
        conflict.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        Header(conflict, "x-ms-session-token").ShouldBe("0:-1#1");
        Header(conflict, "etag").ShouldBe(Header(created, "etag"));
        JObject.Parse(await conflict.Content.ReadAsStringAsync())["code"]!.Value<string>().ShouldBe("Conflict");

        using var ahead = new HttpRequestMessage(HttpMethod.Get, "dbs/d/colls/c/docs/a");
        ahead.Headers.Add("x-ms-documentdb-partitionkey", "[\"p\"]");
        ahead.Headers.Add("x-ms-session-token", "0:-1#99");
        var behind = await http.SendAsync(ahead);
        behind.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        Header(behind, "x-ms-substatus").ShouldBe("1002");

        using var ranges = new HttpRequestMessage(HttpMethod.Get, $"dbs/{Convert.ToBase64String(rid[..4]).Replace('/', '-')}/colls/{Header(created, "x-ms-content-path")}/pkranges");
        var first = await http.SendAsync(ranges);
        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var again = new HttpRequestMessage(HttpMethod.Get, ranges.RequestUri);
        again.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Parse(Header(first, "etag")));
        (await http.SendAsync(again)).StatusCode.ShouldBe(HttpStatusCode.NotModified);

        async Task<HttpResponseMessage> Post(string path, string body) => await http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
    }

    [Theory]
    [InlineData("POST", "dbs", "not json", 400)]
    [InlineData("POST", "dbs", "{}", 400)]
    [InlineData("POST", "dbs", "{\"id\":\"a/b\"}", 400)]
    [InlineData("POST", "dbs", "{\"id\":\"x\",\"id\":\"y\"}", 400)]
    [InlineData("DELETE", "dbs", "", 405)]
    [InlineData("GET", "nothing/here", "", 404)]
    [InlineData("GET", "dbs/none", "", 404)]
    [InlineData("POST", "dbs/none/colls", "{\"id\":\"c\"}", 404)]
    [InlineData("PATCH", "dbs/none/colls/none/docs/none", "{}", 404)]
    [InlineData("GET", "dbs/%zz/colls/%2F", "", 404)]
    public async Task Strange_requests_get_an_error_with_a_body(string verb, string path, string body, int status)
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = new HttpClient { BaseAddress = server.Endpoint };
        using var request = new HttpRequestMessage(new HttpMethod(verb), path) { Content = new StringContent(body) };
        var response = await http.SendAsync(request);
        ((int)response.StatusCode).ShouldBe(status);
        JObject.Parse(await response.Content.ReadAsStringAsync())["message"]!.Value<string>()!.ShouldContain("Errors");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(30)]
    [InlineData(200)]
    public async Task Batches_that_are_no_hybrid_row_are_400(int length)
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = new HttpClient { BaseAddress = server.Endpoint };
        await http.PostAsync("dbs", new StringContent("""{"id":"d"}"""));
        await http.PostAsync("dbs/d/colls", new StringContent("""{"id":"c","partitionKey":{"paths":["/pk"]}}"""));
        var random = new Random(length);
        for (var i = 0; i < 20; i++)
        {
            var body = new byte[length];
            random.NextBytes(body);
            byte[] start = [0x81, 0xF0, 0xD8, 0xFF, 0x7F, 1, 10, 0, 0, 0, 0x81, 0xF1, 0xD8, 0xFF, 0x7F];
            start.AsSpan(0, Math.Min(i, Math.Min(length, start.Length))).CopyTo(body);
            using var request = new HttpRequestMessage(HttpMethod.Post, "dbs/d/colls/c/docs") { Content = new ByteArrayContent(body) };
            request.Headers.Add("x-ms-cosmos-is-batch-request", "True");
            (await http.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        }
    }

    private static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : throw new KeyNotFoundException(name);
}
