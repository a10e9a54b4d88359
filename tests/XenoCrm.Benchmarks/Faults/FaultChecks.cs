using System.Globalization;
using System.Text.Json;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>What must hold when everything is over, asked of the API, the vendor's own record, the database and the queues.</summary>
/// <param name="patience">For the queues to be drained.</param>
internal sealed class FaultChecks(FaultySystem system, PatientClient api, FaultJob job, TimeSpan patience)
{
    private readonly List<string> _violations = [];

    public async Task<IReadOnlyList<string>> RunAsync()
    {
        Dictionary<string, (int Orders, decimal Spend)> spend = [];
        await CheckAsync(DrainedAsync);
        await CheckAsync(ToldAsync);
        await CheckAsync(GivenUpAsync);
        await CheckAsync(async () => spend = await OrdersAsync());
        await CheckAsync(() => CustomersAsync(spend));
        await CheckAsync(() => SegmentAsync(spend));
        await CheckAsync(LedgerAsync);
        await CheckAsync(BatchesAsync);
        return _violations;
    }

    /// <summary>What cannot be checked is a violation, and hides no other.</summary>
    private async Task CheckAsync(Func<Task> check)
    {
        try
        {
            await check();
        }
        catch (Exception e)
        {
            _violations.Add(e is ViolationException ? e.Message : e.ToString());
        }
    }

    /// <summary>Nothing waits to be done now.</summary>
    private async Task DrainedAsync()
    {
        var service = new QueueServiceClient(system.Storage);
        var waiting = new List<string>();
        await FaultJob.UntilAsync("the queues are drained", async () =>
        {
            waiting.Clear();
            await foreach (QueueItem queue in service.GetQueuesAsync())
            {
                // What is to be done later (the clock of a segment) is not visible, and not meant.
                if ((await service.GetQueueClient(queue.Name).PeekMessagesAsync(32)).Value is { Length: > 0 } messages)
                    waiting.Add($"{queue.Name}: {messages.Length}");
            }

            return waiting.Count == 0 || waiting.TrueForAll(w => w.Contains("-poison", StringComparison.Ordinal));
        }, () => Task.FromResult(string.Join(", ", waiting)), patience);
        _violations.AddRange(waiting.Select(w => $"given up: {w}"));
    }

    /// <summary>What became of a message is written to its customer by a timer, not by a queue alone.</summary>
    private async Task ToldAsync()
    {
        using var client = Database();
        var untold = 0;
        await FaultJob.UntilAsync("the customers are told of their messages", async () =>
        {
            using var query = client.GetContainer("xenocrm", "deliveries").GetItemQueryIterator<int>("SELECT VALUE COUNT(1) FROM c WHERE c.unrecorded = true");
            return (untold = (await query.ReadNextAsync()).Single()) == 0;
        }, () => Task.FromResult($"{untold} batches"), patience);
    }

    private async Task GivenUpAsync()
    {
        if ((await api.GetAsync("api/delivery/poison")).GetProperty("items").GetArrayLength() is > 0 and var poison)
            _violations.Add($"{poison} runs or receipts were given up");
    }

    /// <returns>External id → orders and spend, recomputed from the orders that are stored.</returns>
    private async Task<Dictionary<string, (int Orders, decimal Spend)>> OrdersAsync()
    {
        var orders = await api.CsvAsync("api/orders/export");
        var doubled = orders.GroupBy(o => o["orderNumber"]).Count(g => g.Count() > 1);
        Violated(doubled > 0, $"{doubled} orders are there more than once");
        var found = orders.DistinctBy(o => o["orderNumber"]).ToDictionary(o => o["orderNumber"], o => (o["customer.externalId"], Number(o["amount"])));
        var wrong = job.Expected.Where(e => found.GetValueOrDefault(e.Key) != e.Value).Select(e => e.Key).ToList();
        Violated(wrong.Count > 0, $"{wrong.Count} acknowledged orders are missing or changed: {string.Join(", ", wrong.Take(5))}");
        Violated(found.Count != job.Expected.Count, $"{found.Count} orders instead of {job.Expected.Count}");
        return found.Values.GroupBy(o => o.Item1).ToDictionary(g => g.Key, g => (g.Count(), g.Sum(o => o.Item2)));
    }

    private async Task CustomersAsync(Dictionary<string, (int Orders, decimal Spend)> spend)
    {
        var customers = await api.CsvAsync("api/customers/export");
        var doubled = customers.GroupBy(c => c["externalId"]).Count(g => g.Count() > 1);
        Violated(doubled > 0, $"{doubled} customers are there more than once");
        var missing = job.ExpectedCustomers.Keys.Except(customers.Select(c => c["externalId"])).ToList();
        Violated(missing.Count > 0, $"{missing.Count} acknowledged customers are missing: {string.Join(", ", missing.Take(5))}");
        Violated(customers.Count != job.ExpectedCustomers.Count, $"{customers.Count} customers instead of {job.ExpectedCustomers.Count}");
        var wrong = customers.Where(c => (int.Parse(c["orderCount"], CultureInfo.InvariantCulture), Number(c["totalSpend"])) != spend.GetValueOrDefault(c["externalId"])).ToList();
        Violated(wrong.Count > 0, $"{wrong.Count} customers have other totals than their orders: {string.Join(", ", wrong.Take(5).Select(c => c["externalId"]))}");
    }

