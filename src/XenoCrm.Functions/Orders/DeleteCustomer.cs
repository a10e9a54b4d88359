using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Orders;

/// <summary>
/// Removes a customer with its orders and keys. Here, and not with the customers, because the orders' totals must stay
/// right while orders go in steps of a transaction's size: a crash in between leaves a customer with fewer orders and the
/// totals of those, marked, and <see cref="FinishAsync"/> goes on. The last step removes the rest and leaves a void (see
/// <see cref="CustomerWriter"/>), which frees the keys. An order is only ever written together with its customer, under
/// the customer's ETag: none can come after the last step.
/// </summary>
public sealed class DeleteCustomer(OrderStore orders, CustomerStore customers, CustomerWriter writer, MergeCustomers merges, CustomerTurns turns, TimeProvider clock)
{
    /// <summary>A deletion that began longer ago than this is nobody's any more: even 100,000 orders take less.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromMinutes(2);


    public async Task HandleAsync(string id, string? ifMatch, CancellationToken cancellation)
    {
        await customers.RefreshSegmentsAsync(cancellation);
        using var turn = await turns.TakeAsync(id, cancellation);
        while (true)
        {
            var all = await orders.ReadAllAsync(id, cancellation) ?? throw await customers.MissingAsync(id, cancellation);
            if (ifMatch is not null && ifMatch != all.Customer.ETag && all.Customer.Value.DeletingAt is null)
            {
                throw new ETagStale().ToException();
            }

            if (all.Customer.Value.Merging is not null)
            {
                await merges.SettleAsync(all.Customer, cancellation);
                await Task.Delay(50, cancellation);
                continue;
            }

            var keys = await writer.KeysOfAsync(all.Customer.Value, cancellation);
            if (await RemoveAsync(all, cancellation))
            {
                await writer.ReleaseAsync(keys, cancellation);
                return;
            }
        }
    }

    /// <summary>Deletes the rest of what deletions have left that did not come to their end.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        var begun = new CustomerFilter("c.deletingAt < @before", new Dictionary<string, object?> { ["@before"] = UtcTimeConverter.Write(clock.GetUtcNow() - Abandoned) });
        foreach (var id in await customers.PageIdsAsync(begun, null, PageRequest.MaxLimit, cancellation))
        {
            try
            {
                await HandleAsync(id, null, cancellation);
            }
            catch (ProblemException exception) when (exception.Problem is CustomerNotFound or CustomerMerged)
            {
                // Somebody else has finished it.
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
            var without = customers.Derive(OrderTotals.Of(customer.Value, left.Select(o => o.Value)))
                with { DeletingAt = customer.Value.DeletingAt ?? clock.GetUtcNow() };
            if (await orders.TryWriteAsync(without, customer.ETag, [], some, cancellation) is not { } etag)
            {
                return false;
            }

            customer = new(without, etag);
        }

        return await orders.TryVoidAsync(customer, left.Select(o => (o.Value.Id, o.ETag)), clock.GetUtcNow(), cancellation);
    }
}
