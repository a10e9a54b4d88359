using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Webhooks;

/// <summary>Deliveries, each in its subscription's partition.</summary>
public sealed class WebhookDeliveryStore(CosmosDatabase database)
{
    public static readonly ContainerDefinition Definition =
        new("webhooks", "/subscriptionId", ["/key/?", "/state/?", "/nextAt/?"], [], DefaultTtlSeconds: -1);

    /// <summary>Up to so many creations go as single requests: the bulk client would wait for others to join them.</summary>
    private const int FewWrites = 3;

    private readonly Container container = database.Container(Definition.Name);
    private readonly Container bulk = database.BulkContainer(Definition.Name);

    /// <summary>Creates what does not exist; what exists stays as it is.</summary>
    public Task CreateManyAsync(IReadOnlyCollection<WebhookDelivery> deliveries, CancellationToken cancellation)
    {
        var target = deliveries.Count > FewWrites ? bulk : container;
        return Task.WhenAll(deliveries.Select(async delivery =>
        {
            using var answer = await target.CreateItemStreamAsync(Serialize(delivery), Partition(delivery.SubscriptionId), cancellationToken: cancellation);
            if (target == bulk)
            {
                RequestCharges.Add(answer.Headers.RequestCharge);
            }

            if (answer.StatusCode != HttpStatusCode.Conflict)
            {
                answer.EnsureSuccessStatusCode();
            }
        }));
    }

    public async Task<Versioned<WebhookDelivery>?> ReadAsync(string subscriptionId, string id, CancellationToken cancellation)
    {
        using var answer = await container.ReadItemStreamAsync(id, Partition(subscriptionId), cancellationToken: cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        answer.EnsureSuccessStatusCode();
        return new((await JsonSerializer.DeserializeAsync<WebhookDelivery>(answer.Content, Json.Options, cancellation))!, answer.Headers.ETag);
    }

    /// <returns>False when someone else was faster, or it is gone.</returns>
    public async Task<bool> TryReplaceAsync(WebhookDelivery delivery, string etag, CancellationToken cancellation)
    {
        using var answer = await container.ReplaceItemStreamAsync(
            Serialize(delivery), delivery.Id, Partition(delivery.SubscriptionId), new() { IfMatchEtag = etag }, cancellation);
        if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return false;
        }

        answer.EnsureSuccessStatusCode();
        return true;
    }

    /// <summary>The log, newest first.</summary>
    /// <param name="before">The last key of the page before.</param>
    public Task<List<Versioned<WebhookDelivery>>> PageAsync(string subscriptionId, WebhookDeliveryState? state, string? before, int limit, CancellationToken cancellation)
    {
        var query = new QueryDefinition($"SELECT TOP {limit} * FROM c WHERE c.key < @before{(state is null ? "" : " AND c.state = @state")} ORDER BY c.key DESC")
            .WithParameter("@before", before ?? "\uffff").WithParameter("@state", state?.ToString().ToLowerInvariant());
        return QueryAsync(query, Partition(subscriptionId), cancellation);
    }

    /// <summary>What is to be replayed between two keys, oldest first.</summary>
    /// <param name="all">Also what was delivered.</param>
    public Task<List<Versioned<WebhookDelivery>>> ToReplayAsync(string subscriptionId, string after, string before, bool all, int limit, CancellationToken cancellation) =>
        QueryAsync(Between($"SELECT TOP {limit} * FROM c", after, before, all, " ORDER BY c.key"), Partition(subscriptionId), cancellation);

    public async Task<int> CountToReplayAsync(string subscriptionId, string after, string before, bool all, CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryIterator<int>(
            Between("SELECT VALUE COUNT(1) FROM c", after, before, all), requestOptions: new() { PartitionKey = Partition(subscriptionId) });
        var count = 0;
        while (pages.HasMoreResults)
        {
            count += (await pages.ReadNextAsync(cancellation)).Sum();
        }

        return count;
    }

    /// <summary>Pending ones, of all subscriptions, that should have been tried before this time.</summary>
    public Task<List<Versioned<WebhookDelivery>>> OverdueAsync(DateTimeOffset before, int limit, CancellationToken cancellation) => QueryAsync(
        new QueryDefinition($"SELECT TOP {limit} * FROM c WHERE c.state = 'pending' AND c.nextAt < @before").WithParameter("@before", UtcTimeConverter.Write(before)), null, cancellation);

    private static QueryDefinition Between(string select, string after, string before, bool all, string order = "") =>
        new QueryDefinition($"{select} WHERE c.key > @after AND c.key < @before{(all ? "" : " AND c.state != 'delivered'")}{order}")
            .WithParameter("@after", after).WithParameter("@before", before);

    private async Task<List<Versioned<WebhookDelivery>>> QueryAsync(QueryDefinition query, PartitionKey? partition, CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { PartitionKey = partition });
        var found = new List<Versioned<WebhookDelivery>>();
        while (pages.HasMoreResults)
        {
            found.AddRange(await CosmosPages.ReadAsync<WebhookDelivery>(pages, cancellation));
        }

        return found;
    }

    private static PartitionKey Partition(string subscriptionId) => new(subscriptionId);

    private static MemoryStream Serialize(WebhookDelivery delivery) => new(JsonSerializer.SerializeToUtf8Bytes(delivery, Json.Options));
}
