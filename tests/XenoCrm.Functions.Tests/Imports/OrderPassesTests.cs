using System.Text;
using System.Text.Json;
using XenoCrm.Accounts;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

/// <summary>Files of orders that are read in several passes: what a small file does in one they do too.</summary>
public class OrderPassesTests(ImportStorage storage)
{
    private const string Stored = "SELECT c.orderNumber, c.amount, c.status, c.externalId, c.email, c.totalSpend, c.orderCount, c.firstOrderAt, c.lastOrderAt FROM c WHERE c.type IN ('customer', 'order')";

    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;
    private static readonly Caller Admin = new("u1", "Test", Role.Admin);
    private static readonly Dictionary<string, string> Create = new() { ["createMissingCustomers"] = "true" };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task However_a_file_is_cut_orders_and_totals_end_the_same_and_a_second_time_changes_nothing(int seed)
    {
        var csv = RandomFile(new Random(seed), 400);
        string[]? expected = null;
        ImportCounts? counts = null;
        foreach (var (heldBytes, runRows) in new[] { (1_000_000, 1_000), (1_000_000, 30), (4_000, 30), (700, 5) })
        {
            await using var system = await ImportSystem.StartAsync(storage, o => (o.HeldBytes, o.RunRows) = (heldBytes, runRows));
            var job = await system.FinishAsync(await system.DropAsync($"orders/cut-{seed}-{heldBytes}-{runRows}.csv", csv, Create));
            job.State.ShouldBe(ImportState.Completed);
            (job.Cut!.Passes > 1).ShouldBe(heldBytes < 1_000_000);
            var view = ImportView.Of(job);
            view.BytesDone.ShouldBe(view.Bytes);

            (await StoredAsync(system)).ShouldBe(expected ??= await StoredAsync(system), $"{heldBytes} bytes held, runs of {runRows}");
            job.Counts.ShouldBe(counts ??= job.Counts);
            counts.Created.ShouldBeGreaterThan(100);
            counts.Updated.ShouldBeGreaterThan(20);
            counts.Failed.ShouldBeGreaterThan(5);

            // Rows that were decided upon each other's orders may be taken once more; what is stored stays.
            var again = await system.FinishAsync(await system.DropAsync($"orders/again-{seed}-{heldBytes}-{runRows}.csv", csv, Create));
            again.Counts.Created.ShouldBe(0);
            (await StoredAsync(system)).ShouldBe(expected);
        }
    }

