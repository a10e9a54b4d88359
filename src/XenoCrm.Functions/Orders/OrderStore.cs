using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Orders;

/// <summary>A customer and some of its orders, as they were at one moment.</summary>
internal sealed record CustomerWithOrders(Versioned<Customer> Customer, Dictionary<string, Versioned<Order>> Orders);

/// <summary>Orders as stored: always with their customer, in one partition and in one transaction.</summary>
public sealed class OrderStore(CosmosDatabase database, Attribution attribution)
{
    /// <summary>Of orders in one transaction. It takes 2 MB, and the customer is part of it.</summary>
    internal const int MaxBytes = 1_000_000;

    private readonly Container container = database.Container(CustomerStore.ContainerName);

    /// <summary>Bytes that it takes in a request: a full order in a script that JSON escapes has some 400 KB, a usual one 500 bytes.</summary>
    internal static int SizeOf(Order order) => JsonSerializer.SerializeToUtf8Bytes(order, Json.Options).Length;

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

    /// <summary>The customer and its newest orders: one request for one query of one partition, however many orders there are.</summary>
    internal async Task<CustomerWithOrders?> ReadNewestAsync(string customerId, int count, CancellationToken cancellation)
    {
        Versioned<Customer>? customer = null;
        var newest = new Dictionary<string, Versioned<Order>>(count);

        // The customer has the highest key of its partition.
        using var pages = container.GetItemQueryStreamIterator($"SELECT TOP {count + 1} * FROM c ORDER BY c.sortKey DESC", requestOptions: OnePartition(customerId, count + 1));
        while (pages.HasMoreResults)
        {
            using var answer = await pages.ReadNextAsync(cancellation);
            customer = await ParseAsync(answer, newest, cancellation) ?? customer;
        }

        return customer is null ? null : new(customer, newest);
    }

    /// <summary>One page of a list, by key and not by a continuation token: a page can be asked for again, whatever changes meanwhile.</summary>
    /// <param name="position">The key (<see cref="OrderFilter.KeyOf"/>) of the last order before; null: from the start.</param>
    internal async Task<IReadOnlyList<Order>> PageAsync(OrderFilter filter, string? position, int limit, CancellationToken cancellation)
    {
        var (sql, parameters) = filter.ToQuery(position, limit);
        var query = new QueryDefinition(sql);
        foreach (var (name, value) in parameters)
        {
            query.WithParameter(name, value);
        }

        var page = new List<Order>(limit);
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: filter.CustomerId is { } customer ? OnePartition(customer, limit) : new() { MaxItemCount = limit });
        while (pages.HasMoreResults)
        {
            page.AddRange((await CosmosPages.ReadAsync<Order>(pages, cancellation)).Select(o => o.Value));
        }

