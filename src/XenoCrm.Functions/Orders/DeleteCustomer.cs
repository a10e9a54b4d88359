using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Orders;

/// <summary>
/// Removes a customer with its orders and keys. Here, and not with the customers, because the orders' totals must stay
/// right while orders go in steps of a transaction's size: a crash in between leaves a customer with fewer orders and the
/// totals of those. The last step removes the rest and leaves a void (see <see cref="CustomerWriter"/>), which frees the keys.
/// </summary>
public sealed class DeleteCustomer(OrderStore orders, CustomerStore customers, CustomerWriter writer, TimeProvider clock)
{
    public async Task HandleAsync(string id, string? ifMatch, CancellationToken cancellation)
    {
        await customers.RefreshSegmentsAsync(cancellation);
        while (true)
        {
            var all = await orders.ReadAllAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException();
            if (ifMatch is not null && ifMatch != all.Customer.ETag)
            {
                throw new ETagStale().ToException();
            }

            var keys = await writer.KeysOfAsync(all.Customer.Value, cancellation);
            if (await RemoveAsync(all, cancellation))
            {
                await writer.ReleaseAsync(keys, cancellation);
                return;
            }
        }
    }

    /// <returns>False when someone changed the customer meanwhile.</returns>
    private async Task<bool> RemoveAsync(CustomerWithOrders all, CancellationToken cancellation)
    {
        var customer = all.Customer;
        var left = all.Orders.Values.ToList();
        while (left.Count > OrderPlan.MaxOrders)
        {
            var some = left[..OrderPlan.MaxOrders].Select(o => (o.Value.Id, o.ETag));
            left.RemoveRange(0, OrderPlan.MaxOrders);
            var without = customers.Derive(OrderTotals.Of(customer.Value, left.Select(o => o.Value)));
            if (await orders.TryWriteAsync(without, customer.ETag, [], some, cancellation) is not { } etag)
            {
                return false;
            }

            customer = new(without, etag);
        }

        return await orders.TryVoidAsync(customer.Value.Id, customer.ETag, left.Select(o => (o.Value.Id, o.ETag)), clock.GetUtcNow(), cancellation);
    }
}
