using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <param name="At">The beginning of the time of their creation, as long as it was asked for.</param>
public sealed record NewCustomers(string At, long Count);

/// <summary>What the customers add up to, counted where they are stored.</summary>
public sealed class CustomerFigures(CosmosDatabase database)
{
    private readonly Container container = database.Container(CustomerStore.ContainerName);

    /// <summary>Customers created from one moment to before another.</summary>
    /// <param name="length">Of the time's text that tells groups apart: 10 days, 13 hours, 16 minutes.</param>
    public async Task<IReadOnlyList<NewCustomers>> NewAsync(DateTimeOffset from, DateTimeOffset to, int length, CancellationToken cancellation)
    {
        var query = Between(
            $"SELECT LEFT(c.createdAt, {length}) AS at, COUNT(1) AS count FROM c WHERE c.type = 'customer' AND c.createdAt >= @from AND c.createdAt < @to GROUP BY LEFT(c.createdAt, {length})",
            from, to);
        var rows = new List<NewCustomers>();
        await foreach (var some in PagesAsync<NewCustomers>(query, 5000, cancellation))
        {
            rows.AddRange(some);
        }

        return rows;
    }

    /// <summary>Customers whose first order that counts was placed from one moment to before another; in no particular order.</summary>
    public IAsyncEnumerable<IReadOnlyList<string>> FirstOrderedAsync(DateTimeOffset from, DateTimeOffset to, int pageSize, CancellationToken cancellation) => PagesAsync<string>(
        Between("SELECT VALUE c.id FROM c WHERE c.type = 'customer' AND c.firstOrderAt >= @from AND c.firstOrderAt < @to", from, to), pageSize, cancellation);

    private static QueryDefinition Between(string sql, DateTimeOffset from, DateTimeOffset to) =>
        new QueryDefinition(sql).WithParameter("@from", UtcTimeConverter.Write(from)).WithParameter("@to", UtcTimeConverter.Write(to));

    private async IAsyncEnumerable<IReadOnlyList<T>> PagesAsync<T>(
        QueryDefinition query, int pageSize, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { MaxItemCount = pageSize });
        while (pages.HasMoreResults)
        {
            yield return [.. (await CosmosPages.ReadAsync<T>(pages, cancellation)).Select(r => r.Value)];
        }
    }
}
