using System.Collections.Concurrent;
using System.Net;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

public sealed class ChangeFeedTests(Emulator emulator)
{
    private static readonly PartitionKey P = new("p");

    [Fact]
    public async Task Every_item_comes_once_in_its_newest_version_in_order_of_change()
    {
        var container = await emulator.NewContainer();
        for (var i = 0; i < 5; i++)
        {
            await container.CreateItemAsync(Doc.Of($"i{i}"), P);
        }

        await container.UpsertItemAsync(Doc.Of("i1", n: 7), P);
        await container.DeleteItemAsync<Doc>("i3", P);
        var (items, token) = await Read(container, ChangeFeedStartFrom.Beginning(), 2);
        items.Select(i => i.Id).ShouldBe(["i0", "i2", "i4", "i1"]);
        items[^1].N.ShouldBe(7);

        (await Read(container, ChangeFeedStartFrom.ContinuationToken(token))).Items.ShouldBeEmpty();
        await container.UpsertItemAsync(Doc.Of("i0", n: 8), P);
        (await Read(container, ChangeFeedStartFrom.ContinuationToken(token))).Items.Single().N.ShouldBe(8);
    }

    [Fact]
    public async Task It_starts_now_or_at_a_time()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(Doc.Of("before"), P);
        using var fromNow = container.GetChangeFeedIterator<Doc>(ChangeFeedStartFrom.Now(), ChangeFeedMode.LatestVersion);
        var nothing = await fromNow.ReadNextAsync();
        nothing.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        await container.CreateItemAsync(Doc.Of("after"), P);
        (await fromNow.ReadNextAsync()).Select(d => d.Id).ShouldBe(["after"]);

        (await Read(container, ChangeFeedStartFrom.Time(DateTime.UtcNow.AddHours(-1)))).Items.Count.ShouldBe(2);
        (await Read(container, ChangeFeedStartFrom.Time(DateTime.UtcNow.AddHours(1)))).Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task It_can_be_limited_to_a_partition()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(Doc.Of("a", "p"));
        await container.CreateItemAsync(Doc.Of("b", "q"));
        var (items, _) = await Read(container, ChangeFeedStartFrom.Beginning(FeedRange.FromPartitionKey(new PartitionKey("q"))));
        items.Single().Id.ShouldBe("b");
    }

    [Fact]
    public async Task All_versions_are_refused_with_a_reason()
    {
        Assert.SkipWhen(Emulator.IsForeign, "the service can do it");
        var container = await emulator.NewContainer();
        using var feed = container.GetChangeFeedIterator<Doc>(ChangeFeedStartFrom.Now(), ChangeFeedMode.AllVersionsAndDeletes);
        var refused = await Should.ThrowAsync<CosmosException>(() => feed.ReadNextAsync());
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        refused.Message.ShouldContain("latest version mode");
    }

    [Fact]
    public async Task Two_workers_share_the_feed_and_the_estimator_counts_the_rest()
    {
        var database = await emulator.NewDatabase();
        Container items = await database.CreateContainerAsync("items", "/pk");
        Container leases = await database.CreateContainerAsync("leases", "/id");
        var seen = new ConcurrentDictionary<string, int>();
        var workers = Enumerable.Range(0, 2).Select(i => items
            .GetChangeFeedProcessorBuilder<Doc>("copy", (IReadOnlyCollection<Doc> changes, CancellationToken _) =>
            {
                foreach (var change in changes)
                {
                    seen.AddOrUpdate(change.Id, change.N, (_, old) => Math.Max(old, change.N));
                }

                return Task.CompletedTask;
            })
            .WithInstanceName($"worker{i}").WithLeaseContainer(leases).WithPollInterval(TimeSpan.FromMilliseconds(50))
            .WithLeaseConfiguration(acquireInterval: TimeSpan.FromSeconds(1))
            .WithStartTime(DateTime.MinValue.ToUniversalTime()).Build()).ToList();
        for (var i = 0; i < 20; i++)
        {
            await items.CreateItemAsync(Doc.Of($"i{i}", n: 1), P);
        }

        await Task.WhenAll(workers.Select(w => w.StartAsync()));
        await Until(() => seen.Count == 20);
        for (var i = 0; i < 5; i++)
        {
            await items.UpsertItemAsync(Doc.Of($"i{i}", n: 2), P);
        }

        await Until(() => seen.Values.Sum() == 25);
        await Task.WhenAll(workers.Select(w => w.StopAsync()));

        for (var i = 0; i < 3; i++)
        {
            await items.CreateItemAsync(Doc.Of($"late{i}"), P);
        }

        var estimator = items.GetChangeFeedEstimator("copy", leases);
        using var state = estimator.GetCurrentStateIterator();
        (await state.ReadNextAsync()).Sum(s => s.EstimatedLag).ShouldBe(3);
    }

    private static async Task Until(Func<bool> condition)
    {
        for (var i = 0; !condition() && i < 1_200; i++)
        {
            await Task.Delay(50);
        }

        condition().ShouldBeTrue("after 60 s");
    }

    private static async Task<(List<Doc> Items, string Token)> Read(Container container, ChangeFeedStartFrom start, int? pageSize = null)
    {
        using var feed = container.GetChangeFeedIterator<Doc>(start, ChangeFeedMode.LatestVersion, new ChangeFeedRequestOptions { PageSizeHint = pageSize });
        var items = new List<Doc>();
        while (true)
        {
            var page = await feed.ReadNextAsync();
            if (page.StatusCode == HttpStatusCode.NotModified)
            {
                return (items, page.ContinuationToken);
            }

            page.Count.ShouldBeLessThanOrEqualTo(pageSize ?? int.MaxValue);
            items.AddRange(page);
        }
    }
}