    /// <summary>Tags of customers against the rule worked out here, and by the database.</summary>
    private async Task SegmentAsync(Dictionary<string, (int Orders, decimal Spend)> spend)
    {
        var should = spend.Where(s => s.Value.Spend > FaultJob.SegmentSpend).Select(s => s.Key).ToHashSet();
        var tagged = (await api.CsvAsync("api/customers/export")).Where(c => c["segmentIds"].Contains(job.SegmentId, StringComparison.Ordinal)).Select(c => c["externalId"]).ToHashSet();
        Violated(!should.SetEquals(tagged), $"{should.Except(tagged).Count()} members of the segment have no tag, {tagged.Except(should).Count()} who are none have one");
        var rule = new { combinator = "and", rules = new[] { new { field = "totalSpend", @operator = ">", value = FaultJob.SegmentSpend } } };
        var count = (await api.PostAsync("api/segments/preview", new { rule })).GetProperty("count").GetInt32();
        Violated(count != should.Count, $"the preview counts {count} members instead of {should.Count}");
    }

    private async Task LedgerAsync()
    {
        var stats = await job.StatsAsync();
        int Count(string name) => stats.GetProperty(name).GetInt32();
        Violated(Count("audience") != Count("delivered") + Count("failed") + Count("suppressed") + Count("skipped") + Count("pending"), $"the ledger does not balance: {stats}");
        using var http = new HttpClient { BaseAddress = system.Vendor };
        var record = new List<JsonElement>();
        using (var reader = new StreamReader(await http.GetStreamAsync("v1/audit/messages")))
        {
            while (await reader.ReadLineAsync() is { } line)
                record.Add(JsonDocument.Parse(line).RootElement);
        }

        var twice = record.Count(m => m.GetProperty("carried").GetInt32() > 1);
        Violated(twice > 0, $"{twice} messages were carried more than once");
        Violated(record.Exists(m => !m.GetProperty("id").GetString()!.StartsWith(job.CampaignId + ".", StringComparison.Ordinal)), "the vendor has messages of no campaign");
        Compare("sent", record.Count);
        Compare("delivered", record.Count(m => m.GetProperty("status").GetString() == "delivered"));
        Compare("failed", record.Count(m => m.GetProperty("status").GetString() is "failed" or "rejected"));
        var campaigns = (await api.GetAsync("api/campaigns")).GetProperty("items").EnumerateArray().Count(c => c.GetProperty("name").GetString() == job.CampaignName);
        Violated(campaigns != 1, $"{campaigns} campaigns were made of one");
        await MessagesAsync(record);
        void Compare(string what, int theirs) => Violated(Count(what) != theirs, $"{what}: {Count(what)} in the ledger, {theirs} on the vendor's record");
    }

    /// <summary>Message by message: the ledger says of each that was sent what the vendor says of it, and of nobody's twice.</summary>
    private async Task MessagesAsync(List<JsonElement> record)
    {
        var messages = await api.ListAsync($"api/campaigns/{job.CampaignId}/messages");
        Violated(messages.DistinctBy(m => m.GetProperty("customerId").GetString()).Count() != messages.Count, "a customer has two messages of the campaign");
        var ours = messages.Where(m => m.TryGetProperty("sentAt", out var at) && at.ValueKind == JsonValueKind.String)
            .ToDictionary(m => m.GetProperty("messageId").GetString()!, m => m.GetProperty("status").GetString());
        var theirs = record.ToDictionary(m => m.GetProperty("id").GetString()!, m => m.GetProperty("status").GetString());
        var differ = ours.Keys.Union(theirs.Keys).Where(id => ours.GetValueOrDefault(id) != theirs.GetValueOrDefault(id)).ToList();
        Violated(differ.Count > 0, $"{differ.Count} messages are not what the vendor's record says: {string.Join(", ", differ.Take(5).Select(id => $"{id} is {ours.GetValueOrDefault(id) ?? "not sent"}, there {theirs.GetValueOrDefault(id) ?? "unknown"}"))}");
    }

    /// <summary>Batches without gaps, each recipient in one of them, nothing left to send or to record.</summary>
    private async Task BatchesAsync()
    {
        using var client = Database();
        var query = client.GetContainer("xenocrm", "deliveries").GetItemQueryStreamIterator("SELECT c.campaignId, c.number, c.state, c.recipients FROM c");
        var (numbers, recipients) = (new List<int>(), new List<string>());
        while (query.HasMoreResults)
        {
            using var page = await query.ReadNextAsync();
            using var json = await JsonDocument.ParseAsync(page.EnsureSuccessStatusCode().Content);
            foreach (var batch in json.RootElement.GetProperty("Documents").EnumerateArray())
            {
                if (!batch.TryGetProperty("campaignId", out var campaign))
                    continue; // not a batch
                Violated(campaign.GetString() != job.CampaignId, $"a batch of an unknown campaign {campaign}");
                Violated(batch.GetProperty("state").GetString() != "sent", $"batch {batch.GetProperty("number")} is {batch.GetProperty("state")}");
                numbers.Add(batch.GetProperty("number").GetInt32());
                recipients.AddRange(batch.GetProperty("recipients").EnumerateArray().Select(r => r.GetProperty("c").GetString()!));
            }
        }

        Violated(!numbers.Order().SequenceEqual(Enumerable.Range(0, numbers.Count)), $"the batches are {string.Join(", ", numbers.Order())}");
        var audience = (await job.StatsAsync()).GetProperty("audience").GetInt32();
        Violated(recipients.Count != audience, $"{recipients.Count} recipients in batches, {audience} in the ledger");
        Violated(recipients.Distinct().Count() != recipients.Count, "somebody is in two places of the audience");
    }

    private CosmosClient Database() => new(system.Cosmos.ToString(), CosmosProcess.Key, new CosmosClientOptions { ConnectionMode = ConnectionMode.Gateway, LimitToEndpoint = true });

    private void Violated(bool violated, string what)
    {
        if (violated)
            _violations.Add(what);
    }

    private static decimal Number(string text) => text.Length == 0 ? 0 : decimal.Parse(text, CultureInfo.InvariantCulture);
}
