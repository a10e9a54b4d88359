using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>A customer and some of its orders, as they were at one moment.</summary>
internal sealed record CustomerWithOrders(Versioned<Customer> Customer, Dictionary<string, Versioned<Order>> Orders);

/// <summary>One page of a query that the service can go on with.</summary>
/// <param name="Continuation">Null on the last page.</param>
internal sealed record OrderPage(IReadOnlyList<Order> Orders, string? Continuation);

/// <summary>Orders as stored: always with their customer, in one partition and in one transaction.</summary>
public sealed class OrderStore(CosmosDatabase database)
{
    private readonly Container container = database.Container(CustomerStore.ContainerName);

    /// <summary>The customer and those of the orders that exist, in one request; null when there is no such customer.</summary>
    internal async Task<CustomerWithOrders?> ReadAsync(string customerId, IEnumerable<string> orderNumbers, CancellationToken cancellation)
    {
        var partition = new PartitionKey(customerId);
        using var answer = await container.ReadManyItemsStreamAsync(
            [(customerId, partition), .. orderNumbers.Distinct().Select(n => (Order.IdOf(n), partition))], cancellationToken: cancellation);
        return await ParseAsync(answer, cancellation);
    }

    /// <summary>The customer and all of its orders; one request for most customers.</summary>
    internal async Task<CustomerWithOrders?> ReadAllAsync(string customerId, CancellationToken cancellation)
    {
        Versioned<Customer>? customer = null;
        var orders = new Dictionary<string, Versioned<Order>>();
        using var pages = container.GetItemQueryStreamIterator(
            "SELECT * FROM c", requestOptions: new() { PartitionKey = new PartitionKey(customerId), MaxItemCount = 1000 });
        while (pages.HasMoreResults)
        {
            using var answer = await pages.ReadNextAsync(cancellation);
            customer = await ParseAsync(answer, orders, cancellation) ?? customer;
        }

        return customer is null ? null : new(customer, orders);
    }

    /// <summary>The newest orders first.</summary>
    /// <param name="customerId">Null: of all customers.</param>
    internal async Task<OrderPage> PageAsync(string? customerId, OrderStatus? status, string? continuation, int limit, CancellationToken cancellation)
    {
        var where = "c.type = 'order'" + (customerId is null ? "" : " AND c.customerId = @customer") + (status is null ? "" : " AND c.status = @status");
        var query = new QueryDefinition($"SELECT * FROM c WHERE {where} ORDER BY c.placedAt DESC");
        if (customerId is not null)
        {
            query.WithParameter("@customer", customerId);
        }

        if (status is { } wanted)
        {
            query.WithParameter("@status", wanted);
        }

        using var pages = container.GetItemQueryStreamIterator(query, continuation, new()
        {
            MaxItemCount = limit,
            PartitionKey = customerId is null ? null : new PartitionKey(customerId),
        });
        var orders = new List<Order>(limit);
        while (pages.HasMoreResults)
        {
            using var answer = await pages.ReadNextAsync(cancellation);
            var token = answer.ContinuationToken;
            orders.AddRange((await CosmosPages.ReadAsync<Order>(answer, cancellation)).Select(o => o.Value));

            // A page may be empty, or short, and yet not the last.
            if (orders.Count > 0)
            {
                return new(orders, token);
            }
        }

        return new(orders, null);
    }

    /// <summary>Orders and their customer's totals in one transaction.</summary>
    /// <param name="customer">Derived already.</param>
    /// <param name="writes">To create (no ETag) or to replace.</param>
    /// <param name="deletes">Ids with their ETags.</param>
    /// <returns>The customer's new ETag, or null when something was not as it was read: read again and repeat.</returns>
    internal async Task<string?> TryWriteAsync(
        Customer customer, string etag, IEnumerable<(Order Order, string? ETag)> writes, IEnumerable<(string Id, string ETag)> deletes, CancellationToken cancellation)
    {
        var batch = container.CreateTransactionalBatch(new PartitionKey(customer.Id));
        batch.ReplaceItemStream(customer.Id, CustomerStore.Serialize(customer), new() { IfMatchEtag = etag, EnableContentResponseOnWrite = false });
        foreach (var (order, orderETag) in writes)
        {
            var content = CustomerStore.Serialize(order);
            _ = orderETag is null
                ? batch.CreateItemStream(content, new() { EnableContentResponseOnWrite = false })
                : batch.ReplaceItemStream(order.Id, content, new() { IfMatchEtag = orderETag, EnableContentResponseOnWrite = false });
        }

        foreach (var (id, orderETag) in deletes)
        {
            batch.DeleteItem(id, new() { IfMatchEtag = orderETag });
        }

        using var answer = await batch.ExecuteAsync(cancellation);
        return ETagOf(answer);
    }

    /// <summary>The last step of a deletion: the rest of the orders go, and the customer becomes a void.</summary>
    internal async Task<bool> TryVoidAsync(string customerId, string etag, IEnumerable<(string Id, string ETag)> orders, DateTimeOffset now, CancellationToken cancellation)
    {
        var batch = container.CreateTransactionalBatch(new PartitionKey(customerId));
        batch.ReplaceItemStream(customerId, CustomerSlot.Void(customerId, now), new() { IfMatchEtag = etag, EnableContentResponseOnWrite = false });
        foreach (var (id, orderETag) in orders)
        {
            batch.DeleteItem(id, new() { IfMatchEtag = orderETag });
        }

        using var answer = await batch.ExecuteAsync(cancellation);
        return ETagOf(answer) is not null;
    }

    private static string? ETagOf(TransactionalBatchResponse answer)
    {
        if (answer.IsSuccessStatusCode)
        {
            return answer[0].ETag;
        }

        return answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound
            ? null
            : throw new CosmosException(answer.ErrorMessage, answer.StatusCode, 0, answer.ActivityId, answer.RequestCharge);
    }

    private static async Task<CustomerWithOrders?> ParseAsync(ResponseMessage answer, CancellationToken cancellation)
    {
        var orders = new Dictionary<string, Versioned<Order>>();
        return await ParseAsync(answer, orders, cancellation) is { } customer ? new(customer, orders) : null;
    }

    private static async Task<Versioned<Customer>?> ParseAsync(ResponseMessage answer, Dictionary<string, Versioned<Order>> orders, CancellationToken cancellation)
    {
        answer.EnsureSuccessStatusCode();
        using var document = await JsonDocument.ParseAsync(answer.Content, cancellationToken: cancellation);
        Versioned<Customer>? customer = null;
        foreach (var element in document.RootElement.GetProperty("Documents").EnumerateArray())
        {
            var etag = element.GetProperty("_etag").GetString()!;
            if (element.GetProperty("type").ValueEquals(Customer.TypeName))
            {
                customer = new(element.Deserialize<Customer>(Json.Options)!, etag);
            }
            else if (element.GetProperty("type").ValueEquals(Order.TypeName))
            {
                var order = element.Deserialize<Order>(Json.Options)!;
                orders[order.OrderNumber] = new(order, etag);
            }
        }

        return customer;
    }
}
