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
    private const int InFlight = 64, Rounds = 8, PerArray = 1_000;

    public static async Task RunAsync(Report report, Size size)
    {
        var messages = size == Size.Full ? 100_000 : 20_000;
        await using var crm = await CrmSystem.StartAsync();
        await crm.ImportCustomersAsync(messages);
        var campaign = await crm.Api.CreateCampaignAsync(tags: 20);
        await crm.Api.RunCampaignAsync(campaign, () => { });
        await using var bare = await BareServer.StartAsync(crm["bare"]);
        using var webhooks = new Webhooks();
        var (ours, theirs) = (new Uri(crm.Host.Api, "api/webhooks/receipts"), new Uri(bare.Address, "webhook"));

        // Half of the messages one by one, the other half in arrays.
        var singles = Enumerable.Range(0, messages / 2).Select(i => Json([Opened(i)])).ToArray();
        var arrays = Enumerable.Range(messages / 2, messages - (messages / 2)).Chunk(PerArray).Select(part => Json([.. part.Select(Opened)])).ToArray();
        await MeasureAsync("receipts, one in a request", "receipts/s", singles, 1);
        await MeasureAsync("receipts, a thousand in a request", "receipts/s", arrays, PerArray);

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

        async Task MeasureAsync(string what, string unit, byte[][] bodies, int receipts)
        {
            var (function, ceiling) = (new List<double>(), new List<double>());
            foreach (var round in bodies.Chunk(Math.Max(1, bodies.Length / Rounds)))
            {
                ceiling.Add((await Load.RunAsync(what + ", bare", round.Length, InFlight, i => webhooks.PostAsync(theirs, round[i]))).PerSecond);
                function.Add((await Load.RunAsync(what, round.Length, InFlight, i => webhooks.PostAsync(ours, round[i]))).PerSecond);
            }

            report.Add(new Figure(what, Median(function) * receipts, unit, Median(ceiling) * receipts, RssMb: crm.Usage("functions").RssMb, N: (long)bodies.Length * receipts));
        }

        object Opened(int i) => new { messageId = $"{campaign}.{i / 100}.{i % 100}", status = "opened", at = DateTimeOffset.UtcNow, eventId = $"bench-{i}" };
    }

    private static byte[] Json(object[] receipts) => receipts is [var one] ? JsonSerializer.SerializeToUtf8Bytes(one) : JsonSerializer.SerializeToUtf8Bytes(receipts);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
