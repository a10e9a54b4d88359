using System.Text;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Imports;

/// <summary>Imports that stop: because they are told to, or for others.</summary>
public class CancelImportTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cancelled_job_stops_and_counts_what_it_wrote()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.TimeSlice) = (10, TimeSpan.FromTicks(1)));
        var id = await system.DropAsync("customers/cancel.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 35).Select(i => $"C{i}\n"))));
        await system.RunAsync(id, Cancellation);
        (await system.Get<CancelImport>().HandleAsync(id, Cancellation)).State.ShouldBe(ImportState.Cancelled);

        var job = await system.FinishAsync(id);
        (job.State, job.Counts.Created).ShouldBe((ImportState.Cancelled, 10));
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([10]);
    }

    [Fact]
    public async Task A_job_cancelled_while_it_writes_stops_within_the_run_and_counts_it()
    {
        using var customers = new HoldingHandler("/colls/customers/docs");
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 25, cosmosHandler: customers);
        var id = await system.DropAsync("customers/cancel-running.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 20_000).Select(i => $"C{i}\n"))));
        customers.HoldAfter(60);
        var running = system.RunAsync(id, Cancellation);
        while ((await system.JobAsync(id)).Runs < 2)
        {
            await Task.Delay(5, Cancellation);
        }

        (await system.Get<CancelImport>().HandleAsync(id, Cancellation)).State.ShouldBe(ImportState.Cancelling);
        customers.GoOn();
        await running;

        var job = await system.JobAsync(id);
        job.State.ShouldBe(ImportState.Cancelled);
        job.Counts.Created.ShouldBeInRange(50, 19_000);
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([job.Counts.Created]);
        var view = ImportView.Of(job);
        view.SecondsLeft.ShouldBeNull();
        (view.RowsPerSecond > 0, view.BytesPerSecond > 0, view.BytesDone < view.Bytes).ShouldBe((true, true, true));
    }

    [Fact]
    public async Task A_job_cancelled_as_its_process_dies_still_counts_what_was_written()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.TimeSlice) = (10, TimeSpan.FromTicks(1)));
        var id = await system.DropAsync("customers/cancel-dead.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 35).Select(i => $"C{i}\n"))));
        await system.RunAsync(id, Cancellation);

        // Another process had begun the second run: it wrote half of it and is gone.
        await system.Jobs.UpdateAsync(id, j => j with { Worker = "dead" }, Cancellation);
        using (var journal = await system.Get<ImportJournal>().OpenAsync(id, JournalKind.Import, 2, resumed: false, Cancellation))
        {
            await system.Get<CustomerWriter>().UpsertAsync([.. Enumerable.Range(11, 5).Select(i => new UpsertRow(new() { ExternalId = $"C{i}" }, i + 1))], new("import", journal), Cancellation);
        }

        (await system.Get<CancelImport>().HandleAsync(id, Cancellation)).State.ShouldBe(ImportState.Cancelling);
        (await system.Get<CancelImport>().HandleAsync(id, Cancellation)).State.ShouldBe(ImportState.Cancelling);

        var job = await system.FinishAsync(id);
        (job.State, job.Counts).ShouldBe((ImportState.Cancelled, new ImportCounts(20, 20)));
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([20]);
        (await Should.ThrowAsync<Platform.Errors.ProblemException>(async () => await system.Get<CancelImport>().HandleAsync("unknown", Cancellation))).Problem.Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_job_cancelled_before_it_is_looked_at_writes_nothing()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var id = await system.DropAsync("customers/cancel-queued.csv", "id\nC1\n"u8.ToArray());
        await system.Jobs.UpdateAsync(id, j => j with { State = ImportState.Running, Worker = "dead" }, Cancellation);
        await system.Get<CancelImport>().HandleAsync(id, Cancellation);

        (await system.FinishAsync(id)).State.ShouldBe(ImportState.Cancelled);
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([0]);
    }

    [Fact]
    public async Task A_large_import_makes_way_for_others_and_takes_its_time_alone()
    {
        using var customers = new HoldingHandler("/colls/customers/docs");
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.AtOnce, o.FairSlice) = (25, 1, TimeSpan.Zero), cosmosHandler: customers);
        var large = await system.DropAsync("customers/large.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 20_000).Select(i => $"C{i}\n"))));
        var small = await system.DropAsync("customers/small.csv", "id\nS1\n"u8.ToArray());
        customers.HoldAfter(60);
        var running = system.RunAsync(large, Cancellation);
        while ((await system.JobAsync(large)).Runs < 2)
        {
            await Task.Delay(5, Cancellation);
        }

        // It is waiting when this returns.
        var finishing = system.FinishAsync(small);
        customers.GoOn();
        await finishing;
        await running;

        (await system.JobAsync(small)).State.ShouldBe(ImportState.Completed);
        var job = await system.JobAsync(large);
        (job.State, job.Worker).ShouldBe((ImportState.Running, null));
        job.Counts.Created.ShouldBeInRange(50, 19_000);
        await system.Get<CancelImport>().HandleAsync(large, Cancellation);

        var alone = await system.DropAsync("customers/alone.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 300).Select(i => $"A{i}\n"))));
        await system.RunAsync(alone, Cancellation);
        (await system.JobAsync(alone)).State.ShouldBe(ImportState.Completed);
    }
}
