using System.Net;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Platform.Idempotency;

/// <summary>A request with a key, from before its effect until 24 hours after its answer.</summary>
/// <param name="EffectId">What the effect must be made under, by whoever carries the request out.</param>
/// <param name="Path">Of the address; ids in it say whom the request is about.</param>
/// <param name="LeaseUntil">Until then somebody is carrying it out; after it anyone may.</param>
/// <param name="Sealed">The answer; null while there is none.</param>
public sealed record StoredRequest(
    string Id, string EffectId, string Fingerprint, string Path, DateTimeOffset LeaseUntil, string? Location = null, byte[]? Sealed = null);

/// <param name="Body">Null when it was too long to be kept.</param>
internal sealed record StoredAnswer(int Status, string? Location, string? ETag, string? ContentType, byte[]? Body);

/// <summary>The container <c>requests</c>.</summary>
public sealed class StoredRequests(CosmosDatabase database)
{
    public const string ContainerName = "requests";

    /// <summary>Items go 24 hours after their last write, which is the answer.</summary>
    public static readonly ContainerDefinition Definition = new(ContainerName, "/id", ["/path/?", "/location/?"], [], DefaultTtlSeconds: 24 * 60 * 60);

    private readonly Container container = database.Container(ContainerName);

    public async Task<Versioned<StoredRequest>?> ReadAsync(string id, CancellationToken cancellation)
    {
        try
        {
            var answer = await container.ReadItemAsync<StoredRequest>(id, new(id), cancellationToken: cancellation);
            return new(answer.Resource, answer.ETag);
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <returns>The ETag, or null when the key is known.</returns>
    public async Task<string?> TryCreateAsync(StoredRequest request, CancellationToken cancellation)
    {
        try
        {
            return (await container.CreateItemAsync(request, new(request.Id), cancellationToken: cancellation)).ETag;
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.Conflict)
        {
            return null;
        }
    }

    /// <returns>The new ETag, or null when somebody else was faster.</returns>
    public async Task<string?> TryReplaceAsync(StoredRequest request, string etag, CancellationToken cancellation)
    {
        try
        {
            return (await container.ReplaceItemAsync(request, request.Id, new(request.Id), new() { IfMatchEtag = etag }, cancellation)).ETag;
        }
        catch (CosmosException exception) when (exception.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    public async Task DeleteAsync(string id, string? etag, CancellationToken cancellation)
    {
        using var answer = await container.DeleteItemStreamAsync(id, new(id), etag is null ? null : new() { IfMatchEtag = etag }, cancellation);
        if (answer.StatusCode is not (HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound))
        {
            answer.EnsureSuccessStatusCode();
        }
    }

    /// <summary>Removes the answers of requests about somebody, where they are addressed or made.</summary>
    public async Task ForgetAsync(string id, CancellationToken cancellation)
    {
        var query = new QueryDefinition("SELECT c.id FROM c WHERE CONTAINS(c.path, @id) OR CONTAINS(c.location, @id)").WithParameter("@id", id);
        using var pages = container.GetItemQueryIterator<Found>(query);
        while (pages.HasMoreResults)
        {
            foreach (var found in await pages.ReadNextAsync(cancellation))
            {
                await DeleteAsync(found.Id, null, cancellation);
            }
        }
    }

    private sealed record Found(string Id);
}