    [Fact]
    public async Task What_a_dry_run_said_is_carried_out_with_other_settings_too()
    {
        var database = "t" + Guid.NewGuid().ToString("N");
        var csv = RandomFile(new Random(8), 200);
        ImportJob dry;
        await using (var before = await ImportSystem.StartAsync(storage, o => (o.HeldBytes, o.RunRows) = (1_500, 10), database))
        {
            dry = await before.FinishAsync(await before.DropAsync($"orders/{database}.csv", csv, new(Create) { ["dryRun"] = "true" }));
            dry.Counts.Created.ShouldBeGreaterThan(50);
            dry.Cut!.Passes.ShouldBeGreaterThan(3);
            (await before.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([0]);
        }

        await using var system = await ImportSystem.StartAsync(storage, o => (o.HeldBytes, o.RunRows) = (3_000_000, 17), database);
        var commit = await system.Get<CommitImport>().HandleAsync(dry.Id, Admin, Cancellation);
        var done = await system.FinishAsync(commit.Id);

        done.Cut.ShouldBe(dry.Cut);
        done.Counts.ShouldBe(dry.Counts);
        (await system.ReportAsync(done)).SelectMany(r => r.Issues).ShouldAllBe(i => i.Code != RowCodes.ChangedSinceDryRun);
    }

    [Fact]
    public async Task An_undo_takes_back_all_passes()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.HeldBytes, o.RunRows) = (1_000, 5));
        await system.FinishAsync(await system.DropAsync("orders/before-undo.csv", RandomFile(new Random(31), 60), Create));
        var before = await StoredAsync(system);
        var id = await system.DropAsync("orders/undone.csv", RandomFile(new Random(32), 200), Create);
        var job = await system.FinishAsync(id);
        (job.Cut!.Passes > 3, job.Counts.Created > 50, job.Counts.Updated > 10).ShouldBe((true, true, true), job.Counts.ToString());

        await system.Get<UndoImport>().RequestAsync(id, Admin, Cancellation);
        await system.Get<UndoImport>().HandleAsync(new(id), Cancellation);

        job = await system.JobAsync(id);
        (job.State, job.Undo!.Counts.Left).ShouldBe((ImportState.Undone, 0));
        (await StoredAsync(system)).ShouldBe(before);
    }

    [Fact]
    public async Task A_cancelled_file_in_passes_counts_what_it_wrote()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.HeldBytes, o.RunRows, o.TimeSlice) = (1_500, 10, TimeSpan.FromTicks(1)));
        var rows = string.Concat(Enumerable.Range(1, 100).Select(i => $"{i},C{i % 30},5,2026-01-31,\n"));
        var id = await system.DropAsync("orders/cancelled.csv", Encoding.UTF8.GetBytes("orderNumber,customerId,amount,placedAt,status\n" + rows), Create);
        while ((await system.JobAsync(id)).Next is not { Pass: > 0, Taken: > 0 })
        {
            await system.RunAsync(id, Cancellation);
        }

        var running = ImportView.Of(await system.JobAsync(id));
        (running.BytesDone > 0, running.BytesDone < running.Bytes, running.SecondsLeft > 0).ShouldBe((true, true, true));
        (await system.Get<CancelImport>().HandleAsync(id, Cancellation)).State.ShouldBe(ImportState.Cancelled);
        await system.RunAsync(id, Cancellation);

        var job = await system.JobAsync(id);
        job.State.ShouldBe(ImportState.Cancelled);
        job.Counts.Created.ShouldBeInRange(1, 99);
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c WHERE c.type = 'order'")).ShouldBe([job.Counts.Created]);
        (await system.QueryAsync<long>("SELECT VALUE SUM(c.orderCount) FROM c WHERE c.type = 'customer'")).ShouldBe([job.Counts.Created]);
    }

    [Fact]
    public async Task Bad_rows_of_any_pass_come_back_to_be_corrected()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.HeldBytes, o.RunRows) = (1_000, 4));
        var rows = Enumerable.Range(2, 80).Select(row => $"{row},C{row % 9},{(row % 5 == 0 ? "x" : "5")}").ToList();
        var job = await system.FinishAsync(await system.DropAsync("orders/bad.csv", Encoding.UTF8.GetBytes("orderNumber,customerId,amount\n" + string.Join('\n', rows)), Create));

        var reported = (await system.ReportAsync(job)).OrderBy(r => r.Row).ToList();
        job.Counts.ShouldBe(new ImportCounts(80, 64, Failed: 16));
        reported.Select(r => r.Row).ShouldBe(Enumerable.Range(2, 80).Where(row => row % 5 == 0).Select(row => (long)row));
        reported.ShouldAllBe(r => string.Join(',', r.Fields!) == rows[(int)r.Row - 2]);
    }

    private static async Task<string[]> StoredAsync(ImportSystem system) =>
        [.. (await system.QueryAsync<JsonElement>(Stored)).Select(e => e.ToString()).Order()];

    /// <summary>Orders that come several times, far from each other, with other values; each customer has one name.</summary>
    private static byte[] RandomFile(Random random, int rows)
    {
        string Customer(int order) => order % 3 == 0 ? $",u{order % 35}@example.com" : $"C{order % 40},";
        string Row(int order, int row) => random.Next(25) == 0 ? $"{order},{Customer(order)},oops,2026-01-31,"
            : $"{order},{Customer(order)},{row}.50,2026-01-{(order % 28) + 1:D2},{new[] { "", "paid", "placed" }[random.Next(3)]}";
        return Encoding.UTF8.GetBytes("orderNumber,customerId,email,amount,placedAt,status\n"
            + string.Concat(Enumerable.Range(1, rows).Select(row => Row(random.Next(3) == 0 ? random.Next(1, row + 1) : row, row) + "\n")));
    }
}
