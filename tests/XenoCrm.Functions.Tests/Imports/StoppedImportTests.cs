using System.Text;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

/// <summary>Large imports in processes that are stopped at random moments.</summary>
public class StoppedImportTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Customers_interrupted_anywhere_end_as_if_never_interrupted(int seed)
    {
        var random = new Random(seed);
        var rows = Enumerable.Range(1, 1500).Select(i => random.Next(20) switch
        {
            0 => $"C{i},broken,+4930{i:D7},\n",
            1 => $"C{random.Next(1, i + 1)},again{i}@example.com,,Town {i}\n",
            2 => $",user{random.Next(1, i + 1)}@example.com,,Village {i}\n",
            3 => $"C{i},user{i}@example.com,555 {i},\n",
            _ => $"C{i},user{i}@example.com,+4930{i:D7},City {i % 7}\n",
        }).ToList();
        await InterruptAsync("customers", "id,email,phone,city\n" + string.Concat(rows), random, "SELECT c.externalId, c.email, c.phone, c.city FROM c", o => o.RunRows = 100);
    }

    [Theory]
    [InlineData(21, 0)]
    [InlineData(22, 0)]
    [InlineData(23, 10_000)]
    public async Task Orders_interrupted_anywhere_end_as_if_never_interrupted(int seed, int heldBytes)
    {
        var random = new Random(seed);
        string Again(int order, int row) => $"O{order},C{order % 90},{row}.10,2026-01-31\n";
        var rows = Enumerable.Range(1, 1500).Select(i => random.Next(20) switch
        {
            0 => $"O{i},C{i % 90},oops,2026-01-31\n",
            1 => Again(random.Next(1, i + 1), i),
            _ => $"O{i},C{i % 90},{i}.25,2026-01-{(i % 28) + 1:D2}\n",
        }).ToList();
        await InterruptAsync("orders", "OrderID,CustomerID,Total,OrderDate\n" + string.Concat(rows), random,
            "SELECT c.orderNumber, c.amount, c.placedAt, c.externalId, c.totalSpend, c.orderCount FROM c", o => (o.RunRows, o.HeldBytes) = (100, heldBytes > 0 ? heldBytes : o.HeldBytes));
    }

    /// <summary>The same file twice: undisturbed, and in a process that is stopped at random moments until it is through.</summary>
    private async Task InterruptAsync(string kind, string csv, Random random, string select, Action<ImportOptions> options)
    {
        var file = Encoding.UTF8.GetBytes(csv);
        var metadata = new Dictionary<string, string> { ["createMissingCustomers"] = "true" };
        using var counted = new Stopper();
        await using var quiet = await ImportSystem.StartAsync(storage, options, cosmosHandler: counted);
        var expected = await quiet.FinishAsync(await quiet.DropAsync($"{kind}/quiet-{random.Next()}.csv", file, metadata));
        expected.State.ShouldBe(ImportState.Completed);
        expected.Counts.ShouldSatisfyAllConditions(c => c.Rows.ShouldBe(1500), c => c.Created.ShouldBeGreaterThan(1000), c => c.Updated.ShouldBeGreaterThan(20), c => c.Failed.ShouldBeGreaterThan(20));

        var database = "t" + Guid.NewGuid().ToString("N");
        string? id = null;
        var interruptions = 0;
        while (true)
        {
            // A new process each time: nothing is left in memory.
            using var stopper = new Stopper();
            await using var system = await ImportSystem.StartAsync(storage, options, database, stopper);
            id ??= await system.DropAsync($"{kind}/disturbed-{random.Next()}.csv", file, metadata);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            stopper.StopAt(random.Next(1, counted.Requests / 5), stop, answered: random.Next(2) == 0);
            try
            {
                await system.RunAsync(id, stop.Token);
            }
            catch (Exception) when (stop.IsCancellationRequested && !Cancellation.IsCancellationRequested)
            {
                interruptions++;
            }

            await stopper.QuietAsync();

            var job = await system.JobAsync(id);
            if (!job.IsOver)
            {
                continue;
            }

            job.State.ShouldBe(ImportState.Completed);
            job.Counts.ShouldBe(expected.Counts, $"after {interruptions} interruptions");
            (await system.ReportAsync(job)).Select(r => (r.Row, r.Issues[0].Code)).ShouldBe((await quiet.ReportAsync(expected)).Select(r => (r.Row, r.Issues[0].Code)));
            var stored = (await system.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order();
            stored.ShouldBe((await quiet.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order());
            break;
        }

        interruptions.ShouldBeGreaterThan(2);
    }

    /// <summary>Has the process stopped at a request.</summary>
    private sealed class Stopper : WholeRequests
    {
        private CancellationTokenSource? stop;
        private int requests;
        private int at;
        private bool answered;

        public int Requests => requests;

        public void StopAt(int request, CancellationTokenSource stop, bool answered) => (requests, at, this.stop, this.answered) = (0, request, stop, answered);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var isLast = Interlocked.Increment(ref requests) == at;
            if (isLast && !answered)
            {
                await stop!.CancelAsync();
            }

            var response = await SendWholeAsync(request, cancellationToken);
            if (isLast && answered)
            {
                await stop!.CancelAsync();
            }

            return response;
        }
    }
}
