using System.Net;
using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Cosmos.Linq;
using Newtonsoft.Json.Linq;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

/// <summary>Queries as the SDK sends them; what the language means is tested in Sql/.</summary>
public sealed class QueryWireTests(Emulator emulator)
{
    [Fact]
    public async Task Queries_run_over_all_partitions_or_one()
    {
        var container = await Prepare(30);
        (await All<Doc>(container, "SELECT * FROM c")).Count.ShouldBe(30);
        var some = await All<Doc>(container, new QueryDefinition("SELECT * FROM c WHERE c.n >= @n").WithParameter("@n", 20), new QueryRequestOptions { PartitionKey = new PartitionKey("p1") });
        some.ShouldNotBeEmpty();
        some.ShouldAllBe(d => d.Pk == "p1" && d.N >= 20);
        (await All<int>(container, "SELECT VALUE COUNT(1) FROM c")).ShouldBe([30]);
        (await All<int>(container, "SELECT VALUE COUNT(1) FROM c", new QueryRequestOptions { PartitionKey = new PartitionKey("p1") })).ShouldBe([10]);
    }

    [Theory]
    [InlineData("SELECT VALUE c.n FROM c")]
    [InlineData("SELECT VALUE c.n FROM c ORDER BY c.n DESC")]
    [InlineData("SELECT VALUE c.n FROM c ORDER BY c.id")]
    [InlineData("SELECT TOP 25 VALUE c.n FROM c ORDER BY c.n")]
    [InlineData("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 3 LIMIT 20")]
    [InlineData("SELECT DISTINCT VALUE c.n FROM c")]
    [InlineData("SELECT VALUE c.n FROM c WHERE c.n > 4")]
    public async Task Pages_continue_where_the_last_ended(string sql)
    {
        var container = await Prepare(40);
        var whole = await All<int>(container, sql);
        var paged = new List<int>();
        string? token = null;
        do
        {
            // A new iterator each time: the token alone must carry the position.
            using var query = container.GetItemQueryIterator<int>(sql, token, new QueryRequestOptions { MaxItemCount = 7 });
            var page = await query.ReadNextAsync();
            page.Count.ShouldBeLessThanOrEqualTo(7);
            paged.AddRange(page);
            token = page.ContinuationToken;
        }
        while (token is not null);
        paged.ShouldBe(whole);
    }

