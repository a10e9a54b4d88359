using System.Text.Json;
using XenoCrm.AppHost;

namespace XenoCrm.Benchmarks;

/// <summary>
/// Receipts by webhook, singly and in arrays, beside a bare endpoint that reads the body and checks the same signature; in
/// turn, in rounds, so that what else the machine does hits both. None may be lost: each is an "opened" of its own message,
/// and the ledger counts them in the end.
/// </summary>
internal static class ReceiptsBenchmark
{
    /// <summary>As many as the client has connections: callers share a write to the queue, and with 64 a write of some 6 ms bounds their rate.</summary>
    private const int InFlight = 256;
    private const int Rounds = 8, PerArray = 1_000;

    /// <summary>Requests in a round at least: of seven at once only how long one takes would be measured.</summary>
    private const int LeastInRound = 25;

    private static readonly string[] Processes = ["functions", "cosmos", "azurite"];

    public static async Task RunAsync(Report report, Size size)
    {
        var messages = size != Size.Small ? 100_000 : 20_000;
        await using var crm = await CrmSystem.StartAsync();
        await crm.ImportCustomersAsync(messages);
        var campaign = await crm.Api.CreateCampaignAsync(tags: 20);
        await crm.Api.RunCampaignAsync(campaign, () => { });
        if (size != Size.Small)
            await crm.QuietAsync();
        await using var bare = await BareServer.StartAsync(crm["bare"]);
        using var webhooks = new Webhooks();
        var (ours, theirs) = (new Uri(crm.Host.Api, "api/webhooks/receipts"), new Uri(bare.Address, "webhook"));

        // Half of the messages one by one, the other half in arrays.
        var singles = Enumerable.Range(0, messages / 2).Select(i => Json([Opened(i)])).ToArray();
        var arrays = Enumerable.Range(messages / 2, messages - (messages / 2)).Chunk(PerArray).Select(part => Json([.. part.Select(Opened)])).ToArray();
        await MeasureAsync("receipts, one in a request", singles, 1);
        await MeasureAsync("receipts, a thousand in a request", arrays, PerArray);

        using (var stage = Report.Begin("waiting until every receipt is applied"))
        {
            for (var opened = 0; opened != messages; await Task.Delay(200))
            {
                var stats = await crm.Api.GetAsync($"api/campaigns/{campaign}/stats", CancellationToken.None);
                opened = stats.GetProperty("opened").GetInt32() + stats.GetProperty("autoOpened").GetInt32();
                if (stage.Elapsed > TimeSpan.FromMinutes(5))
                    throw new LocalException($"{messages - opened} receipts are lost.");
            }
        }

        async Task MeasureAsync(string what, byte[][] bodies, int receipts)
        {
            var (function, ceiling) = (new List<double>(), new List<double>());
            var (started, startedBare) = (Processes.Select(p => crm.Usage(p).Processor).ToArray(), bare.Usage.Processor);
            foreach (var round in bodies.Chunk(Math.Max(LeastInRound, bodies.Length / Rounds)))
            {
                ceiling.Add((await Load.RunAsync(what + ", bare", round.Length, InFlight, i => webhooks.PostAsync(theirs, round[i]))).PerSecond);
                function.Add((await Load.RunAsync(what, round.Length, InFlight, i => webhooks.PostAsync(ours, round[i]))).PerSecond);
            }

            report.Add(new Figure(what, Report.Median(function) * receipts, "receipts/s", Report.Median(ceiling) * receipts, RssMb: crm.Usage("functions").RssMb, N: (long)bodies.Length * receipts));
            for (var i = 0; i < Processes.Length; i++)
            {
                double? least = i == 0 ? (bare.Usage.Processor - startedBare).TotalMicroseconds / bodies.Length : null;
                report.Add(new Figure($"{what}, processor time of {Processes[i]}", (crm.Usage(Processes[i]).Processor - started[i]).TotalMicroseconds / bodies.Length, "µs/request", least));
            }
        }

        object Opened(int i) => new { messageId = $"{campaign}.{i / 100}.{i % 100}", status = "opened", at = DateTimeOffset.UtcNow, eventId = $"bench-{i}" };
    }

    private static byte[] Json(object[] receipts) => receipts is [var one] ? JsonSerializer.SerializeToUtf8Bytes(one) : JsonSerializer.SerializeToUtf8Bytes(receipts);
}
