using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XenoCrm.AppHost;

namespace XenoCrm.Benchmarks;

/// <summary>
/// Campaigns to three audiences from launch to the last receipt applied, beside a bare loop that posts as many messages to
/// the same vendor and takes its receipts without looking into them. What follows a campaign (customers are told of their
/// messages) is not part of its time, but of its requests and their charge.
/// </summary>
internal static class CampaignBenchmark
{
    private const int MessagesPerPost = 1_000, Posts = 16;

    private static readonly string[] Processes = ["functions", "cosmos", "azurite", "vendor"];

    public static async Task RunAsync(Report report, Size size)
    {
        // Audiences by tags, of which each is on a twentieth of the customers.
        var (customers, audiences) = size switch
        {
            Size.Small => (10_000, new[] { 1, 5, 20 }),
            Size.Full => (100_000, [1, 5, 20]),
            _ => (1_000_000, [2, 20]),
        };
        await using var crm = await CrmSystem.StartAsync();
        await crm.ImportCustomersAsync(customers);
        var points = new List<(double N, double Seconds)>();
        var campaigns = await Task.WhenAll(audiences.Select(crm.Api.CreateCampaignAsync));
        var (before, sent) = (await crm.DatabaseAsync(), 0);
        foreach (var (tags, campaign) in audiences.Zip(campaigns))
        {
            var peak = 0.0;
            var idle = Processes.Select(p => crm.Usage(p).Processor).ToArray();
            var (seconds, stats) = await crm.Api.RunCampaignAsync(campaign, () => peak = Math.Max(peak, crm.Usage("functions").RssMb));
            var audience = stats.GetProperty("audience").GetInt32();
            if (audience != customers * tags / 20 || stats.GetProperty("delivered").GetInt32() + stats.GetProperty("failed").GetInt32() != audience)
                throw new LocalException($"The campaign did not end well: {stats}");
            points.Add((audience, seconds));
            var busy = Processes.Select(p => crm.Usage(p).Processor).ToArray();
            var bare = await BareAsync(crm, audience);

            sent += audience;
            (double Requests, double Units)? asked = null;
            if (size != Size.Small || campaign == campaigns[^1])
            {
                // Some ten seconds after the last receipt, which the small ones spend together.
                var after = await crm.QuietAsync();
                asked = ((after.Requests - before.Requests) / sent, (after.Units - before.Units) / sent);
                (before, sent) = (after, 0);
            }

            report.Add(new Figure($"campaign to {audience:N0}, launch to last receipt", audience / seconds, "messages/s", audience / bare, asked?.Requests, asked?.Units, peak, audience));
            for (var i = 0; i < Processes.Length; i++)
                report.Add(new Figure($"campaign to {audience:N0}, processor time of {Processes[i]}", (busy[i] - idle[i]).TotalMicroseconds / audience, "µs/message"));
        }

        report.Add(new Figure("campaign, growth exponent of its time", Report.Exponent(points), "", 1));
    }

    /// <returns>Seconds until the last receipt of as many messages.</returns>
    private static async Task<double> BareAsync(CrmSystem crm, int messages)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--contentRoot=/", "--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        await using var receiver = builder.Build();
        var (received, all) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        receiver.MapPost("/receipts", async (HttpRequest request) =>
        {
            using var receipts = await JsonDocument.ParseAsync(request.Body);
            var count = receipts.RootElement.ValueKind == JsonValueKind.Array ? receipts.RootElement.GetArrayLength() : 1;
            if (Interlocked.Add(ref received, count) >= messages)
                all.TrySetResult();
            return Results.NoContent();
        });
        await receiver.StartAsync();
        var receiptUrl = receiver.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/receipts";

        using var client = new HttpClient { BaseAddress = crm.Host.Vendor };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", LocalSettings.Load().Required("Vendors__Generic__ApiKey"));
        var run = Guid.NewGuid().ToString("N");
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        await Load.RunAsync("a bare loop at the same vendor", (messages + MessagesPerPost - 1) / MessagesPerPost, Posts, async post =>
        {
            var part = Enumerable.Range(post * MessagesPerPost, Math.Min(MessagesPerPost, messages - (post * MessagesPerPost))).Select(i => new
            {
                id = $"{run}.{i}", channel = "email", to = $"person.{i}@example.com", subject = "Thank you, Anna",
                text = $"Dear Anna Meier, thank you for shopping with us. No more of these: http://127.0.0.1/t/u/{run}{run}{i}",
                html = $"<p>Dear Anna Meier,</p><p>thank you for shopping with us.</p><p><a href=\"http://127.0.0.1/t/u/{run}{run}{i}\">No more of these</a></p>",
            });
            using var answer = await client.PostAsJsonAsync("v1/messages", new { messages = part, receiptUrl });
            answer.EnsureSuccessStatusCode();
            await answer.Content.ReadAsByteArrayAsync();
        });
        await all.Task;
        return System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
