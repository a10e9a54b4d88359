using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>An item of the container <c>identities</c>. What it means is told at <see cref="CustomerWriter"/>.</summary>
/// <param name="Id">The key.</param>
/// <param name="For">The ETag of the customer whose replacement the key was claimed for; null when it was claimed to create the customer.</param>
/// <param name="Erased">A tombstone: the person was erased, and nobody is ever created by this key again. It names no customer.</param>
internal sealed record Identity(string Id, string CustomerId, string? For, DateTimeOffset? Erased = null)
{
    public static Identity Tombstone(string key, DateTimeOffset at) => new(key, "", null, Erased: at);

    public (string Key, string CustomerId, string? For) Claim => (Id, CustomerId, For);
}

/// <summary>Reads and writes of single keys. Which of them are allowed when is <see cref="CustomerWriter"/>'s.</summary>
internal sealed class IdentityStore(CosmosDatabase database)
{
    private readonly Container direct = database.Container(CustomerIdentities.ContainerName);
    private readonly Container bulk = database.BulkContainer(CustomerIdentities.ContainerName);

    /// <summary>The query has 90 KB then, of the 512 that the service takes.</summary>
    private const int ReadAtOnce = 3000;

    /// <summary>Any number of keys; unknown keys are not in the answer.</summary>
    public async Task<Dictionary<string, Versioned<Identity>>> ReadAsync(IReadOnlyCollection<string> keys, CancellationToken cancellation)
    {
        var found = new Dictionary<string, Versioned<Identity>>(keys.Count);
        await CosmosPages.ReadManyAsync(
            direct, keys, ReadAtOnce, element => found[element.GetProperty("id").GetString()!] = new(element.Deserialize<Identity>(Json.Options)!, element.GetProperty("_etag").GetString()!), cancellation);
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

    /// <summary>Deletes the key unless someone has claimed it since it was read.</summary>
    public async Task ReleaseAsync(Versioned<Identity> identity, bool inBulk, CancellationToken cancellation)
    {
        using var answer = await (inBulk ? bulk : direct).DeleteItemStreamAsync(
            identity.Value.Id, new PartitionKey(identity.Value.Id), new() { IfMatchEtag = identity.ETag }, cancellation);
        if (answer.StatusCode is not (HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound))
        {
            answer.EnsureSuccessStatusCode();
        }
    }

    private static readonly ItemRequestOptions NoContent = new() { EnableContentResponseOnWrite = false };
}
