using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>
/// What a customer's orders add up to. Kept step by step; where a step cannot be taken back (the last order is cancelled,
/// so which is the last now?) it is summed up anew from all of them. Both ways give the same, which a property test holds.
/// Of an order refunded in part the rest counts; a category's spend stays what its items cost, because a part refunded
/// does not say of which item.
/// </summary>
public static class OrderTotals
{
    /// <summary>
    /// JSON numbers in Cosmos are doubles: integers are exact up to 2^53. An order that would take a total beyond is refused.
    /// </summary>
    public const long MaxTotal = 1L << 53;

    /// <summary>
    /// Of one customer. Each is a part of the customer's item: 500 of the longest names are some 350 KB of the 2 MB that an
    /// item, and a transaction, may have. More than a shop has categories; a file with products for categories has more.
    /// </summary>
    public const int MaxCategories = 500;

    public static Customer Add(Customer customer, Order order)
    {
        if (!OrderFlow.Counts(order.Status))
        {
            return customer;
        }

        return customer with
        {
            TotalSpend = customer.TotalSpend + order.Net,
            OrderCount = customer.OrderCount + 1,
            FirstOrderAt = customer.FirstOrderAt is { } first && first <= order.PlacedAt ? first : order.PlacedAt,
            LastOrderAt = customer.LastOrderAt is { } last && last >= order.PlacedAt ? last : order.PlacedAt,
            Categories = AddCategories(customer.Categories, order),
        };
    }

    /// <returns>Null when only summing up anew can tell: see <see cref="Of"/>.</returns>
    public static Customer? TryRemove(Customer customer, Order order)
    {
        if (!OrderFlow.Counts(order.Status))
        {
            return customer;
        }

        if (customer.OrderCount > 1 && (order.PlacedAt <= customer.FirstOrderAt || order.PlacedAt >= customer.LastOrderAt))
        {
            return null;
        }

        if (RemoveCategories(customer.Categories, order) is not { } categories)
        {
            return null;
        }

        var isLast = customer.OrderCount <= 1;
        return customer with
        {
            TotalSpend = customer.TotalSpend - order.Net,
            OrderCount = customer.OrderCount - 1,
            FirstOrderAt = isLast ? null : customer.FirstOrderAt,
            LastOrderAt = isLast ? null : customer.LastOrderAt,
            Categories = categories,
        };
    }

    /// <summary>From nothing, over all of the customer's orders.</summary>
    public static Customer Of(Customer customer, IEnumerable<Order> orders) =>
        orders.Aggregate(
            customer with { TotalSpend = 0, OrderCount = 0, FirstOrderAt = null, LastOrderAt = null, Categories = new Dictionary<string, CategoryTotals>() },
            Add);

    /// <summary>Per category: how many orders have it, what its lines add up to, when it was last bought.</summary>
    private static IReadOnlyDictionary<string, CategoryTotals> AddCategories(IReadOnlyDictionary<string, CategoryTotals> categories, Order order)
    {
        Dictionary<string, CategoryTotals>? changed = null;
        foreach (var (name, spend) in Spend(order))
        {
            changed ??= new(categories);
            changed[name] = changed.TryGetValue(name, out var totals)
                ? new(totals.Count + 1, totals.Spend + spend, totals.LastAt >= order.PlacedAt ? totals.LastAt : order.PlacedAt)
                : new(1, spend, order.PlacedAt);
        }

        return changed ?? categories;
    }

    private static IReadOnlyDictionary<string, CategoryTotals>? RemoveCategories(IReadOnlyDictionary<string, CategoryTotals> categories, Order order)
    {
        Dictionary<string, CategoryTotals>? changed = null;
        foreach (var (name, spend) in Spend(order))
        {
            changed ??= new(categories);
            if (!changed.TryGetValue(name, out var totals) || (totals.Count > 1 && order.PlacedAt >= totals.LastAt))
            {
                return null;
            }

            if (totals.Count == 1)
            {
                changed.Remove(name);
            }
            else
            {
                changed[name] = totals with { Count = totals.Count - 1, Spend = totals.Spend - spend };
            }
        }

        return changed ?? categories;
    }

    private static Dictionary<string, long> Spend(Order order)
    {
        var spend = new Dictionary<string, long>();
        foreach (var item in order.Items)
        {
            if (item.Category is { } category)
            {
                spend[category] = spend.GetValueOrDefault(category) + item.Total();
            }
        }

        return spend;
    }
}