    [Fact]
    public async Task Aggregates_and_objects_come_through_as_they_are()
    {
        var container = await Prepare(10);
        (await All<JObject>(container, "SELECT COUNT(1) AS c, SUM(c.n) AS s, MIN(c.n) AS lo, MAX(c.n) AS hi, AVG(c.n) AS a FROM c")).Single()
            .ToString(Newtonsoft.Json.Formatting.None).ShouldBe("""{"c":10,"s":45,"lo":0,"hi":9,"a":4.5}""");
        var groups = await All<JObject>(container, "SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk");
        groups.Sum(g => g["n"]!.Value<int>()).ShouldBe(10);
        groups.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Linq_works()
    {
        var container = await Prepare(20);
        var options = new CosmosLinqSerializerOptions();
        using var query = container.GetItemLinqQueryable<Doc>(linqSerializerOptions: options).Where(d => d.N >= 15).OrderByDescending(d => d.N).ToFeedIterator();
        (await query.ReadNextAsync()).Select(d => d.N).ShouldBe([19, 18, 17, 16, 15]);
        (await container.GetItemLinqQueryable<Doc>().CountAsync()).Resource.ShouldBe(20);
        (await container.GetItemLinqQueryable<Doc>().Where(d => d.Pk == "p1").Select(d => d.N).SumAsync()).Resource.ShouldBe(1 + 4 + 7 + 10 + 13 + 16 + 19);
        (await container.GetItemLinqQueryable<Doc>().Select(d => d.N).MaxAsync()).Resource.ShouldBe(19);
    }

    [Fact]
    public async Task Read_many_finds_what_is_there()
    {
        var container = await Prepare(50);
        var wanted = Enumerable.Range(0, 60).Where(i => i % 2 == 0).Select(i => ($"i{i:d3}", new PartitionKey($"p{i % 3}"))).ToList();
        var found = await container.ReadManyItemsAsync<Doc>(wanted);
        found.Resource.Select(d => d.N).Order().ShouldBe(Enumerable.Range(0, 25).Select(i => i * 2));
        (await container.ReadManyItemsAsync<Doc>([("i001", new PartitionKey("p1"))])).Single().N.ShouldBe(1);

        var byId = await emulator.NewContainer("/id");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => byId.CreateItemAsync(Doc.Of($"x{i}", n: i), new PartitionKey($"x{i}"))));
        (await byId.ReadManyItemsAsync<Doc>([.. Enumerable.Range(5, 10).Select(i => ($"x{i}", new PartitionKey($"x{i}")))])).Count.ShouldBe(10);
    }

    [Fact]
    public async Task Read_many_takes_a_thousand_pairs()
    {
        var container = await Prepare(300);
        var wanted = Enumerable.Range(0, 1000).Select(i => ($"i{i:d3}", new PartitionKey($"p{i % 3}"))).ToList();
        (await container.ReadManyItemsAsync<Doc>(wanted)).Count.ShouldBe(300);
    }

    [Fact]
    public async Task Feed_ranges_cover_the_container()
    {
        var container = await Prepare(12);
        var ranges = await container.GetFeedRangesAsync();
        var seen = new List<string>();
        foreach (var range in ranges)
        {
            using var query = container.GetItemQueryIterator<Doc>(range, new QueryDefinition("SELECT * FROM c"), requestOptions: new QueryRequestOptions());
            while (query.HasMoreResults)
            {
                seen.AddRange((await query.ReadNextAsync()).Select(d => d.Id));
            }
        }

        seen.Distinct().Count().ShouldBe(12);
        // A query over FeedRange.FromPartitionKey fails inside the SDK (its issue 6062), whatever the server does.
    }

    [Fact]
    public async Task The_read_feed_pages_through_everything()
    {
        var container = await Prepare(30);
        var seen = new List<string>();
        string? token = null;
        do
        {
            using var feed = container.GetItemQueryIterator<Doc>((string?)null, token, new QueryRequestOptions { MaxItemCount = 8 });
            var page = await feed.ReadNextAsync();
            seen.AddRange(page.Select(d => d.Id));
            token = page.ContinuationToken;
        }
        while (token is not null);
        seen.Distinct().Count().ShouldBe(30);
        seen.Count.ShouldBe(30);
    }

    [Theory]
    [InlineData("SELECT * FROM c WHERE")]
    [InlineData("SELEC * FROM c")]
    [InlineData("SELECT * FROM c WHERE c.n = @missing")]
    [InlineData("SELECT * FROM c WHERE NOSUCHFUNCTION(c.n)")]
    public async Task Bad_queries_are_400(string sql)
    {
        var container = await Prepare(1);
        (await Should.ThrowAsync<CosmosException>(() => All<JObject>(container, sql))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Sorting_by_two_paths_needs_a_composite_index()
    {
        const string sql = "SELECT VALUE c.n FROM c ORDER BY c.pk ASC, c.n DESC";
        var plain = await Prepare(6);
        (await Should.ThrowAsync<CosmosException>(() => All<int>(plain, sql))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var indexed = await Prepare(6, p => p.IndexingPolicy.CompositeIndexes.Add(
        [
            new CompositePath { Path = "/pk", Order = CompositePathSortOrder.Ascending },
            new CompositePath { Path = "/n", Order = CompositePathSortOrder.Descending },
        ]));
        (await All<int>(indexed, sql)).ShouldBe([3, 0, 4, 1, 5, 2]);
        (await All<int>(indexed, "SELECT VALUE c.n FROM c ORDER BY c.pk DESC, c.n ASC")).ShouldBe([2, 5, 1, 4, 0, 3]);
    }

    [Fact]
    public async Task A_prefix_of_a_hierarchical_key_selects_its_partitions()
    {
        var container = await emulator.NewContainer(configure: p => p.PartitionKeyPaths = ["/tenant", "/user"]);
        for (var i = 0; i < 12; i++)
        {
            await container.CreateItemAsync(new { id = $"{i}", tenant = $"t{i % 2}", user = $"u{i % 3}" });
        }

        var found = await All<JObject>(container, "SELECT * FROM c", new QueryRequestOptions { PartitionKey = new PartitionKeyBuilder().Add("t1").Build() });
        found.Count.ShouldBe(6);
        found.ShouldAllBe(f => f["tenant"]!.Value<string>() == "t1");
    }

    [Fact]
    public async Task Indexed_and_excluded_paths_answer_the_same_through_all_changes()
    {
        var container = await emulator.NewContainer(configure: p =>
        {
            p.IndexingPolicy.IncludedPaths.Add(new IncludedPath { Path = "/n/?" });
            p.IndexingPolicy.IncludedPaths.Add(new IncludedPath { Path = "/tags/[]/?" });
            p.IndexingPolicy.ExcludedPaths.Add(new ExcludedPath { Path = "/*" });
        });
        var random = new Random(5);
        var model = new Dictionary<string, (int N, string[] Tags)>();
        for (var round = 0; round < 15; round++)
        {
            for (var i = 0; i < 10; i++)
            {
                var id = $"i{random.Next(20)}";
                if (random.Next(5) == 0 && model.Remove(id))
                {
                    await container.DeleteItemAsync<JObject>(id, new PartitionKey("p"));
                    continue;
                }

                var tags = Enumerable.Range(0, random.Next(4)).Select(_ => $"t{random.Next(5)}").ToArray();
                model[id] = (random.Next(10), tags);
                await container.UpsertItemAsync(new { id, pk = "p", n = model[id].N, m = model[id].N, tags });
            }

            (await All<string>(container, "SELECT VALUE c.id FROM c WHERE c.n >= 3 AND c.n < 7")).Order().ShouldBe(model.Where(m => m.Value.N is >= 3 and < 7).Select(m => m.Key).Order());
            (await All<string>(container, "SELECT VALUE c.id FROM c WHERE c.m = 4")).Order().ShouldBe(model.Where(m => m.Value.N == 4).Select(m => m.Key).Order());
            (await All<string>(container, "SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.tags, 't2')")).Order().ShouldBe(model.Where(m => m.Value.Tags.Contains("t2")).Select(m => m.Key).Order());
            (await All<int>(container, "SELECT VALUE c.n FROM c ORDER BY c.n DESC")).ShouldBe(model.Select(m => m.Value.N).OrderDescending());
        }
    }

    private async Task<Container> Prepare(int count, Action<ContainerProperties>? configure = null)
    {
        var container = await emulator.NewContainer(configure: configure);
        foreach (var pk in Enumerable.Range(0, Math.Min(count, 3)))
        {
            foreach (var chunk in Enumerable.Range(0, count).Where(i => i % 3 == pk).Chunk(100))
            {
                var batch = container.CreateTransactionalBatch(new PartitionKey($"p{pk}"));
                foreach (var i in chunk)
                {
                    batch.CreateItem(Doc.Of($"i{i:d3}", $"p{pk}", i));
                }

                using var answer = await batch.ExecuteAsync();
                answer.IsSuccessStatusCode.ShouldBeTrue();
            }
        }

        return container;
    }

    internal static Task<List<T>> All<T>(Container container, string sql, QueryRequestOptions? options = null) => All<T>(container, new QueryDefinition(sql), options);

    internal static async Task<List<T>> All<T>(Container container, QueryDefinition sql, QueryRequestOptions? options = null)
    {
        var all = new List<T>();
        using var query = container.GetItemQueryIterator<T>(sql, requestOptions: options);
        while (query.HasMoreResults)
        {
            all.AddRange(await query.ReadNextAsync());
        }

        return all;
    }
}
