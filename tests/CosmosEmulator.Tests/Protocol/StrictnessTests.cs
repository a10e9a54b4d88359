using System.Net;
using System.Text;
using Microsoft.Azure.Cosmos;
using Newtonsoft.Json.Linq;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

/// <summary>What the service refuses or limits, and a lenient emulator would hide until production.</summary>
public sealed class StrictnessTests(Emulator emulator)
{
    private static readonly PartitionKey P = new("p");

    [Fact]
    public async Task If_match_means_nothing_to_an_upsert_that_creates()
    {
        var container = await emulator.NewContainer();
        var created = await container.UpsertItemAsync(Doc.Of("a"), P, new ItemRequestOptions { IfMatchEtag = "\"none\"" });
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await PointTests.Status(() => container.UpsertItemAsync(Doc.Of("a"), P, new ItemRequestOptions { IfMatchEtag = "\"none\"" }))).Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await container.UpsertItemAsync(Doc.Of("a"), P, new ItemRequestOptions { IfMatchEtag = "*" })).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task If_none_match_counts_for_reads_and_for_an_upsert_that_replaces()
    {
        var container = await emulator.NewContainer();
        var any = new ItemRequestOptions { IfNoneMatchEtag = "*" };
        var first = await container.UpsertItemAsync(Doc.Of("a", n: 1), P, any);
        first.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await PointTests.Status(() => container.UpsertItemAsync(Doc.Of("a", n: 2), P, any))).Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await PointTests.Status(() => container.UpsertItemAsync(Doc.Of("a", n: 2), P, new ItemRequestOptions { IfNoneMatchEtag = first.ETag }))).Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await PointTests.Status(() => container.ReadItemAsync<Doc>("a", P, any))).Status.ShouldBe(HttpStatusCode.NotModified);
        // Create, replace and delete ignore it.
        (await container.ReplaceItemAsync(Doc.Of("a", n: 3), "a", P, any)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await container.ReadItemAsync<Doc>("a", P, new ItemRequestOptions { IfNoneMatchEtag = first.ETag })).Resource.N.ShouldBe(3);
        using var batch = await container.CreateTransactionalBatch(P).UpsertItem(Doc.Of("a", n: 4), new TransactionalBatchItemRequestOptions { IfNoneMatchEtag = "*" }).ExecuteAsync();
        batch.StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await container.DeleteItemAsync<Doc>("a", P, any)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task A_container_that_has_changed_is_not_overwritten()
    {
        var container = await emulator.NewContainer();
        var read = await container.ReadContainerAsync();
        var properties = read.Resource;
        properties.DefaultTimeToLive = 50;
        var stale = new ContainerRequestOptions { IfMatchEtag = read.ETag };
        (await container.ReplaceContainerAsync(properties, stale)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await Refused(() => container.ReplaceContainerAsync(properties, stale))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await Refused(() => container.DeleteContainerAsync(stale))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await Refused(() => container.Database.DeleteAsync(new RequestOptions { IfMatchEtag = "\"none\"" }))).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
    }

    [Fact]
    public async Task Ids_and_keys_are_measured_in_bytes()
    {
        var container = await emulator.NewContainer();
        var longest = new string('ä', 511) + "x"; // 1,023 bytes
        (await container.CreateItemAsync(Doc.Of(longest), P)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await container.ReadItemAsync<Doc>(longest, P)).Resource.Id.ShouldBe(longest);
        (await PointTests.Status(() => container.CreateItemAsync(Doc.Of(longest + "x"), P))).Status.ShouldBe(HttpStatusCode.BadRequest);

        var key = new string('k', 2048);
        (await container.CreateItemAsync(Doc.Of("a", key), new PartitionKey(key))).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await PointTests.Status(() => container.CreateItemAsync(Doc.Of("a", key + "k")))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_batch_of_more_than_2_MB_is_too_large()
    {
        var container = await emulator.NewContainer();
        var batch = container.CreateTransactionalBatch(P);
        for (var i = 0; i < 3; i++)
        {
            batch.CreateItem(new { id = $"{i}", pk = "p", text = new string('x', 800_000) });
        }

        using var answer = await batch.ExecuteAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task A_page_ends_at_4_MB()
    {
        var container = await emulator.NewContainer();
        for (var i = 0; i < 6; i++)
        {
            await container.CreateItemAsync(new { id = $"{i}", pk = "p", text = new string('x', 1_000_000) }, P);
        }

        foreach (var sql in new[] { "SELECT * FROM c", "SELECT VALUE c.text FROM c", null })
        {
            using var query = container.GetItemQueryIterator<object>(sql, requestOptions: new QueryRequestOptions { PartitionKey = P, MaxItemCount = 100 });
            (await query.ReadNextAsync()).Count.ShouldBeInRange(3, 5);
            (await query.ReadNextAsync()).Count.ShouldBeInRange(1, 3);
            query.HasMoreResults.ShouldBeFalse();
        }
    }

    [Fact]
    public async Task Groups_come_without_a_continuation()
    {
        var container = await emulator.NewContainer();
        for (var i = 0; i < 6; i++)
        {
            await container.CreateItemAsync(Doc.Of($"{i}", n: i), P);
        }

        using var query = container.GetItemQueryIterator<JObject>("SELECT c.n, COUNT(1) AS c FROM c GROUP BY c.n", requestOptions: new QueryRequestOptions { MaxItemCount = 2 });
        var page = await query.ReadNextAsync();
        page.ContinuationToken.ShouldBeNull();
    }

    [Fact]
    public async Task A_query_over_all_partitions_must_be_asked_for()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = await WithItems(server);
        (await Query([])).ShouldBe((400, "1004"));
        (await Query([("x-ms-documentdb-query-enablecrosspartition", "True")])).Status.ShouldBe(200);
        (await Query([("x-ms-documentdb-partitionkey", "[\"p\"]")])).Status.ShouldBe(200);
        (await Query([("x-ms-documentdb-partitionkeyrangeid", "0")])).Status.ShouldBe(200);

        async Task<(int Status, string SubStatus)> Query((string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "dbs/d/colls/c/docs") { Content = new StringContent("""{"query":"SELECT * FROM c"}""", Encoding.UTF8, "application/query+json") };
            request.Headers.Add("x-ms-documentdb-isquery", "True");
            foreach (var (name, value) in headers)
            {
                request.Headers.Add(name, value);
            }

            var answer = await http.SendAsync(request);
            return ((int)answer.StatusCode, answer.Headers.TryGetValues("x-ms-substatus", out var sub) ? sub.Single() : "");
        }
    }

    [Fact]
    public async Task Databases_containers_and_items_are_found_by_their_resource_ids_too()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = await WithItems(server);
        var container = JObject.Parse(await http.GetStringAsync("dbs/d/colls/c"));
        var self = container["_self"]!.Value<string>()!;
        JObject.Parse(await http.GetStringAsync(self))["id"]!.Value<string>().ShouldBe("c");
        JObject.Parse(await http.GetStringAsync(self.Split("/colls")[0]))["id"]!.Value<string>().ShouldBe("d");
        JObject.Parse(await http.GetStringAsync(self + "docs"))["Documents"]!.Count().ShouldBe(1);
        (await http.GetAsync("offers/none")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_property_that_is_there_twice_is_kept_as_it_was_sent()
    {
        // The service stores what JSON allows; readers differ in which of the two they take.
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = await WithItems(server);
        var created = await http.PostAsync("dbs/d/colls/c/docs", new StringContent("""{"id":"twice","pk":"p","a":1,"a":2}"""));
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await created.Content.ReadAsStringAsync()).ShouldContain("\"a\":1,\"a\":2");
    }

    [Fact]
    public async Task A_bulk_request_in_json_stops_at_a_failure_when_told_to()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = await WithItems(server);
        const string Operations = """
            [{"operationType":"Create","partitionKey":"[\"p\"]","resourceBody":{"id":"b","pk":"p"}},
             {"operationType":"Create","partitionKey":"[\"p\"]","resourceBody":{"id":"a","pk":"p"}},
             {"operationType":"Create","partitionKey":"[\"p\"]","resourceBody":{"id":"c","pk":"p"}}]
            """;
        (await Send(Operations, "False")).ShouldBe("201,409,424");
        (await Send(Operations, "True")).ShouldBe("409,409,201");
        foreach (var bad in new[] { "[", "[1]", "[{}]", "[{\"operationType\":\"Destroy\"}]", "[{\"operationType\":5}]", "[] x", "[]" })
        {
            (await Send(bad, "True")).ShouldBe("BadRequest", bad);
        }

        async Task<string> Send(string body, string goOn)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "dbs/d/colls/c/docs") { Content = new StringContent(body) };
            request.Headers.Add("x-ms-cosmos-is-batch-request", "True");
            request.Headers.Add("x-ms-cosmos-batch-continue-on-error", goOn);
            var answer = await http.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();
            return answer.StatusCode == HttpStatusCode.BadRequest ? "BadRequest" : string.Join(',', JArray.Parse(text).Select(r => r["statusCode"]));
        }
    }

    [Theory]
    [InlineData("""{"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/email"]}]}}""", "Unique keys")]
    [InlineData("""{"computedProperties":[{"name":"x","query":"SELECT VALUE 1 FROM c"}]}""", "Computed properties")]
    [InlineData("""{"vectorEmbeddingPolicy":{"vectorEmbeddings":[{"path":"/v"}]}}""", "Vector embeddings")]
    [InlineData("""{"fullTextPolicy":{"defaultLanguage":"en-US"}}""", "Full-text")]
    [InlineData("""{"indexingPolicy":{"compositeIndexes":[[{"path":"/a"}]]}}""", "two to 8")]
    [InlineData("""{"indexingPolicy":{"includedPaths":[{"path":"/a/?"}]}}""", "/*")]
    [InlineData("""{"partitionKey":{"paths":["/a","/b"],"kind":"Hash"}}""", "one path")]
    [InlineData("""{"partitionKey":{"paths":["/a","/b","/c","/d"],"kind":"MultiHash","version":2}}""", "one to three")]
    [InlineData("""{"partitionKey":{"paths":["/a/[]"]}}""", "not valid")]
    [InlineData("""{"defaultTtl":0}""", "defaultTtl")]
    [InlineData("""{"id":"a/b"}""", "invalid")]
    public async Task What_a_container_cannot_have_is_refused_with_its_reason(string more, string reason)
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Authenticate = false });
        using var http = await WithItems(server);
        var definition = JObject.Parse("""{"id":"new","partitionKey":{"paths":["/pk"]}}""");
        foreach (var property in JObject.Parse(more).Properties())
        {
            definition[property.Name] = property.Value;
        }

        var answer = await http.PostAsync("dbs/d/colls", new StringContent(definition.ToString()));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await answer.Content.ReadAsStringAsync()).ShouldContain(reason);
    }

    [Fact]
    public async Task Throughput_is_nothing_that_can_be_read_or_replaced()
    {
        Assert.SkipWhen(Emulator.IsForeign, "a provisioned account has it");
        var container = await emulator.NewContainer();
        (await container.ReadThroughputAsync()).ShouldBeNull();
        (await Refused(() => container.ReadThroughputAsync(new RequestOptions()))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await Refused(() => container.ReplaceThroughputAsync(500))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Empty_pages_lose_nothing()
    {
        await using var server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, EmptyPages = true });
        using var client = Emulator.Connect(server.Endpoint);
        Database database = await client.CreateDatabaseAsync("d");
        Container container = await database.CreateContainerAsync("c", "/pk");
        for (var i = 0; i < 10; i++)
        {
            await container.CreateItemAsync(Doc.Of($"{i}", n: i));
        }

        foreach (var sql in new[] { "SELECT VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n" })
        {
            var counts = new List<int>();
            using var query = container.GetItemQueryIterator<int>(sql, requestOptions: new QueryRequestOptions { MaxItemCount = 4 });
            while (query.HasMoreResults)
            {
                counts.Add((await query.ReadNextAsync()).Count);
            }

            counts.ShouldBe([0, 4, 0, 4, 0, 2]);
        }

        (await QueryWireTests.All<int>(container, "SELECT VALUE COUNT(1) FROM c")).ShouldBe([10]);
        var seen = 0;
        using var feed = container.GetItemQueryIterator<Doc>((string?)null, null, new QueryRequestOptions { MaxItemCount = 3 });
        while (feed.HasMoreResults)
        {
            seen += (await feed.ReadNextAsync()).Count;
        }

        seen.ShouldBe(10);
    }

    private static async Task<HttpClient> WithItems(EmulatorServer server)
    {
        var http = new HttpClient { BaseAddress = server.Endpoint };
        await http.PostAsync("dbs", new StringContent("""{"id":"d"}"""));
        await http.PostAsync("dbs/d/colls", new StringContent("""{"id":"c","partitionKey":{"paths":["/pk"]}}"""));
        (await http.PostAsync("dbs/d/colls/c/docs", new StringContent("""{"id":"a","pk":"p"}"""))).StatusCode.ShouldBe(HttpStatusCode.Created);
        return http;
    }

    private static Task<CosmosException> Refused(Func<Task> call) => Should.ThrowAsync<CosmosException>(call);
}
