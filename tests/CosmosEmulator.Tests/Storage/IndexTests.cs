using System.Text;
using System.Text.Json.Nodes;
using XenoCrm.Local.CosmosEmulator.Http;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;
using JsonValue = XenoCrm.Local.CosmosEmulator.Json.JsonValue;

namespace XenoCrm.Local.CosmosEmulator.Tests.Storage;

public sealed class IndexTests
{
    [Theory]
    [InlineData("/n/?", true)]
    [InlineData("/n/x/?", false)]
    [InlineData("/tags/[]/?", true)]
    [InlineData("/tags/?", false)]
    [InlineData("/attributes/?", true)]
    [InlineData("/attributes/colour/?", true)]
    [InlineData("/attributes/secret/?", false)]
    [InlineData("/attributes/secret/open/?", true)]
    [InlineData("/with space/?", true)]
    [InlineData("/other/?", false)]
    [InlineData("/id/?", true)]
    [InlineData("/_ts/?", true)]
    public void The_most_specific_pattern_decides(string path, bool included)
    {
        var policy = IndexingPolicy.Parse((JsonObject)JsonNode.Parse("""
            {"indexingPolicy":{"includedPaths":[{"path":"/n/?"},{"path":"/tags/[]/?"},{"path":"/attributes/*"},{"path":"/attributes/secret/open/?"},{"path":"/\"with space\"/?"}],
             "excludedPaths":[{"path":"/*"},{"path":"/attributes/secret/*"}]}}
            """)!);
        policy.IsIncluded(path).ShouldBe(included);
    }

    [Fact]
    public void Without_a_policy_everything_is_included_and_with_mode_none_nothing()
    {
        IndexingPolicy.Parse([]).IsIncluded("/any/thing/?").ShouldBeTrue();
        IndexingPolicy.Parse((JsonObject)JsonNode.Parse("""{"indexingPolicy":{"indexingMode":"none"}}""")!).IsIncluded("/any/?").ShouldBeFalse();
    }

