using Microsoft.Azure.Cosmos;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>Orders that count, of one group.</summary>
/// <param name="At">The beginning of the time at which they were placed, as long as it was asked for.</param>
/// <param name="Key">The category or the campaign; null: none was asked for, or they have none.</param>
/// <param name="Count">Orders; of a category, lines of orders.</param>
/// <param name="AfterClick">Of a campaign: orders after a click.</param>
/// <param name="Net">Minor units, less what was given back; of a category, what the lines cost.</param>
public sealed record OrderSum(string At, string? Key, string Currency, long Count, long AfterClick, long Net);

/// <param name="Net">Minor units, less what was given back.</param>
public sealed record PlacedOrder(string CustomerId, DateTimeOffset PlacedAt, string Currency, long Net);

/// <param name="Net">Minor units, less what was given back.</param>
public sealed record CreditedOrder(string CampaignId, string MessageId, CreditBasis Basis, string Currency, long Net);

/// <summary>
/// What the orders add up to, summed up where they are stored: from the orders as they are, so that refunds, deletions,
/// merges and orders that came late are in it. Cancelled and refunded orders do not count.
/// </summary>
public sealed class OrderFigures(CosmosDatabase database)
{
    /// <summary>The amounts are whole numbers and their sums below 2^53: exact, although the database counts in doubles.</summary>
    private const string Net = "c.amount - c.refunded";

    private const string Placed = "c.type = 'order' AND c.sortKey >= @from AND c.sortKey < @to AND c.status NOT IN ('cancelled', 'refunded')";
    private const string Counting = "c.type = 'order' AND c.status NOT IN ('cancelled', 'refunded')";

    private readonly Container container = database.Container(CustomerStore.ContainerName);

    private sealed record SumRow(string At, string? Key, string Currency, double Count, double? AfterClick, double Net);

    private sealed record LineRow(string At, string? Key, string Currency, decimal Quantity, long UnitPrice);

    /// <summary>Orders placed from one moment to before another.</summary>
    /// <param name="length">Of the time's text that tells groups apart: 10 days, 13 hours, 16 minutes.</param>
    public Task<IReadOnlyList<OrderSum>> ByTimeAsync(DateTimeOffset from, DateTimeOffset to, int length, CancellationToken cancellation) => SumAsync(
        $"SELECT LEFT(c.placedAt, {length}) AS at, c.currency AS currency, COUNT(1) AS count, SUM({Net}) AS net FROM c WHERE {Placed} GROUP BY LEFT(c.placedAt, {length}), c.currency",
        from, to, cancellation);

    /// <summary>As <see cref="ByTimeAsync"/>, those that are put down to a message.</summary>
    public Task<IReadOnlyList<OrderSum>> ByCampaignAsync(DateTimeOffset from, DateTimeOffset to, int length, CancellationToken cancellation) => SumAsync(
        $"SELECT LEFT(c.placedAt, {length}) AS at, c.credit.campaignId AS key, c.currency AS currency, COUNT(1) AS count, SUM(c.credit.basis = 'click' ? 1 : 0) AS afterClick, SUM({Net}) AS net "
        + $"FROM c WHERE {Placed} AND IS_DEFINED(c.credit.campaignId) GROUP BY LEFT(c.placedAt, {length}), c.credit.campaignId, c.currency",
        from, to, cancellation);

    /// <summary>As <see cref="ByTimeAsync"/>, their lines by category. Of an order refunded in part all lines count: which were given back is not known.</summary>
    public async Task<IReadOnlyList<OrderSum>> ByCategoryAsync(DateTimeOffset from, DateTimeOffset to, int length, CancellationToken cancellation)
    {
        // A line of two and a half metres is rounded half to even, in decimals: the database has neither.
        var whole = await SumAsync(
            $"SELECT LEFT(c.placedAt, {length}) AS at, i.category AS key, c.currency AS currency, COUNT(1) AS count, SUM(i.quantity * i.unitPrice) AS net "
            + $"FROM c JOIN i IN c.items WHERE {Placed} AND i.quantity = FLOOR(i.quantity) GROUP BY LEFT(c.placedAt, {length}), i.category, c.currency",
            from, to, cancellation);
        var sums = whole.ToList();
        await foreach (var line in QueryAsync<LineRow>(
            Between(
                $"SELECT LEFT(c.placedAt, {length}) AS at, i.category AS key, c.currency AS currency, i.quantity AS quantity, i.unitPrice AS unitPrice "
                + $"FROM c JOIN i IN c.items WHERE {Placed} AND i.quantity != FLOOR(i.quantity)",
                from, to),
            cancellation))
        {
            sums.Add(new(line.At, line.Key, line.Currency, 1, 0, new OrderItem("", null, line.Quantity, line.UnitPrice).Total()));
        }

        return sums;
    }

    /// <summary>All orders of these customers that count.</summary>
    public IAsyncEnumerable<PlacedOrder> OfCustomersAsync(IReadOnlyCollection<string> customerIds, CancellationToken cancellation) => QueryAsync<PlacedOrder>(
        new QueryDefinition($"SELECT c.customerId, c.placedAt, c.currency, {Net} AS net FROM c WHERE ARRAY_CONTAINS(@ids, c.customerId) AND {Counting}").WithParameter("@ids", customerIds), cancellation);

    /// <summary>All orders that are put down to messages of these campaigns.</summary>
    public IAsyncEnumerable<CreditedOrder> CreditedToAsync(IReadOnlyCollection<string> campaignIds, CancellationToken cancellation) => QueryAsync<CreditedOrder>(
        new QueryDefinition(
            $"SELECT c.credit.campaignId, c.credit.messageId, c.credit.basis, c.currency, {Net} AS net FROM c WHERE ARRAY_CONTAINS(@ids, c.credit.campaignId) AND {Counting}")
            .WithParameter("@ids", campaignIds),
        cancellation);

    private async Task<IReadOnlyList<OrderSum>> SumAsync(string sql, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation)
    {
        var sums = new List<OrderSum>();
        await foreach (var row in QueryAsync<SumRow>(Between(sql, from, to), cancellation))
        {
            sums.Add(new(row.At, row.Key, row.Currency, (long)row.Count, (long)(row.AfterClick ?? 0), (long)row.Net));
        }

        return sums;
    }

    private static QueryDefinition Between(string sql, DateTimeOffset from, DateTimeOffset to) =>
        new QueryDefinition(sql).WithParameter("@from", UtcTimeConverter.Write(from)).WithParameter("@to", UtcTimeConverter.Write(to));

    private async IAsyncEnumerable<T> QueryAsync<T>(QueryDefinition query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { MaxItemCount = 5000 });
        while (pages.HasMoreResults)
        {
            foreach (var row in await CosmosPages.ReadAsync<T>(pages, cancellation))
            {
                yield return row.Value;
            }
        }
    }
}
