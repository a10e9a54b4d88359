using System.Net;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

public sealed class BatchTests(Emulator emulator)
{
    private static readonly PartitionKey P = new("p");

    [Fact]
    public async Task All_kinds_of_operations_run_in_order_and_see_each_other()
    {
        var container = await emulator.NewContainer();
        var old = await container.CreateItemAsync(Doc.Of("old", n: 1), P);
        using var answer = await container.CreateTransactionalBatch(P)
            .CreateItem(Doc.Of("new", n: 1))
            .ReadItem("new")
            .ReplaceItem("new", Doc.Of("new", n: 2))
            .PatchItem("new", [PatchOperation.Increment("/n", 3)])
            .UpsertItem(Doc.Of("other", n: 1))
            .ReplaceItem("old", Doc.Of("old", n: 2), new TransactionalBatchItemRequestOptions { IfMatchEtag = old.ETag })
            .DeleteItem("other")
            .CreateItem(Doc.Of("other", n: 9))
            .ReadItem("old")
            .ExecuteAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.IsSuccessStatusCode.ShouldBeTrue();
        answer.Select(r => (int)r.StatusCode).ShouldBe([201, 200, 200, 200, 201, 200, 204, 201, 200]);
        answer.GetOperationResultAtIndex<Doc>(1).Resource.N.ShouldBe(1);
        answer.GetOperationResultAtIndex<Doc>(3).Resource.N.ShouldBe(5);
        answer.GetOperationResultAtIndex<Doc>(8).Resource.N.ShouldBe(2);
        var read = await container.ReadItemAsync<Doc>("new", P);
        read.Resource.N.ShouldBe(5);
        read.ETag.ShouldBe(answer[3].ETag);
        (await container.ReadItemAsync<Doc>("other", P)).Resource.N.ShouldBe(9);
        answer.RequestCharge.ShouldBeGreaterThan(30);
    }

    [Fact]
    public async Task One_failure_undoes_everything()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(Doc.Of("there", n: 1), P);
        using var answer = await container.CreateTransactionalBatch(P)
            .CreateItem(Doc.Of("a"))
            .ReplaceItem("there", Doc.Of("there", n: 2))
            .CreateItem(Doc.Of("there"))
            .CreateItem(Doc.Of("b"))
            .ExecuteAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        answer.Select(r => (int)r.StatusCode).ShouldBe([424, 424, 409, 424]);
        (await container.ReadItemAsync<Doc>("there", P)).Resource.N.ShouldBe(1);
        (await PointTests.Status(() => container.ReadItemAsync<Doc>("a", P))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await container.CreateItemAsync(Doc.Of("a"), P)).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_wrong_key_or_body_fails_the_batch()
    {
        var container = await emulator.NewContainer();
        using var wrongKey = await container.CreateTransactionalBatch(P).CreateItem(Doc.Of("a")).CreateItem(Doc.Of("b", "q")).ExecuteAsync();
        wrongKey.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using var badId = await container.CreateTransactionalBatch(P).CreateItem(Doc.Of("a/b")).CreateItem(Doc.Of("a")).ExecuteAsync();
        badId.Select(r => (int)r.StatusCode).ShouldBe([400, 424]);
        using var stale = await container.CreateTransactionalBatch(P).CreateItem(Doc.Of("x")).ExecuteAsync();
        using var missed = await container.CreateTransactionalBatch(P)
            .UpsertItem(Doc.Of("x", n: 2)).DeleteItem("x", new TransactionalBatchItemRequestOptions { IfMatchEtag = stale[0].ETag }).ExecuteAsync();
        missed.Select(r => (int)r.StatusCode).ShouldBe([424, 412]);
        (await PointTests.Status(() => container.ReadItemAsync<Doc>("a", P))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_read_that_finds_nothing_new_is_304()
    {
        var container = await emulator.NewContainer();
        var item = await container.CreateItemAsync(Doc.Of("a"), P);
        using var answer = await container.CreateTransactionalBatch(P)
            .ReadItem("a", new TransactionalBatchItemRequestOptions { IfNoneMatchEtag = item.ETag }).ExecuteAsync();
        answer[0].StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task Writes_can_answer_without_items_while_reads_have_them()
    {
        var container = await emulator.NewContainer();
        var quiet = new TransactionalBatchItemRequestOptions { EnableContentResponseOnWrite = false };
        using var answer = await container.CreateTransactionalBatch(P).CreateItem(Doc.Of("a", n: 4), quiet).ReadItem("a", quiet).ExecuteAsync();
        answer[0].ResourceStream.ShouldBeNull();
        answer[0].ETag.ShouldNotBeNullOrEmpty();
        answer.GetOperationResultAtIndex<Doc>(1).Resource.N.ShouldBe(4);
    }

    [Fact]
    public async Task More_than_100_operations_are_refused()
    {
        var container = await emulator.NewContainer();
        var batch = container.CreateTransactionalBatch(P);
        for (var i = 0; i < 101; i++)
        {
            batch.CreateItem(Doc.Of($"i{i}"));
        }

        using var answer = await batch.ExecuteAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await PointTests.Status(() => container.ReadItemAsync<Doc>("i0", P))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Bulk_operations_succeed_and_fail_one_by_one()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(Doc.Of("taken", "p0"), new PartitionKey("p0"));
        using var client = Emulator.Connect(emulator.Endpoint, Emulator.Key, o => o.AllowBulkExecution = true);
        var bulk = client.GetContainer(container.Database.Id, container.Id);
        var answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => PointTests.Status(() => i % 50 == 7
            ? bulk.CreateItemAsync(Doc.Of("taken", "p0"), new PartitionKey("p0"))
            : bulk.UpsertItemAsync(Doc.Of($"b{i}", $"p{i % 7}", i), new PartitionKey($"p{i % 7}")))));
        answers.Count(a => a.Status == HttpStatusCode.Created).ShouldBe(490);
        answers.Count(a => a.Status == HttpStatusCode.Conflict).ShouldBe(10);

        var reads = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => bulk.ReadItemAsync<Doc>($"b{i}", new PartitionKey($"p{i % 7}"))));
        reads.Select(r => r.Resource.N).ShouldBe([0, 1, 2, 3, 4, 5]);
        (await bulk.PatchItemAsync<Doc>("b1", new PartitionKey("p1"), [PatchOperation.Set("/n", 77)])).Resource.N.ShouldBe(77);
        (await bulk.DeleteItemAsync<Doc>("b1", new PartitionKey("p1"))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await PointTests.Status(() => bulk.ReadItemAsync<Doc>("b1", new PartitionKey("p1")))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_query_sees_a_batch_as_a_whole()
    {
        var container = await emulator.NewContainer();
        await Write(0);
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            for (var n = 1; !stop.IsCancellationRequested; n++)
            {
                await Write(n);
            }
        });
        for (var i = 0; i < 50; i++)
        {
            using var query = container.GetItemQueryIterator<int>("SELECT VALUE c.n FROM c", requestOptions: new QueryRequestOptions { PartitionKey = P });
            (await query.ReadNextAsync()).Distinct().Count().ShouldBe(1);
        }

        await stop.CancelAsync();
        await writer;

        async Task Write(int n)
        {
            var batch = container.CreateTransactionalBatch(P);
            for (var i = 0; i < 20; i++)
            {
                batch.UpsertItem(Doc.Of($"i{i}", n: n));
            }

            using var answer = await batch.ExecuteAsync();
            answer.IsSuccessStatusCode.ShouldBeTrue();
        }
    }
}
