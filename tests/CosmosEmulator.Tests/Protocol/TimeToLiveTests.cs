using System.Net;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

public sealed class TimeToLiveTests : IAsyncLifetime
{
    private static readonly PartitionKey P = new("p");
    private readonly ManualTime _time = new();
    private EmulatorServer _server = null!;
    private CosmosClient _client = null!;
    private Database _database = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, Time = _time });
        _client = Emulator.Connect(_server.Endpoint);
        _database = await _client.CreateDatabaseAsync("ttl");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_container_and_the_item_decide_together()
    {
        Container off = await _database.CreateContainerAsync(new ContainerProperties("off", "/pk"));
        Container open = await _database.CreateContainerAsync(new ContainerProperties("open", "/pk") { DefaultTimeToLive = -1 });
        Container ten = await _database.CreateContainerAsync(new ContainerProperties("ten", "/pk") { DefaultTimeToLive = 10 });
        foreach (var container in new[] { off, open, ten })
        {
            await container.CreateItemAsync(Doc.Of("plain"), P);
            await container.CreateItemAsync(Doc.Of("five") with { Ttl = 5 }, P);
            await container.CreateItemAsync(Doc.Of("never") with { Ttl = -1 }, P);
        }

        _time.Advance(TimeSpan.FromSeconds(4.9));
        (await Left(off)).ShouldBe("five,never,plain");
        (await Left(open)).ShouldBe("five,never,plain");
        _time.Advance(TimeSpan.FromSeconds(0.2));
        (await Left(off)).ShouldBe("five,never,plain");
        (await Left(open)).ShouldBe("never,plain");
        (await Left(ten)).ShouldBe("never,plain");
        _time.Advance(TimeSpan.FromSeconds(5));
        (await Left(open)).ShouldBe("never,plain");
        (await Left(ten)).ShouldBe("never");
    }

    [Fact]
    public async Task An_expired_item_does_not_exist_for_anybody()
    {
        Container container = await _database.CreateContainerAsync(new ContainerProperties("expired", "/pk") { DefaultTimeToLive = 10 });
        var old = await container.CreateItemAsync(Doc.Of("a", n: 1), P);
        _time.Advance(TimeSpan.FromSeconds(10));
        (await PointTests.Status(() => container.ReadItemAsync<Doc>("a", P))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await PointTests.Status(() => container.ReplaceItemAsync(Doc.Of("a"), "a", P))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await PointTests.Status(() => container.DeleteItemAsync<Doc>("a", P))).Status.ShouldBe(HttpStatusCode.NotFound);
        using var feed = container.GetChangeFeedIterator<Doc>(ChangeFeedStartFrom.Beginning(), ChangeFeedMode.LatestVersion);
        (await feed.ReadNextAsync()).StatusCode.ShouldBe(HttpStatusCode.NotModified);

        var again = await container.CreateItemAsync(Doc.Of("a", n: 2), P);
        again.StatusCode.ShouldBe(HttpStatusCode.Created);
        again.ETag.ShouldNotBe(old.ETag);
        (await QueryWireTests.All<int>(container, "SELECT VALUE c.n FROM c")).ShouldBe([2]);
    }

    [Fact]
    public async Task A_write_starts_the_time_again_and_a_changed_default_counts_for_what_is_there()
    {
        Container container = await _database.CreateContainerAsync(new ContainerProperties("renewed", "/pk") { DefaultTimeToLive = 10 });
        await container.CreateItemAsync(Doc.Of("a"), P);
        await container.CreateItemAsync(Doc.Of("b"), P);
        _time.Advance(TimeSpan.FromSeconds(6));
        await container.PatchItemAsync<Doc>("a", P, [PatchOperation.Set("/n", 1)]);
        _time.Advance(TimeSpan.FromSeconds(6));
        (await Left(container)).ShouldBe("a");
        await container.ReplaceContainerAsync(new ContainerProperties("renewed", "/pk") { DefaultTimeToLive = 5 });
        (await Left(container)).ShouldBe("");
        await container.ReplaceContainerAsync(new ContainerProperties("renewed", "/pk") { DefaultTimeToLive = 100 });
        (await Left(container)).ShouldContain("a"); // it was not purged yet, and lives again
    }

    [Fact]
    public async Task Expired_items_are_purged_in_the_background()
    {
        Container container = await _database.CreateContainerAsync(new ContainerProperties("purged", "/pk") { DefaultTimeToLive = 10 });
        for (var i = 0; i < 20; i++)
        {
            await container.CreateItemAsync(Doc.Of($"i{i}"), P);
        }

        _time.Advance(TimeSpan.FromSeconds(11));
        var stored = _server.Store.FindDatabase("ttl")!.Find("purged")!;
        for (var i = 0; i < 600 && stored.View.ByRid.Count > 0; i++)
        {
            await Task.Delay(50);
        }

        stored.View.ByRid.Count.ShouldBe(0);
        stored.View.ByKey.Count.ShouldBe(0);
        stored.View.Changes.Count.ShouldBe(0);
    }

    private static async Task<string> Left(Container container) =>
        string.Join(',', (await QueryWireTests.All<string>(container, "SELECT VALUE c.id FROM c")).Order());
}