    [Fact]
    public async Task An_index_built_while_items_change_holds_exactly_what_is_there()
    {
        using var store = new Store(new EmulatorOptions());
        await store.CreateDatabase(new JsonObject { ["id"] = "d" });
        var container = await store.CreateContainer("d", new JsonObject { ["id"] = "c", ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray("/pk") } });
        for (var i = 0; i < 6_000; i++)
        {
            if (i % 500 == 0)
            {
                await store.Write(Put(container, Enumerable.Range(i, 500).Select(n => ($"i{n}", n % 100))));
            }
        }

        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            var random = new Random(3);
            while (!stop.IsCancellationRequested)
            {
                await store.Write(Put(container, Enumerable.Range(0, 20).Select(_ => ($"i{random.Next(6_000)}", random.Next(100)))));
                await store.Write(new ItemRequest(container, [new ItemOperation { Kind = OperationKind.Delete, Key = PartitionKey.Parse("[\"p\"]"), Id = $"i{random.Next(6_000)}" }], atomic: false));
            }
        });
        string[] paths = ["/n/?", "/list/[]/?", "/s/?"];
        foreach (var path in paths)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
            new ContainerSource(store, container, default).FindIndex(path).ShouldNotBeNull();
        }

        await stop.CancelAsync();
        await writer;
        var source = new ContainerSource(store, container, default);
        var all = source.Scan(0).ToList();
        for (var n = 0; n < 100; n += 7)
        {
            JsonValue number = JsonValue.Of((long)n), text = JsonValue.Of($"s{n}");
            var expected = all.Where(i => JsonValue.Parse(i.Json)["n"u8].Number == n).Select(i => i.Rid).ToList();
            source.FindIndex("/n/?")!.Range(number, true, number, true, false).Select(i => i.Rid).ShouldBe(expected);
            source.FindIndex("/n/?")!.EstimateCount(number, true, number, true).ShouldBe(expected.Count);
            source.FindIndex("/list/[]/?")!.Range(number, true, number, true, true).Select(i => i.Rid).ShouldBe(expected.AsEnumerable().Reverse());
            source.FindIndex("/s/?")!.Range(text, true, text, true, false).Select(i => i.Rid).ShouldBe(expected);
        }

        source.FindIndex("/n/?")!.Range(JsonValue.Of(10L), false, JsonValue.Of(20L), false, false).Count().ShouldBe(all.Count(i => JsonValue.Parse(i.Json)["n"u8].Number is > 10 and < 20));
        source.FindIndex("/n/?")!.EstimateCount(null, true, null, true).ShouldBe(all.Count);
    }

    [Fact]
    public async Task Indexes_that_were_in_use_are_built_again_after_a_restart()
    {
        var directory = Directory.CreateTempSubdirectory("emulator-indexes-").FullName;
        try
        {
            var options = new EmulatorOptions { DataDirectory = directory };
            using (var store = new Store(options))
            {
                await store.CreateDatabase(new JsonObject { ["id"] = "d" });
                var container = await store.CreateContainer("d", new JsonObject { ["id"] = "c", ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray("/pk") } });
                await store.Write(Put(container, Enumerable.Range(0, 90).Select(n => ($"i{n}", n % 10))));
                new ContainerSource(store, container, default).FindIndex("/n/?").ShouldNotBeNull();
                new ContainerSource(store, container, default).FindIndex("/list/[]/?").ShouldNotBeNull();
            }

            using (var store = new Store(options))
            {
                store.RebuildIndexes();
                var container = store.FindDatabase("d")!.Find("c")!;
                container.View.IndexPaths.ShouldBe(["/n/?", "/list/[]/?"], ignoreOrder: true);
                new ContainerSource(store, container, default).FindIndex("/n/?")!.EstimateCount(JsonValue.Of(3L), true, JsonValue.Of(3L), true).ShouldBe(9);
            }

            // Only a hint: whatever happens to it, the store works.
            await File.WriteAllTextAsync(Path.Combine(directory, "indexes.json"), "{\"1\":[", TestContext.Current.CancellationToken);
            var messages = new StringWriter();
            using (var store = new Store(options with { Messages = messages }))
            {
                store.RebuildIndexes();
                messages.ToString().ShouldContain("in advance");
                new ContainerSource(store, store.FindDatabase("d")!.Find("c")!, default).FindIndex("/s/?").ShouldNotBeNull();
            }

            using (var store = new Store(options))
            {
                store.RebuildIndexes();
                store.FindDatabase("d")!.Find("c")!.View.IndexPaths.ShouldBe(["/s/?"]);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Expired_items_that_an_index_still_lists_are_not_counted()
    {
        var time = new ManualTime();
        using var store = new Store(new EmulatorOptions { Time = time });
        await store.CreateDatabase(new JsonObject { ["id"] = "d" });
        var container = await store.CreateContainer("d", new JsonObject { ["id"] = "c", ["defaultTtl"] = 60, ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray("/pk") } });
        await store.Write(Put(container, Enumerable.Range(0, 100).Select(n => ($"old{n}", n % 10))));
        time.Advance(TimeSpan.FromSeconds(50));
        await store.Write(Put(container, Enumerable.Range(0, 100).Select(n => ($"new{n}", n % 10))));
        const string sql = "SELECT VALUE COUNT(1) FROM c WHERE c.n > 5 AND c.s != 's7'";
        Sql.Run.Query(sql, new ContainerSource(store, container, default)).ShouldBe("[60]");
        time.Advance(TimeSpan.FromSeconds(20));
        Sql.Run.Query(sql, new ContainerSource(store, container, default)).ShouldBe("[30]");
    }

    [Fact]
    public async Task Values_of_all_types_are_in_cosmos_order()
    {
        using var store = new Store(new EmulatorOptions());
        await store.CreateDatabase(new JsonObject { ["id"] = "d" });
        var container = await store.CreateContainer("d", new JsonObject { ["id"] = "c", ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray("/pk") } });
        string[] values = ["{}", "\"b\"", "2", "null", "true", "[1]", "\"\\ue000\"", "\"\\ud83d\\ude00\"", "-1.5", "false", "\"B\"", "1e3"];
        var operations = values.Select((value, i) => Operation(container, $$"""{"id":"{{i}}","pk":"p","v":{{value}}}""")).Append(Operation(container, """{"id":"none","pk":"p"}""")).ToList();
        await store.Write(new ItemRequest(container, operations, atomic: true));
        var index = new ContainerSource(store, container, default).FindIndex("/v/?")!;
        string.Join(' ', index.Range(null, true, null, true, false).Select(i => JsonValue.Parse(i.Json)["v"u8].ToString()))
            .ShouldBe("undefined null false true -1.5 2 1e3 \"B\" \"b\" \"\\ud83d\\ude00\" \"\\ue000\" [1] {}");
        index.EstimateCount(JsonValue.Of("A"), true, JsonValue.Of("c"), true).ShouldBe(2);
    }

    private static ItemRequest Put(Container container, IEnumerable<(string Id, int N)> items) =>
        new(container, [.. items.Select(i => Operation(container, $$"""{"id":"{{i.Id}}","pk":"p","n":{{i.N}},"s":"s{{i.N}}","list":[{{i.N}},{{i.N}}]}"""))], atomic: true);

    private static ItemOperation Operation(Container container, string json)
    {
        var body = ItemBody.Parse(Encoding.UTF8.GetBytes(json), container);
        return new ItemOperation { Kind = OperationKind.Upsert, Key = body.Key, Id = body.Id, Body = body };
    }
}
