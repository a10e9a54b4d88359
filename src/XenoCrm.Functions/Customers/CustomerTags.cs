using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>What is derived about a customer, as it shall be, under the ETag of what it was derived from.</summary>
/// <param name="Rfm">Null leaves the scores as they are.</param>
public sealed record TagChange(string Id, string ETag, IReadOnlyList<string> SegmentIds, RfmChange? Rfm = null);

/// <param name="Scores">Null removes them.</param>
public sealed record RfmChange(Rfm? Scores);

/// <summary>A customer's tags as they were read.</summary>
public sealed record TaggedCustomer(string Id, IReadOnlyList<string>? SegmentIds);

/// <summary>The figures that scores come from.</summary>
public sealed record ScoredCustomer(string Id, int OrderCount, long TotalSpend, DateTimeOffset? LastOrderAt, Rfm? Rfm);

/// <summary>
/// For jobs that go over all customers: reads the few members that such a job needs (a tenth of a customer), and writes only
/// what is derived, by patches of up to a hundred per request, each under its ETag, so that no write is ever undone.
/// </summary>
public sealed class CustomerTags(CosmosDatabase database)
{
    private const string HasScores = "c.type = 'customer' AND (c.orderCount > 0 OR IS_DEFINED(c.rfm))";

    private readonly Container container = database.Container(CustomerStore.ContainerName);

    /// <summary>As <see cref="CustomerStore.PageAsync"/>, only the tags.</summary>
    public Task<List<Versioned<TaggedCustomer>>> PageAsync(CustomerFilter filter, string? afterId, int limit, CancellationToken cancellation) =>
        ReadAsync<TaggedCustomer>(
            filter.ToQuery($"SELECT TOP {limit} c.id, c._etag, c.segmentIds FROM c WHERE c.id > @after AND {{0}} ORDER BY c.id", afterId ?? ""), limit, cancellation);

    /// <summary>The lowest value of a path among some customers; null when there is none.</summary>
    public async Task<string?> LowestAsync(CustomerFilter filter, string path, CancellationToken cancellation) =>
        (await ReadAsync<string>(filter.ToQuery($"SELECT TOP 1 VALUE {path} FROM c WHERE {{0}} ORDER BY {path}"), 1, cancellation)).FirstOrDefault()?.Value;

    public async Task<bool> AnyAsync(CustomerFilter filter, CancellationToken cancellation) =>
        (await ReadAsync<string>(filter.ToQuery("SELECT TOP 1 VALUE c.id FROM c WHERE {0}"), 1, cancellation)).Count > 0;

    /// <summary>Customers with orders or scores, by id.</summary>
    public Task<List<Versioned<ScoredCustomer>>> PageScoredAsync(string? afterId, int limit, CancellationToken cancellation) =>
        ReadAsync<ScoredCustomer>(
            new QueryDefinition($"SELECT TOP {limit} c.id, c.orderCount, c.totalSpend, c.lastOrderAt, c.rfm FROM c WHERE c.id > @after AND {HasScores} ORDER BY c.id")
                .WithParameter("@after", afterId ?? ""),
            limit, cancellation);

    /// <summary>The total spend of customers with orders, from one amount to below another; in no particular order.</summary>
    public async IAsyncEnumerable<long> SpendsAsync(long from, long below, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var query = new QueryDefinition("SELECT VALUE c.totalSpend FROM c WHERE c.type = 'customer' AND c.orderCount > 0 AND c.totalSpend >= @from AND c.totalSpend < @below")
            .WithParameter("@from", from).WithParameter("@below", below);
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { MaxItemCount = 5000 });
        while (pages.HasMoreResults)
        {
            foreach (var spend in await CosmosPages.ReadAsync<long>(pages, cancellation))
            {
                yield return spend.Value;
            }
        }
    }

    /// <returns>The ids of those that someone else changed or removed meanwhile.</returns>
    public async Task<IReadOnlyList<string>> WriteAsync(IReadOnlyCollection<TagChange> changes, CancellationToken cancellation)
    {
        // A group that never fills would wait 100 ms for nothing.
        var to = changes.Count > 20 ? database.BulkContainer(CustomerStore.ContainerName) : container;
        var kept = await Task.WhenAll(changes.Select(async change =>
        {
            using var answer = await to.PatchItemStreamAsync(
                change.Id, new PartitionKey(change.Id), Operations(change), new() { IfMatchEtag = change.ETag, EnableContentResponseOnWrite = false }, cancellation);
            if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
            {
                return change.Id;
            }

            answer.EnsureSuccessStatusCode();
            return null;
        }));
        return [.. kept.OfType<string>()];
    }

    private static PatchOperation[] Operations(TagChange change)
    {
        var tags = PatchOperation.Set("/segmentIds", change.SegmentIds);
        return change.Rfm switch
        {
            null => [tags],
            { Scores: null } => [tags, PatchOperation.Remove("/rfm")],
            { Scores: { } scores } => [tags, PatchOperation.Set("/rfm", scores)],
        };
    }

    private async Task<List<Versioned<T>>> ReadAsync<T>(QueryDefinition query, int limit, CancellationToken cancellation)
    {
        var page = new List<Versioned<T>>(limit);
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { MaxItemCount = limit });
        while (pages.HasMoreResults)
        {
            page.AddRange(await CosmosPages.ReadAsync<T>(pages, cancellation));
        }

        return page;
    }
}