        return page;
    }

    /// <summary>The newest of a customer's orders that were placed before one, by <see cref="Order.SortKey"/>.</summary>
    internal Task<IReadOnlyList<Order>> PlacedBeforeAsync(string customerId, string? before, int limit, CancellationToken cancellation) =>
        ListAsync(customerId, "c.sortKey < @before", "c.sortKey", before ?? Customer.LastSortKey, limit, cancellation);

    /// <summary>Of a customer's orders those that last changed before an event of its timeline, by <see cref="Order.ChangeKey"/>; the latest first.</summary>
    internal Task<IReadOnlyList<Order>> ChangedBeforeAsync(string customerId, string? before, int limit, CancellationToken cancellation) =>
        ListAsync(customerId, "c.changeKey < @before", "c.changeKey", before ?? "\uffff", limit, cancellation);

    /// <summary>Those that have changed after an event of the timeline and before it too.</summary>
    /// <param name="from">Changes before this key do not matter; null: all do.</param>
    internal async IAsyncEnumerable<Order> ChangedAroundAsync(
        string customerId, string key, string? from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var query = new QueryDefinition(
            "SELECT * FROM c WHERE c.changeKey >= @key AND EXISTS (SELECT VALUE e FROM e IN c.changes WHERE e.at >= @from AND e.at <= @to)")
            .WithParameter("@key", key)
            .WithParameter("@from", from?[..UtcTimeConverter.Length] ?? "").WithParameter("@to", key[..UtcTimeConverter.Length]);
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: OnePartition(customerId, PageRequest.MaxLimit));
        while (pages.HasMoreResults)
        {
            foreach (var order in await CosmosPages.ReadAsync<Order>(pages, cancellation))
            {
                yield return order.Value;
            }
        }
    }

    private async Task<IReadOnlyList<Order>> ListAsync(string customerId, string where, string orderBy, string before, int limit, CancellationToken cancellation)
    {
        var query = new QueryDefinition($"SELECT TOP {limit} * FROM c WHERE {where} ORDER BY {orderBy} DESC").WithParameter("@before", before);
        var found = new List<Order>(limit);
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: OnePartition(customerId, limit));
        while (pages.HasMoreResults)
        {
            found.AddRange((await CosmosPages.ReadAsync<Order>(pages, cancellation)).Select(o => o.Value));
        }

        return found;
    }

    // Sent as it is: without this the SDK asks the service first how to run an ordered query over several partitions.
    private static QueryRequestOptions OnePartition(string customerId, int count) =>
        new() { PartitionKey = new PartitionKey(customerId), MaxItemCount = count, EnableOptimisticDirectExecution = true };

    /// <summary>The customer's orders that were placed then or later, whatever their status.</summary>
    internal async Task<IReadOnlyList<Versioned<Order>>> ReadSinceAsync(string customerId, DateTimeOffset since, CancellationToken cancellation)
    {
        var query = new QueryDefinition("SELECT * FROM c WHERE c.type = 'order' AND c.sortKey >= @since").WithParameter("@since", UtcTimeConverter.Write(since));
        var found = new List<Versioned<Order>>();
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: OnePartition(customerId, 1000));
        while (pages.HasMoreResults)
        {
            found.AddRange(await CosmosPages.ReadAsync<Order>(pages, cancellation));
        }

        return found;
    }

    /// <summary>Orders and their customer's totals in one transaction. Here it is decided which message an order is put down to.</summary>
    /// <param name="customer">Derived already.</param>
    /// <param name="writes">To create (no ETag) or to replace.</param>
    /// <param name="deletes">Ids with their ETags.</param>
    /// <param name="messages">That orders are put down to; null: those that the customer knows.</param>
    /// <returns>The customer's new ETag, or null when something was not as it was read: read again and repeat.</returns>
    internal async Task<string?> TryWriteAsync(
        Customer customer, string etag, IEnumerable<(Order Order, string? ETag)> writes, IEnumerable<(string Id, string ETag)> deletes, CancellationToken cancellation,
        IReadOnlyList<CustomerMessage>? messages = null)
    {
        var batch = container.CreateTransactionalBatch(new PartitionKey(customer.Id));
        var (written, deleted) = (new List<(Order Order, bool IsNew)>(), new List<string>());
        batch.ReplaceItemStream(customer.Id, CustomerStore.Serialize(customer), new() { IfMatchEtag = etag, EnableContentResponseOnWrite = false });
        foreach (var (order, orderETag) in writes)
        {
            var credited = attribution.Credit(order, messages ?? customer.Messages);
            var content = CustomerStore.Serialize(credited);
            written.Add((credited, orderETag is null));
            _ = orderETag is null
                ? batch.CreateItemStream(content, new() { EnableContentResponseOnWrite = false })
                : batch.ReplaceItemStream(order.Id, content, new() { IfMatchEtag = orderETag, EnableContentResponseOnWrite = false });
        }

        foreach (var (id, orderETag) in deletes)
        {
            batch.DeleteItem(id, new() { IfMatchEtag = orderETag });
            deleted.Add(id);
        }

        using var answer = await batch.ExecuteAsync(cancellation);
        if (ETagOf(answer) is not { } stored)
        {
            return null;
        }

        if (AuditTrail.IsOn)
        {
            Note(customer.Id, written, deleted);
        }

        return stored;
    }

    /// <summary>The orders are what the request is about; the customer's totals follow from them.</summary>
    private static void Note(string customerId, List<(Order Order, bool IsNew)> written, List<string> deleted)
    {
        foreach (var (order, isNew) in written)
        {
            if (isNew)
            {
                AuditTrail.Created(AuditKey(customerId, order.Id), order);
            }
            else
            {
                AuditTrail.Replaced(AuditKey(customerId, order.Id), order);
            }
        }

        deleted.ForEach(id => AuditTrail.Deleted<Order>(AuditKey(customerId, id)));
    }

    /// <summary>An order's id is its customer's own.</summary>
    private static string AuditKey(string customerId, string id) => $"{customerId} {id}";

    /// <summary>A void takes the customer's place, in the transaction that deletes some of its orders.</summary>
    /// <returns>False when something was not as it was read.</returns>
    internal async Task<bool> TryVoidAsync(Versioned<Customer> customer, MemoryStream content, IEnumerable<(string Id, string ETag)> some, CancellationToken cancellation)
    {
        var batch = container.CreateTransactionalBatch(new PartitionKey(customer.Value.Id));
        batch.ReplaceItemStream(customer.Value.Id, content, new() { IfMatchEtag = customer.ETag, EnableContentResponseOnWrite = false });
        foreach (var (order, etag) in some)
        {
            batch.DeleteItem(order, new() { IfMatchEtag = etag });
        }

        using var answer = await batch.ExecuteAsync(cancellation);
        if (ETagOf(answer) is null)
        {
            return false;
        }

        AuditTrail.Changed(customer.Value, null);
        return true;
    }

    /// <summary>How many the customer has.</summary>
    internal async Task<int> CountAsync(string customerId, CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryIterator<int>(
            "SELECT VALUE COUNT(1) FROM c WHERE c.type = 'order'", requestOptions: new() { PartitionKey = new PartitionKey(customerId) });
        return (await pages.ReadNextAsync(cancellation)).Single();
    }

    /// <summary>Deletes a transaction's worth of orders of a customer that is gone.</summary>
    /// <returns>False when there are none left.</returns>
    internal async Task<bool> DeleteSomeOrphansAsync(string customerId, CancellationToken cancellation)
    {
        var some = await ReadOrphansAsync(customerId, OrderPlan.MaxOrders, cancellation);
        return some.Count > 0 && (await TryDeleteOrphansAsync(customerId, some.Select(o => (o.Value.Id, o.ETag)), cancellation) || true);
    }

    /// <summary>Some orders of a customer that is frozen or gone: nobody else writes them.</summary>
    internal async Task<IReadOnlyList<Versioned<Order>>> ReadOrphansAsync(string customerId, int limit, CancellationToken cancellation)
    {
        var some = new List<Versioned<Order>>(limit);
        using var pages = container.GetItemQueryStreamIterator(
            $"SELECT TOP {limit} * FROM c WHERE c.type = 'order'", requestOptions: new() { PartitionKey = new PartitionKey(customerId), MaxItemCount = limit });
        while (pages.HasMoreResults)
        {
            some.AddRange(await CosmosPages.ReadAsync<Order>(pages, cancellation));
        }

        return some;
    }

    /// <returns>False when another has deleted some of them: read again.</returns>
    internal async Task<bool> TryDeleteOrphansAsync(string customerId, IEnumerable<(string Id, string ETag)> orders, CancellationToken cancellation)
    {
        var batch = container.CreateTransactionalBatch(new PartitionKey(customerId));
        foreach (var (id, etag) in orders)
        {
            batch.DeleteItem(id, new() { IfMatchEtag = etag });
        }

        using var answer = await batch.ExecuteAsync(cancellation);
        return ETagOf(answer) is not null || answer.IsSuccessStatusCode;
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
                if (AuditTrail.IsOn)
                {
                    AuditTrail.Read(AuditKey(order.CustomerId, order.Id), order);
                }
            }
        }

        return customer;
    }
}
