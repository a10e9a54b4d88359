using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Cosmos;

/// <summary>A small document that is kept with others of its kind in the container <c>workspace</c>.</summary>
public interface IWorkspaceItem
{
    string Id { get; }

    /// <summary>The partition key: <c>segment</c>, <c>campaign</c>, …</summary>
    string Kind { get; }
}

/// <summary>A value as it was read, and the ETag that a conditional write needs.</summary>
public sealed record Versioned<T>(T Value, string ETag);

public static class Workspace
{
    public const string ContainerName = "workspace";

    public static readonly ContainerDefinition Definition = new(
        ContainerName, "/kind", ["/name/?", "/state/?", "/email/?", "/createdAt/?", "/unannounced/?"], [], DefaultTtlSeconds: -1);
}

/// <summary>Few and small documents of one kind: settings, definitions, jobs. One partition per kind.</summary>
/// <param name="isAudited">What a request changes of them is told to the <see cref="AuditTrail"/>: for what people or keys make, not for what the service notes beside it.</param>
public sealed class WorkspaceStore<T>(CosmosDatabase database, string kind, bool isAudited = false)
    where T : class, IWorkspaceItem
{
    private readonly Container container = database.Container(Workspace.ContainerName);
    private readonly PartitionKey partition = new(kind);

    public async Task<Versioned<T>?> ReadAsync(string id, CancellationToken cancellation)
    {
        if (!Ids.CanBe(id))
        {
            return null;
        }

        try
        {
            var answer = await container.ReadItemAsync<T>(id, partition, cancellationToken: cancellation);
            if (isAudited)
            {
                AuditTrail.Read(id, answer.Resource);
            }

            return new(answer.Resource, answer.ETag);
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <returns>The new ETag, or null when the id exists already.</returns>
    public async Task<string?> TryCreateAsync(T item, CancellationToken cancellation)
    {
        try
        {
            var etag = (await container.CreateItemAsync(item, partition, cancellationToken: cancellation)).ETag;
            NoteCreated(item);
            return etag;
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.Conflict)
        {
            return null;
        }
    }

    /// <summary>Creates the item; if it is there, an earlier try of the same request has created it, and it is what this one made.</summary>
    public async Task<Versioned<T>> CreateOnceAsync(T item, CancellationToken cancellation)
    {
        if (await TryCreateAsync(item, cancellation) is { } etag)
        {
            return new(item, etag);
        }

        var there = await ReadAsync(item.Id, cancellation) ?? throw new InvalidOperationException("What was just created is gone.");
        NoteCreated(there.Value);
        return there;
    }

    /// <summary>Replaces what was read under <paramref name="etag"/>.</summary>
    /// <returns>The new ETag, or null when someone else was faster or the item is gone.</returns>
    public async Task<string?> TryReplaceAsync(T item, string etag, CancellationToken cancellation)
    {
        try
        {
            var replaced = (await container.ReplaceItemAsync(item, item.Id, partition, new() { IfMatchEtag = etag }, cancellation)).ETag;
            if (isAudited)
            {
                AuditTrail.Replaced(item.Id, item);
            }

            return replaced;
        }
        catch (CosmosException exception) when (exception.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Replaces under a caller's If-Match: stale is 412.</summary>
    public async Task<string> ReplaceAsync(T item, string etag, CancellationToken cancellation) =>
        await TryReplaceAsync(item, etag, cancellation) ?? throw new ETagStale().ToException();

    /// <returns>False when there was nothing to delete.</returns>
    public async Task<bool> DeleteAsync(string id, string? etag, CancellationToken cancellation)
    {
        if (isAudited && AuditTrail.Wants<T>(id))
        {
            await ReadAsync(id, cancellation);
        }

        try
        {
            await container.DeleteItemAsync<T>(id, partition, etag is null or "*" ? null : new() { IfMatchEtag = etag }, cancellation);
            if (isAudited)
            {
                AuditTrail.Deleted<T>(id);
            }

            return true;
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            throw new ETagStale().ToException();
        }
    }

    /// <summary>
    /// Reads, changes and writes until no one interferes. <paramref name="change"/> may run several times and returns
    /// null to leave the item as it is.
    /// </summary>
    /// <returns>What is stored afterwards, or null when the item does not exist.</returns>
    public async Task<Versioned<T>?> UpdateAsync(string id, Func<T, T?> change, CancellationToken cancellation)
    {
        while (true)
        {
            if (await ReadAsync(id, cancellation) is not { } current)
            {
                return null;
            }

            if (change(current.Value) is not { } changed)
            {
                return current;
            }

            if (await TryReplaceAsync(changed, current.ETag, cancellation) is { } etag)
            {
                return new(changed, etag);
            }
        }
    }

    private void NoteCreated(T item)
    {
        if (isAudited)
        {
            AuditTrail.Created(item.Id, item);
        }
    }

    /// <summary>Everything of this kind, in no particular order.</summary>
    public async IAsyncEnumerable<Versioned<T>> AllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var item in QueryAsync(new QueryDefinition("SELECT * FROM c"), cancellation))
        {
            yield return item;
        }
    }

    /// <summary>A query over this kind that selects whole items (<c>SELECT * FROM c …</c>).</summary>
    public async IAsyncEnumerable<Versioned<T>> QueryAsync(QueryDefinition query, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { PartitionKey = partition });
        while (pages.HasMoreResults)
        {
            foreach (var item in await CosmosPages.ReadAsync<T>(pages, cancellation))
            {
                yield return item;
            }
        }
    }

    /// <summary>One page, newest id first; <paramref name="before"/> is the last id of the page before.</summary>
    public async Task<IReadOnlyList<Versioned<T>>> PageAsync(string? before, int limit, CancellationToken cancellation)
    {
        var query = new QueryDefinition($"SELECT TOP {limit} * FROM c WHERE c.id < @before ORDER BY c.id DESC").WithParameter("@before", before ?? "\uffff");
        var items = new List<Versioned<T>>(limit);
        await foreach (var item in QueryAsync(query, cancellation))
        {
            items.Add(item);
        }

        return items;
    }
}
