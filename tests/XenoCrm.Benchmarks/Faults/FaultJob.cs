using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Azure.Storage.Blobs;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>
/// What a business does in a day, in little: files of customers and orders, single customers and orders beside them, a
/// segment, a campaign to its last receipt. Remembers what it was told was done.
/// </summary>
internal sealed class FaultJob(FaultySystem system, PatientClient api, int seed)
{
    public const int Customers = 400;
    public const decimal SegmentSpend = 300;
    private const int Orders = 3 * Customers;
    private const int Singles = 40;
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(12);

    private readonly Random _random = new(seed ^ 0x5EED);

    /// <summary>Order number → customer's external id and amount, of all that must be there in the end.</summary>
    public ConcurrentDictionary<string, (string Customer, decimal Amount)> Expected { get; } = [];

    /// <summary>External ids of all who must be there in the end.</summary>
    public ConcurrentDictionary<string, bool> ExpectedCustomers { get; } = [];

    public string SegmentId { get; private set; } = "";

    public string CampaignId { get; private set; } = "";

    public string CampaignName { get; } = $"Faults {seed}";

    public async Task RunAsync()
    {
        WriteFiles();
        var singles = SinglesAsync();
        await ImportAsync("customers/faults.csv", system["customers.csv"], Customers);
        await ImportAsync("orders/faults.csv", system["orders.csv"], Orders);
        await singles;

        var rule = new { combinator = "and", rules = new[] { new { field = "totalSpend", @operator = ">", value = SegmentSpend } } };
        SegmentId = Id(await api.PostAsync("api/segments", new { name = CampaignName, rule }));
        await UntilAsync("the segment is built", async () => State(await api.GetAsync($"api/segments/{SegmentId}")) == "ready");
        CampaignId = Id(await api.PostAsync("api/campaigns", new
        {
            name = CampaignName, channel = "email", segmentId = SegmentId,
            content = new { subject = "Hello {{firstName}}", text = "Hello {{firstName}} {{unsubscribeUrl}}", html = "<p>Hello {{firstName}} <a href='{{unsubscribeUrl}}'>x</a></p>" },
        }));
        await api.PostAsync($"api/campaigns/{CampaignId}/launch");
        await UntilAsync("every message has its end", async () =>
        {
            var stats = await StatsAsync();
            return State(stats) == "completed" && stats.GetProperty("pending").GetInt32() == 0;
        }, async () => $"{await StatsAsync()}");
    }

    public Task<JsonElement> StatsAsync() => api.GetAsync($"api/campaigns/{CampaignId}/stats");

    /// <summary>Waits, however long the faults go on and however busy the machine is: only what never comes is a violation.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> reached, Func<Task<string>>? state = null, TimeSpan? within = null)
    {
        var patience = within ?? Patience;
        for (var since = TimeProvider.System.GetTimestamp(); !await reached();)
        {
            if (TimeProvider.System.GetElapsedTime(since) > patience)
                throw new ViolationException($"Not within {patience.TotalMinutes:0.#} minutes: {what}. {(state is null ? "" : await state())}");
            await Task.Delay(250);
        }
    }

    private void WriteFiles()
    {
        using (var file = new StreamWriter(system["customers.csv"]))
        {
            file.Write("Customer ID,First Name,Email\n");
            for (var i = 0; i < Customers; i++)
            {
                file.Write(string.Create(CultureInfo.InvariantCulture, $"F{i:0000},Person {i},person.{i}@example.com\n"));
                ExpectedCustomers[$"F{i:0000}"] = true;
            }
        }

        using (var file = new StreamWriter(system["orders.csv"]))
        {
            file.Write("Order ID,Customer ID,Order Date,Amount\n");
            for (var i = 0; i < Orders; i++)
            {
                var (customer, amount) = ($"F{_random.Next(Customers):0000}", _random.Next(100, 30000) / 100m);
                file.Write(string.Create(CultureInfo.InvariantCulture, $"O{i:00000},{customer},2026-0{1 + (i % 9)}-1{i % 10}T10:00:00Z,{amount:0.00}\n"));
                Expected[$"O{i:00000}"] = (customer, amount);
            }
        }
    }

    private async Task ImportAsync(string blob, string file, int rows)
    {
        await UntilAsync($"{blob} is dropped", async () =>
        {
            try
            {
                // Not through a cable: whoever drops a file is not the app.
                var container = new BlobContainerClient(system.Storage, "imports");
                await container.CreateIfNotExistsAsync();
                await container.GetBlobClient(blob).UploadAsync(file, overwrite: true);
                return true;
            }
            catch (Exception e) when (e is Azure.RequestFailedException or AggregateException or OperationCanceledException)
            {
                return false;
            }
        });
        JsonElement job = default;
        await UntilAsync($"{blob} is imported", async () =>
        {
            var jobs = (await api.GetAsync("api/imports")).GetProperty("items").EnumerateArray();
            job = jobs.FirstOrDefault(j => j.TryGetProperty("blob", out var b) && b.GetString()!.EndsWith(blob, StringComparison.Ordinal));
            return job.ValueKind == JsonValueKind.Object && State(job) is "completed" or "failed" or "cancelled";
        }, () => Task.FromResult(job.ToString()));
        if (State(job) != "completed" || job.GetProperty("rows").GetInt32() != rows || job.GetProperty("created").GetInt32() != rows || job.GetProperty("failed").GetInt32() != 0)
            throw new ViolationException($"The import of {blob} ended as {job}");
    }

    /// <summary>Customers and orders one by one, each acknowledged before the next.</summary>
    private async Task SinglesAsync()
    {
        for (var i = 0; i < Singles; i++)
        {
            var (customer, order, amount) = ($"S{i:0000}", $"P{i:0000}", 100 + (i * 10m));
            await api.PostAsync("api/customers", new { externalId = customer, firstName = $"Single {i}", email = $"single.{i}@example.com" });
            ExpectedCustomers[customer] = true;
            await api.PostAsync("api/orders", new { orderNumber = order, customer = new { externalId = customer }, amount, placedAt = "2026-05-05T05:05:05Z" });
            Expected[order] = (customer, amount);
            await Task.Delay(50);
        }
    }

    private static string Id(JsonElement item) => item.GetProperty("id").GetString()!;

    private static string? State(JsonElement item) => item.GetProperty("state").GetString();
}
