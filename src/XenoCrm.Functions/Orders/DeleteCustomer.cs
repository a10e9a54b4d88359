using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Orders;

/// <summary>
/// Removes a customer with its orders and keys. The customer becomes a void (see <see cref="CustomerWriter"/>) in the
/// transaction that takes its first orders: from there on it does not exist, nobody can write an order to it, and its keys
/// are free. The void is marked as long as orders are left, which go a transaction at a time: here, or after a crash by
/// <see cref="FinishAsync"/>. So it never matters how many orders there are.
/// </summary>
public sealed class DeleteCustomer(OrderStore orders, CustomerStore customers, CustomerWriter writer, MergeCustomers merges, CustomerTurns turns, TimeProvider clock)
{
    /// <summary>Longer than a turn: before, somebody is at it.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromMinutes(1);

    /// <summary>10,000 orders take some seconds; what is left after this the timer does.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(20);

    public async Task HandleAsync(string id, string? ifMatch, CancellationToken cancellation)
    {
        var since = clock.GetTimestamp();
        using var turn = await turns.TakeAsync(id, cancellation);
        while (clock.GetElapsedTime(since) < Turn)
        {
            var found = await orders.ReadNewestAsync(id, OrderPlan.MaxOrders, cancellation) ?? throw await customers.MissingAsync(id, cancellation);
            if (ifMatch is not null && ifMatch != found.Customer.ETag)
            {
                throw new ETagStale().ToException();
            }

            if (found.Customer.Value.Merging is not null)
            {
                await merges.SettleAsync(found.Customer, cancellation);
                await Task.Delay(50, cancellation);
                continue;
            }

            var keys = await writer.KeysOfAsync(found.Customer.Value, cancellation);
            var now = clock.GetUtcNow();
            var rest = found.Orders.Count == OrderPlan.MaxOrders ? now : (DateTimeOffset?)null;
            var gone = CustomerSlot.Void(id, now, found.Customer.Value.Imports, deletingAt: rest);
            if (await orders.TryVoidAsync(found.Customer, gone, found.Orders.Values.Select(o => (o.Value.Id, o.ETag)), cancellation))
            {
                await writer.ReleaseAsync(keys, cancellation);
                if (rest is not null)
                {
                    await SweepAsync(id, since, cancellation);
                }

                return;
            }
        }

        throw new CustomerBusy { RetryAfterSeconds = 2 }.ToException();
    }

    /// <summary>Deletes the orders that deletions have left which did not come to their end.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        foreach (var id in await customers.VoidsWithOrdersAsync(clock.GetUtcNow() - Abandoned, cancellation))
        {
            await SweepAsync(id, clock.GetTimestamp(), cancellation);
        }
    }

    private async Task SweepAsync(string id, long since, CancellationToken cancellation)
    {
        while (clock.GetElapsedTime(since) < Turn)
        {
            if (await orders.DeleteSomeOrphansAsync(id, cancellation))
            {
                continue;
            }

            if (await customers.ReadSlotAsync(id, cancellation) is { Customer: null, Into: null } slot)
            {
                await customers.TryReplaceSlotAsync(id, CustomerSlot.Void(id, clock.GetUtcNow(), slot.Marks, slot.Removed), slot.ETag, cancellation);
            }

            return;
        }
    }
}
