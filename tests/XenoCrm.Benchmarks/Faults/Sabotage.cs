using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Azure.Storage.Queues;
using Microsoft.Azure.Cosmos;
using XenoCrm.AppHost;
using XenoCrm.Customers;
using XenoCrm.Delivery;

namespace XenoCrm.Benchmarks.Faults;

/// <param name="Noticed">What a violation says that can only come of it.</param>
internal sealed record Damage(string What, string Noticed);

/// <summary>Damages the data of a run that has ended well, past the app, one of each kind that <see cref="FaultChecks"/> look for.</summary>
internal sealed class Sabotage(FaultySystem system, FaultJob job)
{
    public async Task<IReadOnlyList<Damage>> RunAsync()
    {
        using var client = new CosmosClient(system.Cosmos.ToString(), CosmosProcess.Key, new CosmosClientOptions { ConnectionMode = ConnectionMode.Gateway, LimitToEndpoint = true });
        var customers = client.GetContainer("xenocrm", CustomerStore.ContainerName);
        var deliveries = client.GetContainer("xenocrm", "deliveries");
        var damages = new List<Damage>();

        // Of different customers, so that each damage has its own trace.
        var tagged = await ItemsAsync(customers, "SELECT * FROM c WHERE c.type = 'customer' AND ARRAY_LENGTH(c.segmentIds) > 0 ORDER BY c.externalId");
        var orders = (await ItemsAsync(customers, "SELECT * FROM c WHERE c.type = 'order'")).ToLookup(o => Text(o, "customerId"));
        JsonObject OrderOf(int i) => orders[Text(tagged[i], "id")].First();

        var lost = OrderOf(0);
        await DeleteAsync(customers, lost, "customerId");
        damages.Add(new("an order is deleted", $"orders are missing or changed: {Text(lost, "orderNumber")}"));

        var twice = OrderOf(1);
        twice["customerId"] = Text(tagged[2], "id");
        await PutAsync(customers, twice, "customerId");
        damages.Add(new("an order is there twice", "1 orders are there more than once"));

        tagged[3]["totalSpend"] = tagged[3]["totalSpend"]!.GetValue<long>() + 1;
        await PutAsync(customers, tagged[3], "id");
        damages.Add(new("a customer's total is a cent more", $" {Text(tagged[3], "externalId")}"));

        tagged[4]["segmentIds"] = new JsonArray();
        await PutAsync(customers, tagged[4], "id");
        damages.Add(new("a tag is taken away", "1 members of the segment have no tag"));

        var untagged = (await ItemsAsync(customers, "SELECT * FROM c WHERE c.type = 'customer' AND c.externalId IN ('S0000', 'S0001')")).ToDictionary(c => Text(c, "externalId"));
        untagged["S0000"]["segmentIds"] = new JsonArray(job.SegmentId);
        await PutAsync(customers, untagged["S0000"], "id");
        damages.Add(new("somebody has a tag too many", "1 who are none have one"));

        await DeleteAsync(customers, untagged["S0001"], "id");
        damages.Add(new("a customer is deleted", "acknowledged customers are missing: S0001"));

        var batches = await ItemsAsync(deliveries, $"SELECT * FROM c WHERE c.campaignId = '{job.CampaignId}' AND IS_DEFINED(c.recipients)");
        batches[0]["recipients"]!.AsArray().First(r => (string?)r!["s"] == "delivered")!["s"] = "failed";
        await PutAsync(deliveries, batches[0], "id");
        damages.Add(new("a delivered message is called failed, and counted as before", "is failed, there delivered"));

        batches[0]["id"] = "orphan";
        batches[0]["campaignId"] = new string('0', 32);
        await PutAsync(deliveries, batches[0], "id");
        damages.Add(new("there is a batch of no campaign", "a batch of an unknown campaign"));

        var poison = new QueueClient(system.Storage, ReceiptInbox.Queue + "-poison", new QueueClientOptions { MessageEncoding = QueueMessageEncoding.Base64 });
        await poison.CreateIfNotExistsAsync();
        await poison.SendMessageAsync("not a receipt");
        damages.Add(new("receipts were given up", "1 runs or receipts were given up"));

        var forgotten = new QueueClient(system.Storage, "forgotten");
        await forgotten.CreateIfNotExistsAsync();
        await forgotten.SendMessageAsync("work");
        damages.Add(new("work is left in a queue", "the queues are drained. forgotten: 1"));

        await SendAsync("nobody.0.0");
        damages.Add(new("the vendor has a message that nobody ordered", "the vendor has messages of no campaign"));
        return damages;
    }

    /// <summary>The vendor is a chaotic one: it may have to be asked again.</summary>
    private async Task SendAsync(string id)
    {
        using var http = new HttpClient { BaseAddress = system.Vendor, Timeout = TimeSpan.FromSeconds(10) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", LocalSettings.Load().Required("Vendors__Generic__ApiKey"));
        await FaultJob.UntilAsync("the vendor takes a message", async () =>
        {
            try
            {
                using var answer = await http.PostAsJsonAsync("v1/messages", new { messages = new[] { new { id, channel = "email", to = "nobody@example.com", from = "shop@example.com", subject = "s", text = "t", html = "h" } } });
                return answer.IsSuccessStatusCode;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        });
    }

    private static async Task<List<JsonObject>> ItemsAsync(Container container, string query)
    {
        var items = new List<JsonObject>();
        using var pages = container.GetItemQueryStreamIterator(query);
        while (pages.HasMoreResults)
        {
            using var page = await pages.ReadNextAsync();
            var json = await JsonNode.ParseAsync(page.EnsureSuccessStatusCode().Content);
            items.AddRange(json!["Documents"]!.AsArray().Select(d => d!.DeepClone().AsObject()));
        }

        return items;
    }

    private static async Task PutAsync(Container container, JsonObject item, string key)
    {
        using var body = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(item));
        using var answer = await container.UpsertItemStreamAsync(body, new PartitionKey(Text(item, key)));
        answer.EnsureSuccessStatusCode();
    }

    private static async Task DeleteAsync(Container container, JsonObject item, string key)
    {
        using var answer = await container.DeleteItemStreamAsync(Text(item, "id"), new PartitionKey(Text(item, key)));
        answer.EnsureSuccessStatusCode();
    }

    private static string Text(JsonObject item, string name) => item[name]!.GetValue<string>();
}
