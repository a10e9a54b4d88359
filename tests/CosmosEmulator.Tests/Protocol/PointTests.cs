using System.Net;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

public sealed class PointTests(Emulator emulator)
{
    private static readonly PartitionKey P = new("p");

    [Fact]
    public async Task Create_read_replace_upsert_delete()
    {
        var container = await emulator.NewContainer();
        var created = await container.CreateItemAsync(Doc.Of("a", n: 1), P);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        created.ETag.ShouldNotBeNullOrEmpty();
        created.Resource.Etag.ShouldBe(created.ETag);
        created.RequestCharge.ShouldBeGreaterThan(1);

        var read = await container.ReadItemAsync<Doc>("a", P);
        read.Resource.N.ShouldBe(1);
        read.ETag.ShouldBe(created.ETag);
        read.RequestCharge.ShouldBe(1);

        var replaced = await container.ReplaceItemAsync(read.Resource with { N = 2 }, "a", P);
        replaced.StatusCode.ShouldBe(HttpStatusCode.OK);
        replaced.ETag.ShouldNotBe(created.ETag);

        (await container.UpsertItemAsync(Doc.Of("a", n: 3), P)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await container.UpsertItemAsync(Doc.Of("b", n: 4), P)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await container.ReadItemAsync<Doc>("a", P)).Resource.N.ShouldBe(3);

        (await container.DeleteItemAsync<Doc>("a", P)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        using var gone = await container.ReadItemStreamAsync("a", P);
        gone.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Bulk_and_batch()
    {
        var container = await emulator.NewContainer();
        using var bulk = Emulator.Connect(emulator.Endpoint, configure: o => o.AllowBulkExecution = true);
        var target = bulk.GetContainer(container.Database.Id, container.Id);
        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => target.UpsertItemAsync(Doc.Of($"b{i}", $"p{i % 7}", i), new PartitionKey($"p{i % 7}"))));
        results.ShouldAllBe(r => r.StatusCode == HttpStatusCode.Created);

        var batch = container.CreateTransactionalBatch(P);
        for (var i = 0; i < 100; i++)
        {
            batch.CreateItem(Doc.Of($"t{i}", n: i));
        }

        using var answer = await batch.ExecuteAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Count.ShouldBe(100);
        answer.RequestCharge.ShouldBeGreaterThan(100);
    }
}
