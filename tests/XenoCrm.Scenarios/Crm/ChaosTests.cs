using System.Diagnostics;
using System.Text.Json;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>
/// Twenty campaigns at a chaotic vendor (20 % of the receipts twice, all reordered, 5 % lost and sent again, 2 % 500s, 1 % of
/// the requests taken without an answer, one outage of 20 s), and the app's process killed at a random moment of each: from the launch's request
/// on, through planning and sending, to its receipts. A run does not wait for the one before, so a kill also meets what
/// earlier ones have under way. Each ends balanced, and message by message as the vendor's own record says.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int Runs = 20;
    private static readonly string[] Towns = ["Northville", "Eastville", "Southville"];
    private static readonly int[] Inhabitants = [150, 70, 80];

    /// <summary>Moves the moments, and what the vendor does; a failure is repeated with the seed it names.</summary>
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("XENO_SEED") ?? "7");

    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private sealed record Run(int Number, string Campaign, int Audience);

    [Fact(Timeout = 10 * 60_000)]
    public async Task Twenty_runs_with_the_app_killed_in_each_end_as_the_vendors_record_says()
    {
        Say($"seed {Seed}");
        await using var system = await KillableSystem.StartAsync(Seed);
        using var api = await system.LogInAsync();
        await api.PostAsync("api/customers/bulk", new { items = Customers() }, default);
        var segments = await Task.WhenAll(Enumerable.Range(1, Towns.Length).Select(n => SegmentAsync(api, Towns[..n])));

        var random = new Random(Seed);
        var runs = new List<Run>();
        for (var number = 0; number < Runs; number++)
        {
            var size = random.Next(segments.Length);
            var campaign = (await api.PostAsync("api/campaigns", new
            {
                name = $"Chaos {number}", channel = "email", segmentId = segments[size],
                content = new { subject = "Hello {{firstName}}", text = "Hello {{firstName}} {{unsubscribeUrl}}" },
            }, default)).GetProperty("id").GetString()!;
            runs.Add(new Run(number, campaign, Inhabitants[..(size + 1)].Sum()));

            // The launch is repeated under its key when the process dies before it has answered.
            var moment = TimeSpan.FromMilliseconds(random.Next(1500));
            var launch = api.PostAsync($"api/campaigns/{campaign}/launch", null, default);
            await Task.Delay(moment);
            await system.KillAppAsync();
            Say($"run {number}: {runs[^1].Audience} recipients, killed {moment.TotalMilliseconds:0} ms after the launch");
            await system.StartAppAsync();
            await launch;
        }

        var record = new Dictionary<string, (int Asked, int Carried, string Status)>();
        foreach (var run in runs)
            await EndAsync(api, run);
        using (var vendor = new Vendor.VendorClient(system.Vendor.Address))
        {
            // Repeated receipts that are still to come change nothing.
            await Vendor.VendorClient.UntilAsync(() => system.Vendor.Audit().ReceiptsPending == 0, "the vendor has no more to say");
            record = await vendor.AuditMessagesAsync();
        }
        foreach (var run in runs)
            await CompareAsync(api, run, record);
        record.Count.ShouldBe(record.Keys.Count(id => runs.Any(r => id.StartsWith(r.Campaign + ".", StringComparison.Ordinal))), "The vendor has messages of no run.");
        system.Kills.ShouldBe(Runs);
        (await api.GetAsync("api/delivery/poison", default)).GetProperty("items").GetArrayLength().ShouldBe(0, "Something was given up.");
        Say($"done: {system.Kills} kills, {record.Count} messages, {system.Vendor.Audit().ReceiptsPosted} receipts posted");
    }

    /// <summary>The ledger balances, and says of every message what the vendor's record says of it, which carried none twice.</summary>
    private static async Task CompareAsync(ApiClient api, Run run, Dictionary<string, (int Asked, int Carried, string Status)> record)
    {
        var stats = await api.GetAsync($"api/campaigns/{run.Campaign}/stats", default);
        int Count(string name) => stats.GetProperty(name).GetInt32();
        Count("audience").ShouldBe(run.Audience, $"run {run.Number}: {stats}");
        Count("audience").ShouldBe(Count("delivered") + Count("failed") + Count("suppressed") + Count("skipped"), $"run {run.Number}: {stats}");
        var theirs = record.Where(m => m.Key.StartsWith(run.Campaign + ".", StringComparison.Ordinal)).ToDictionary();
        theirs.Where(m => m.Value.Carried != 1).ShouldBeEmpty();
        Count("sent").ShouldBe(theirs.Count, $"run {run.Number}: {stats}");

        var messages = await api.ListAsync($"api/campaigns/{run.Campaign}/messages", default);
        messages.Select(m => m.GetProperty("customerId").GetString()).ShouldBeUnique();
        var ours = messages.Where(m => m.GetProperty("status").GetString() is "delivered" or "failed" && m.TryGetProperty("sentAt", out var at) && at.ValueKind == JsonValueKind.String)
            .ToDictionary(m => m.GetProperty("messageId").GetString()!, m => m.GetProperty("status").GetString()!);
        ours.Where(m => theirs.GetValueOrDefault(m.Key).Status != m.Value).ShouldBeEmpty($"run {run.Number}");
        ours.Count.ShouldBe(theirs.Count, $"run {run.Number}");
    }

    private static async Task EndAsync(ApiClient api, Run run)
    {
        for (var i = 0; ; i++)
        {
            var stats = await api.GetAsync($"api/campaigns/{run.Campaign}/stats", default);
            if (stats.GetProperty("state").GetString() == "completed" && stats.GetProperty("pending").GetInt32() == 0)
                return;
            (i < 1200).ShouldBeTrue($"run {run.Number} is not over after two minutes: {stats}");
            await Task.Delay(100);
        }
    }

    private static IEnumerable<object> Customers() => Towns.SelectMany((town, t) => Enumerable.Range(0, Inhabitants[t]).Select(n =>
        new { externalId = $"{town}-{n}", firstName = $"Name{n}", email = $"{n}@{town}.example", city = town }));

    private static async Task<string> SegmentAsync(ApiClient api, string[] towns)
    {
        var rule = new { combinator = "and", rules = new[] { new { field = "city", @operator = "in", value = towns } } };
        var id = (await api.PostAsync("api/segments", new { name = $"Chaos in {string.Join(", ", towns)}", rule }, default)).GetProperty("id").GetString()!;
        await api.SegmentReadyAsync(id);
        return id;
    }

    private void Say(string line) => output.WriteLine($"{_clock.Elapsed.TotalSeconds,6:0.0} s  {line}");
}
