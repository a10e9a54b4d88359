using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>An address that is never to be written to. The address is not in it, only its keyed hash, so that it outlives the customer's erasure.</summary>
/// <param name="Reason"><c>bounced</c>, <c>complained</c>, or what the caller said.</param>
/// <param name="Source">Who or what asked for it: a user's id, or a message id.</param>
public sealed record Suppression(string Id, Channel Channel, string Reason, DateTimeOffset At, string Source)
{
    /// <summary>The person was erased: this one is never taken back.</summary>
    public const string ErasedReason = "erased";
}

public static class SuppressionIds
{
    /// <summary>The id of the suppression of an address.</summary>
    public static string Hash(this AddressHasher hasher, Channel channel, string address)
    {
        // A device's token is exact; an address is one whatever its case. A complaint about SMS says nothing of WhatsApp.
        return hasher.Hash(channel.Name(), channel == Channel.Push ? address : address.Trim().ToLowerInvariant());
    }
}

public sealed class SuppressionStore(CosmosDatabase database)
{
    public static readonly ContainerDefinition Definition = new("suppressions", "/id", [], []);

    private const int FewWrites = 3;
    private readonly Container container = database.Container(Definition.Name);
    private readonly Container bulk = database.BulkContainer(Definition.Name);

    /// <summary>The reasons of those that are suppressed, by id, in one request per thousand.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReasonsAsync(IEnumerable<string> ids, CancellationToken cancellation)
    {
        var reasons = new Dictionary<string, string>();
        await CosmosPages.ReadManyAsync(
            container,
            [.. ids.Distinct()],
            1000,
            element =>
            {
                var found = element.Deserialize<Suppression>(Json.Options)!;
                reasons[found.Id] = found.Reason;
            },
            cancellation);
        return reasons;
    }

    /// <summary>The first reason stays: it is what the address was suppressed for.</summary>
    /// <returns>True when it is new.</returns>
    public Task<bool> AddAsync(Suppression suppression, CancellationToken cancellation) => AddAsync(container, suppression, cancellation);

    private static async Task<bool> AddAsync(Container target, Suppression suppression, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(suppression, Json.Options));
        using var answer = await target.CreateItemStreamAsync(stream, new PartitionKey(suppression.Id), cancellationToken: cancellation);
        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            return false;
        }

        answer.EnsureSuccessStatusCode();
        AuditTrail.Created(suppression.Id, suppression);
        return true;
    }

    /// <summary>Whatever the address was suppressed for before, now it is for good.</summary>
    public async Task EraseAsync(Suppression suppression, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(suppression, Json.Options));
        using var answer = await container.UpsertItemStreamAsync(stream, new PartitionKey(suppression.Id), cancellationToken: cancellation);
        answer.EnsureSuccessStatusCode();
    }

    public async Task<IReadOnlyList<Suppression>> ReadManyAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        if (ids.Count == 0)
        {
            return [];
        }

        using var answer = await container.ReadManyItemsStreamAsync([.. ids.Distinct().Select(id => (id, new PartitionKey(id)))], cancellationToken: cancellation);
        return [.. (await CosmosPages.ReadAsync<Suppression>(answer, cancellation)).Select(s => s.Value)];
    }

    /// <summary>As <see cref="AddAsync"/>, for many at once.</summary>
    public Task AddManyAsync(IReadOnlyCollection<Suppression> many, CancellationToken cancellation)
    {
        var target = many.Count > FewWrites ? bulk : container;
        return Task.WhenAll(many.Select(s => AddAsync(target, s, cancellation)));
    }

    public async Task<Suppression?> ReadAsync(string id, CancellationToken cancellation)
    {
        try
        {
            return (await container.ReadItemAsync<Suppression>(id, new PartitionKey(id), cancellationToken: cancellation)).Resource;
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <returns>False when there was none.</returns>
    /// <exception cref="Platform.Errors.ProblemException">The person was erased.</exception>
    public async Task<bool> RemoveAsync(string id, CancellationToken cancellation)
    {
        while (true)
        {
            using var read = await container.ReadItemStreamAsync(id, new PartitionKey(id), cancellationToken: cancellation);
            if (read.StatusCode == HttpStatusCode.NotFound)
            {
                return false;
            }

            read.EnsureSuccessStatusCode();
            var suppression = (await JsonSerializer.DeserializeAsync<Suppression>(read.Content, Json.Options, cancellation))!;
            if (suppression.Reason == Suppression.ErasedReason)
            {
                throw new CustomerErased().ToException();
            }

            // Under the ETag of what was looked at: it may become an erased one at this moment.
            using var answer = await container.DeleteItemStreamAsync(id, new PartitionKey(id), new() { IfMatchEtag = read.Headers.ETag }, cancellation);
            if (answer.StatusCode is not (HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound))
            {
                answer.EnsureSuccessStatusCode();
                AuditTrail.Changed(suppression, null);
                return true;
            }
        }
    }

    /// <summary>In the order of ids, which says nothing.</summary>
    public async Task<IReadOnlyList<Suppression>> PageAsync(string? after, int limit, CancellationToken cancellation)
    {
        var query = new QueryDefinition($"SELECT TOP {limit} * FROM c WHERE c.id > @after ORDER BY c.id").WithParameter("@after", after ?? "");
        using var pages = container.GetItemQueryStreamIterator(query);
        var items = new List<Suppression>(limit);
        while (pages.HasMoreResults && items.Count < limit)
        {
            items.AddRange((await CosmosPages.ReadAsync<Suppression>(pages, cancellation)).Select(s => s.Value));
        }

        return items;
    }
}
