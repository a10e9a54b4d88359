using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

/// <summary>An import within a request whose caller goes, or whose process ends.</summary>
public sealed class InterruptedUploadTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    private static readonly string Csv = "id\n" + string.Concat(Enumerable.Range(1, 30).Select(i => $"C{i}\n"));

    [Fact]
    public async Task A_caller_who_goes_leaves_a_whole_import()
    {
        using var gate = new Gate();
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 10, cosmosHandler: gate);
        using var caller = new CancellationTokenSource();
        gate.Close();
        var import = PostAsync(system, caller.Token);
        await gate.Waiting;

        // Listed, and not over, before its first row is written.
        var job = (await system.Jobs.PageAsync(null, 10, Cancellation)).ShouldHaveSingleItem().Value;
        (job.State, job.Counts.Rows).ShouldBe((ImportState.Running, 0));
        await caller.CancelAsync();
        gate.Open();

        (await import).Status.ShouldBe(200);
        job = await system.JobAsync(job.Id);
        (job.State, job.Counts, job.Runs).ShouldBe((ImportState.Completed, new ImportCounts(30, 30), 3));
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([30]);
    }

    [Fact]
    public async Task One_whose_process_is_gone_has_failed_and_the_file_can_be_sent_again()
    {
        using var gate = new Gate();
        var database = "t" + Guid.NewGuid().ToString("N");
        await using var other = await ImportSystem.StartAsync(storage, database: database);
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 10, database, gate);
        gate.Close();
        var import = PostAsync(system, Cancellation);
        await gate.Waiting;
        var id = (await other.Jobs.PageAsync(null, 10, Cancellation)).ShouldHaveSingleItem().Value.Id;

        async Task EndAsync(TimeSpan after) => await new EndAbandonedUploads(other.Jobs, new Later(after), NullLogger<EndAbandonedUploads>.Instance).HandleAsync(Cancellation);
        await EndAsync(EndAbandonedUploads.Silence - TimeSpan.FromMinutes(5));
        (await other.JobAsync(id)).State.ShouldBe(ImportState.Running, "it may be alive");
        await EndAsync(EndAbandonedUploads.Silence + TimeSpan.FromMinutes(1));
        var job = await other.JobAsync(id);
        (job.State, job.Failure?.Code, job.FinishedAt is not null).ShouldBe((ImportState.Failed, "import.interrupted", true));

        // It was only slow: it finds that it was given up, and stops.
        gate.Open();
        var answer = await import;
        (answer.Status, answer.Body.GetProperty("code").GetString()).ShouldBe((409, "import.stopped"), answer.Text);
        (await other.JobAsync(id)).State.ShouldBe(ImportState.Failed);
        (await other.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([10]);
        (await other.PostAsync(Csv)).Body.GetProperty("created").GetInt64().ShouldBe(20);
    }

    [Fact]
    public async Task One_that_is_cancelled_stops_and_counts_what_it_wrote()
    {
        using var gate = new Gate();
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 10, cosmosHandler: gate);
        gate.Close();
        var import = PostAsync(system, Cancellation);
        await gate.Waiting;
        var id = (await system.Jobs.PageAsync(null, 10, Cancellation)).ShouldHaveSingleItem().Value.Id;
        (await system.Get<CancelImport>().HandleAsync(id, Cancellation)).State.ShouldBe(ImportState.Cancelling);
        gate.Open();

        (await import).Status.ShouldBe(409);
        var job = await system.JobAsync(id);
        (job.State, job.Counts).ShouldBe((ImportState.Cancelled, new ImportCounts(10, 10)));
    }

    private static Task<(int Status, System.Text.Json.JsonElement Body, string Text)> PostAsync(ImportSystem system, CancellationToken aborted)
    {
        var file = Encoding.UTF8.GetBytes(Csv);
        return system.AnswerAsync(
            r => system.Get<UploadImport>().HandleAsync(r, ImportKind.Customers, aborted),
            r => (r.ContentType, r.ContentLength, r.Body) = ("text/csv", file.Length, new MemoryStream(file)));
    }

    /// <summary>Holds the requests to the container of customers while it is closed.</summary>
    private sealed class Gate() : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool isClosed;

        /// <summary>Until a request has come to the closed gate.</summary>
        public Task Waiting => waiting.Task.WaitAsync(TimeSpan.FromSeconds(60));

        public void Close() => isClosed = true;

        public void Open()
        {
            isClosed = false;
            open.TrySetResult();
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (isClosed && request.RequestUri!.AbsolutePath.Contains($"/colls/{CustomerStore.ContainerName}/", StringComparison.Ordinal))
            {
                waiting.TrySetResult();
                await open.Task.WaitAsync(cancellationToken);
            }

            return await base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
