using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>An item of the container <c>identities</c>. What it means is told at <see cref="CustomerWriter"/>.</summary>
/// <param name="Id">The key.</param>
/// <param name="For">The ETag of the customer whose replacement the key was claimed for; null when it was claimed to create the customer.</param>
/// <param name="Past">Whose the key was when rows of imports were written, oldest first.</param>
/// <param name="Ttl">Seconds until a key that its customer no longer carries goes by itself.</param>
/// <param name="Erased">A tombstone: the person was erased, and nobody is ever created by this key again. It names no customer.</param>
internal sealed record Identity(
    string Id, string CustomerId, string? For, IReadOnlyList<PastOwner>? Past = null, int? Ttl = null, DateTimeOffset? Erased = null)
{
    public static Identity Tombstone(string key, DateTimeOffset at) => new(key, "", null, Erased: at);

    public (string Key, string CustomerId, string? For) Claim => (Id, CustomerId, For);

    /// <summary>The customers that the key may mean to rows of an import.</summary>
    public IEnumerable<string> Owners(string? import) =>
        Erased is not null ? [] : (Past ?? []).Where(p => p.Import == import).Select(p => p.CustomerId).Append(CustomerId);

    /// <summary>Whom the key meant to a row that was written before a crash, when a later row has since taken it away.</summary>
    public Versioned<Customer>? FormerOwner(IReadOnlyDictionary<string, CustomerSlot> slots, string? import, long row)
    {
        var past = Past?.FirstOrDefault(p => p.Import == import && row < p.BeforeRow);
        return slots.GetValueOrDefault(past?.CustomerId ?? CustomerId) is { Customer: { Import: { } mark } customer } slot
            && mark.Id == import && row < mark.DroppedAt(Id) ? new(customer, slot.ETag) : null;
    }
}

/// <summary>To rows of the import before this one the key meant this customer.</summary>
internal sealed record PastOwner(string Import, string CustomerId, long BeforeRow)
{
    /// <summary>A key that goes from hand to hand more often than this within one checkpoint is not a person's.</summary>
    public const int Max = 16;
}

/// <summary>Reads and writes of single keys. Which of them are allowed when is <see cref="CustomerWriter"/>'s.</summary>
internal sealed class IdentityStore(CosmosDatabase database)
{
    private readonly Container direct = database.Container(CustomerIdentities.ContainerName);
    private readonly Container bulk = database.BulkContainer(CustomerIdentities.ContainerName);

    /// <summary>Any number of keys, one request per thousand; unknown keys are not in the answer.</summary>
    public async Task<Dictionary<string, Versioned<Identity>>> ReadAsync(IReadOnlyCollection<string> keys, CancellationToken cancellation)
    {
        var found = new Dictionary<string, Versioned<Identity>>(keys.Count);
        foreach (var chunk in keys.Chunk(CustomerStore.ReadManyLimit))
        {
            using var answer = await direct.ReadManyItemsStreamAsync([.. chunk.Select(key => (key, new PartitionKey(key)))], cancellationToken: cancellation);
            foreach (var identity in await CosmosPages.ReadAsync<Identity>(answer, cancellation))
            {
                found[identity.Value.Id] = identity;
            }
        }

        return found;
    }

    /// <param name="etag">Of the item it takes the place of; null when there must be none.</param>
    /// <returns>False when the key is another's by now.</returns>
    public async Task<bool> TryClaimAsync(Identity identity, string? etag, bool inBulk, CancellationToken cancellation)
    {
        var container = inBulk ? bulk : direct;
        var partition = new PartitionKey(identity.Id);
        using var content = CustomerStore.Serialize(identity);
        using var answer = etag is null
            ? await container.CreateItemStreamAsync(content, partition, NoContent, cancellation)
            : await container.ReplaceItemStreamAsync(content, identity.Id, partition, new() { IfMatchEtag = etag, EnableContentResponseOnWrite = false }, cancellation);
        if (answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return false;
        }

        answer.EnsureSuccessStatusCode();
        return true;
    }

    /// <summary>
    /// Makes the keys tombstones, for good: whoever claims one under what was read before fails, and nothing here undoes it.
    /// A key that is another's by now stays theirs.
    /// </summary>
    /// <param name="owners">The customers that are erased.</param>
    /// <returns>The keys that are another's.</returns>
    public async Task<IReadOnlyList<string>> EraseAsync(
        IReadOnlyCollection<string> keys, IReadOnlySet<string> owners, Func<Identity, Task<bool>> isFree, DateTimeOffset at, CancellationToken cancellation)
    {
        var others = new List<string>();
        var left = keys.ToList();
        while (left.Count > 0)
        {
            var found = await ReadAsync(left, cancellation);
            foreach (var key in left.ToList())
            {
                var item = found.GetValueOrDefault(key);
                if (item is { Value.Erased: null } && !owners.Contains(item.Value.CustomerId) && !await isFree(item.Value))
                {
                    others.Add(key);
                }
                else if (item is { Value.Erased: null } or null && !await TryClaimAsync(Identity.Tombstone(key, at), item?.ETag, inBulk: false, cancellation))
                {
                    continue;
                }

                left.Remove(key);
            }
        }

        return others;
    }

    /// <summary>Lets a key that its customer no longer carries go in a while, unless someone has claimed it since it was read.</summary>
    public Task RetireAsync(Versioned<Identity> identity, CancellationToken cancellation) =>
        TryClaimAsync(identity.Value with { Ttl = RetiredSeconds }, identity.ETag, inBulk: false, cancellation);

    /// <summary>Deletes the key unless someone has claimed it since it was read.</summary>
    public async Task ReleaseAsync(Versioned<Identity> identity, CancellationToken cancellation)
    {
        using var answer = await direct.DeleteItemStreamAsync(
            identity.Value.Id, new PartitionKey(identity.Value.Id), new() { IfMatchEtag = identity.ETag }, cancellation);
        if (answer.StatusCode is not (HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound))
        {
            answer.EnsureSuccessStatusCode();
        }
    }

    /// <summary>Longer than an outage that an import would wait out.</summary>
    private const int RetiredSeconds = 30 * 24 * 3600;

    private static readonly ItemRequestOptions NoContent = new() { EnableContentResponseOnWrite = false };
}
