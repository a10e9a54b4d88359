using Microsoft.Azure.Cosmos;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>Orders that a message brought, less what was given back; cancelled and refunded ones are not in it.</summary>
/// <param name="Revenue">Minor units by currency.</param>
public sealed record MessageOrders(int Orders, int AfterClick, IReadOnlyDictionary<string, long> Revenue)
{
    public static readonly MessageOrders None = new(0, 0, new Dictionary<string, long>());

    public MessageOrders Add(MessageOrders other) => Sum([this, other]);

    public static MessageOrders Sum(IEnumerable<MessageOrders> some)
    {
        var (orders, afterClick, revenue) = (0, 0, new Dictionary<string, long>());
        foreach (var one in some)
        {
            orders += one.Orders;
            afterClick += one.AfterClick;
            foreach (var (currency, amount) in one.Revenue)
            {
                revenue[currency] = revenue.GetValueOrDefault(currency) + amount;
            }
        }

        return new(orders, afterClick, revenue);
    }
}

/// <summary>What the orders say of a campaign. Orders of customers that were deleted or erased are gone from it with them.</summary>
public sealed class CampaignOrders(CosmosDatabase database)
{
    private const string Counting = "c.type = 'order' AND c.status NOT IN ('cancelled', 'refunded')";

    private readonly Container container = database.Container(CustomerStore.ContainerName);

    private sealed record CreditRow(string MessageId, CreditBasis Basis, string Currency, long Amount, long Refunded);

    private sealed record ExposureRow(IReadOnlyList<Exposure> Compared, string Currency, long Amount, long Refunded);

    /// <summary>By message: orders that are put down to it.</summary>
    public async Task<IReadOnlyDictionary<string, MessageOrders>> CreditedAsync(string campaignId, CancellationToken cancellation)
    {
        var found = new Dictionary<string, MessageOrders>();
        await foreach (var row in QueryAsync<CreditRow>(
            $"SELECT c.credit.messageId, c.credit.basis, c.currency, c.amount, c.refunded FROM c WHERE c.credit.campaignId = @campaign AND {Counting}", campaignId, cancellation))
        {
            Add(found, row.MessageId, new(1, row.Basis == CreditBasis.Click ? 1 : 0, new Dictionary<string, long> { [row.Currency] = row.Amount - row.Refunded }));
        }

        return found;
    }

    private sealed record VariantRow(string MessageId, string? Variant);

    /// <summary>By the name of the variant: how many messages brought orders.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ConvertedAsync(string campaignId, CancellationToken cancellation)
    {
        var found = new Dictionary<string, string>();
        await foreach (var row in QueryAsync<VariantRow>($"SELECT c.credit.messageId, c.credit.variant FROM c WHERE c.credit.campaignId = @campaign AND {Counting}", campaignId, cancellation))
        {
            found[row.MessageId] = row.Variant ?? "";
        }

        return found.Values.CountBy(v => v).ToDictionary();
    }

    /// <summary>By message, of both groups: orders within the window after it was sent, or held out, whatever they are put down to.</summary>
    public async Task<(IReadOnlyDictionary<string, MessageOrders> Sent, IReadOnlyDictionary<string, MessageOrders> HeldOut)> ComparedAsync(string campaignId, CancellationToken cancellation)
    {
        var (sent, heldOut) = (new Dictionary<string, MessageOrders>(), new Dictionary<string, MessageOrders>());
        await foreach (var row in QueryAsync<ExposureRow>(
            $"SELECT c.compared, c.currency, c.amount, c.refunded FROM c WHERE EXISTS(SELECT VALUE x FROM x IN c.compared WHERE x.campaignId = @campaign) AND {Counting}", campaignId, cancellation))
        {
            foreach (var exposure in row.Compared.Where(e => e.CampaignId == campaignId))
            {
                Add(exposure.HeldOut ? heldOut : sent, exposure.MessageId, new(1, 0, new Dictionary<string, long> { [row.Currency] = row.Amount - row.Refunded }));
            }
        }

        return (sent, heldOut);
    }

    private static void Add(Dictionary<string, MessageOrders> found, string messageId, MessageOrders order) =>
        found[messageId] = found.TryGetValue(messageId, out var known) ? known.Add(order) : order;

    private async IAsyncEnumerable<T> QueryAsync<T>(string sql, string campaignId, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryStreamIterator(new QueryDefinition(sql).WithParameter("@campaign", campaignId), requestOptions: new() { MaxItemCount = 5000 });
        while (pages.HasMoreResults)
        {
            foreach (var row in await CosmosPages.ReadAsync<T>(pages, cancellation))
            {
                yield return row.Value;
            }
        }
    }
}
