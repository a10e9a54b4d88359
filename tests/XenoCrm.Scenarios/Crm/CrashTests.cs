using System.Diagnostics;
using System.Text.Json;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>
/// The main job under <c>kill -9</c>: the AppHost and everything it started are killed at seeded moments of import,
/// planning, sending and receipts, and started again. Nothing may be lost, doubled or carried twice.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Customers = 4000;

    /// <summary>Moves the moments; a failure is repeated with the seed it names.</summary>
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("XENO_SEED") ?? "42");

    private const string CustomersBlob = "customers/crash-customers.csv", OrdersBlob = "orders/crash-orders.csv";

    private readonly TemporaryFolder _folder = new();
    private readonly int _ports = AppHostProcess.FreePortBase();
    private readonly Random _random = new(Seed);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private AppHostProcess? _system;
    private ApiClient? _api;
    private int _kills;

    [Fact(Timeout = 15 * 60_000)]
    public async Task Goes_on_by_itself_after_kill_9_at_any_moment_and_ends_balanced()
    {
        var data = new DemoData(Customers);
        var (customersFile, ordersFile) = (_folder["customers.csv"], _folder["orders.csv"]);
        data.WriteCustomers(customersFile, _ => { });
        data.WriteOrders(ordersFile, _ => { });
        var totals = CrmClient.TotalsOf(ordersFile, "Customer ID", "Amount");
        Say($"seed {Seed}");
        await StartAsync();

        // Import: at once after the drop, then at shares of the rows.
        await _system!.DropAsync(CustomersBlob, customersFile);
        await KillAsync("the drop of the customers");
        await ImportAsync(CustomersBlob, Customers, 0.05, 0.5);
        await _system!.DropAsync(OrdersBlob, ordersFile);
        await ImportAsync(OrdersBlob, data.Orders, 0.05, 0.4, 0.8);

        // The segment is still being built when everything dies.
        var rule = new { combinator = "and", rules = new[] { new { field = "totalSpend", @operator = ">", value = 100 } } };
        var segment = (await _api!.PostAsync("api/segments", new { name = "Spent more than 100", rule }, CancellationToken.None)).GetProperty("id").GetString()!;
        await KillAsync("the build of the segment");
        await _api!.SegmentReadyAsync(segment);

        var campaign = (await _api!.PostAsync("api/campaigns", new
        {
            name = "Crash", channel = "email", segmentId = segment,
            content = new { subject = "Hello {{firstName}}", text = "Hello {{firstName}} {{unsubscribeUrl}}", html = "<p>Hello {{firstName}} <a href='{{unsubscribeUrl}}'>x</a></p>" },
        }, CancellationToken.None)).GetProperty("id").GetString()!;
        await _api!.PostAsync($"api/campaigns/{campaign}/launch", null, CancellationToken.None);
        await KillAsync("the launch");
        var audience = totals.Values.Count(c => c.Spend > 100);
        await UntilAsync(campaign, "planning", s => Count(s, "audience") > 0.1 * audience);
        await UntilAsync(campaign, "sending", s => Count(s, "sent") > 0.1 * audience);
        await UntilAsync(campaign, "sending", s => Count(s, "sent") > 0.5 * audience);
        await UntilAsync(campaign, "receipts", s => Count(s, "delivered") > 0.3 * audience);
        await UntilAsync(campaign, "receipts", s => Count(s, "delivered") > 0.7 * audience);
        var stats = await EndAsync(campaign);

        // The ledger balances and agrees with the vendor's record, which carried nothing twice.
        Say($"{stats}");
        _kills.ShouldBeGreaterThanOrEqualTo(10);
        Count(stats, "audience").ShouldBe(audience);
        Count(stats, "pending").ShouldBe(0);
        (Count(stats, "delivered") + Count(stats, "failed") + Count(stats, "suppressed") + Count(stats, "skipped")).ShouldBe(audience);
        using var vendor = new Vendor.VendorClient(_system!.Vendor);
        var record = await vendor.AuditMessagesAsync();
        record.Keys.ShouldAllBe(id => id.StartsWith(campaign + ".", StringComparison.Ordinal));
        record.Where(m => m.Value.Carried > 1).ShouldBeEmpty();
        record.Count.ShouldBe((int)Count(stats, "sent"));
        record.Values.Count(m => m.Status == "delivered").ShouldBe((int)Count(stats, "delivered"));
        record.Values.Count(m => m.Status is "failed" or "rejected").ShouldBe((int)Count(stats, "failed"));

        // No row was lost or doubled.
        var found = await _api!.CustomersAsync();
        found.Count.ShouldBe(Customers);
        found.Where(c => c.Value != totals.GetValueOrDefault(c.Key)).ShouldBeEmpty();
        Say($"done: {_kills} kills, seed {Seed}");
    }

    public async ValueTask DisposeAsync()
    {
        _api?.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Kills once after each share of the rows, then waits for the end.</summary>
    private async Task ImportAsync(string blob, int rows, params double[] shares)
    {
        foreach (var around in shares)
        {
            var share = around + 0.1 * _random.NextDouble();
            while (true)
            {
                var job = await _api!.ImportOfAsync(blob);
                if (job.ValueKind == JsonValueKind.Object && job.GetProperty("rows").GetInt64() >= share * rows)
                    break;
                await Task.Delay(20);
            }
            await KillAsync($"the import of {blob}, {share:0%} of the rows");
        }
        var done = await _api!.ImportedAsync(blob);
        Say($"{blob}: {done.GetProperty("rows")} rows, {done.GetProperty("created")} created, {done.GetProperty("unchanged")} unchanged, {done.GetProperty("failed")} failed");
        done.GetProperty("rows").GetInt64().ShouldBe(rows);
        done.GetProperty("failed").GetInt64().ShouldBe(0);

        // A row that was written before a kill and comes again after it is counted as what it was: created.
        done.GetProperty("created").GetInt64().ShouldBe(rows);
    }

    private async Task UntilAsync(string campaign, string phase, Func<JsonElement, bool> reached)
    {
        while (true)
        {
            var stats = await StatsAsync(campaign);
            if (reached(stats) || IsOver(stats))
                break;
            await Task.Delay(20);
        }
        await KillAsync(phase);
    }

    private async Task<JsonElement> EndAsync(string campaign)
    {
        for (var i = 0; ; i++)
        {
            var stats = await StatsAsync(campaign);
            if (IsOver(stats))
                return stats;
            (i < 3000).ShouldBeTrue($"not over after five minutes: {stats}");
            await Task.Delay(100);
        }
    }

    private static bool IsOver(JsonElement stats) =>
        stats.GetProperty("state").GetString() is not ("draft" or "planning") && Count(stats, "pending") == 0;

    private Task<JsonElement> StatsAsync(string campaign) => _api!.GetAsync($"api/campaigns/{campaign}/stats", CancellationToken.None);

    private static long Count(JsonElement stats, string name) => stats.GetProperty(name).GetInt64();

    private async Task KillAsync(string during)
    {
        await Task.Delay(_random.Next(0, 250));
        Say($"kill -9 number {++_kills} during {during}");
        _api!.Dispose();
        await _system!.KillTreeAsync();
        await _system.DisposeAsync();
        await StartAsync();
    }

    private async Task StartAsync()
    {
        _system = await AppHostProcess.StartAsync(_folder["data"], _ports);
        _api = await _system.LogInAsync();
    }

    private void Say(string line) => output.WriteLine($"{_clock.Elapsed.TotalSeconds,6:0.0} s  {line}");
}
