using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>What a merge makes of some of the other customer's orders: decided from what was read, without touching storage.</summary>
internal static class MergeOrders
{
    /// <summary>The number that an order gets when the customer has another one under its own. Says where it came from.</summary>
    public static string Rename(string number, string from)
    {
        var mark = $" ({from[^6..]})";
        return (number.Length + mark.Length <= OrderNormalizer.MaxOrderNumber ? number : number[..(OrderNormalizer.MaxOrderNumber - mark.Length)]) + mark;
    }

    /// <param name="customer">The customer that they become orders of.</param>
    /// <param name="known">Its orders under the numbers of <paramref name="moved"/> and under what these would be renamed to.</param>
    /// <returns>What to write, and the totals after it; null when only all orders together tell the totals.</returns>
    public static (Customer? After, List<(Order Order, string? ETag)> Writes) Plan(
        Customer customer, IReadOnlyDictionary<string, Versioned<Order>> known, IEnumerable<Order> moved)
    {
        Customer? after = customer;
        var writes = new List<(Order Order, string? ETag)>();
        foreach (var order in moved)
        {
            var from = order.CustomerId;
            var copy = order with { CustomerId = customer.Id, MovedFrom = from };
            if (known.TryGetValue(order.OrderNumber, out var own))
            {
                if (own.Value.MovedFrom == from)
                {
                    continue;
                }

                if (IsSame(own.Value, order))
                {
                    // Whichever of the two is further: by its status, or by what was given back.
                    if (own.Value.Status == order.Status ? order.Refunded > own.Value.Refunded : OrderFlow.Allows(own.Value.Status, order.Status))
                    {
                        after = after is null ? null : OrderTotals.TryRemove(after, own.Value);
                        after = after is null ? null : OrderTotals.Add(after, copy);
                        writes.Add((copy, own.ETag));
                    }

                    continue;
                }

                copy = copy with { OrderNumber = Rename(order.OrderNumber, from) };
                if (known.ContainsKey(copy.OrderNumber))
                {
                    continue;
                }
            }

            after = after is null ? null : OrderTotals.Add(after, copy);
            writes.Add((copy, null));
        }

        return (after, writes);
    }

    /// <summary>One order that reached both customers. Under one number with another amount or time it is another shop's.</summary>
    private static bool IsSame(Order a, Order b) => a.Amount == b.Amount && a.Currency == b.Currency && a.PlacedAt == b.PlacedAt;
}
