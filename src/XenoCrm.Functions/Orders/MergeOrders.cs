using System.Security.Cryptography;
using System.Text;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>What a merge makes of some of the other customer's orders: decided from what was read, without touching storage.</summary>
internal static class MergeOrders
{
    /// <summary>The number that an order gets when the customer has another one under its own. Says where it came from.</summary>
    public static string Rename(string number, string from) => Mark(number, MarkOf(from));

    /// <summary>What <see cref="Rename"/> adds.</summary>
    public static string MarkOf(string from) => $" ({from[^6..]})";

    /// <summary>What an order may be called afterwards, in the order of preference: the last is taken by no other.</summary>
    public static string[] NumbersOf(Order order)
    {
        var (number, from) = (order.OrderNumber, order.CustomerId);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{from}\n{number}")))[..16];
        return [number, Rename(number, from), Mark(number, $" ({hash})")];
    }

    /// <returns>As many of the orders, from the first, as one transaction takes; at least one.</returns>
    public static IReadOnlyList<Versioned<Order>> FitIn(IReadOnlyList<Versioned<Order>> orders)
    {
        var bytes = 0;
        return [.. orders.TakeWhile((order, i) => (bytes += OrderStore.SizeOf(order.Value)) <= OrderStore.MaxBytes || i == 0)];
    }

    /// <param name="customer">The customer that they become orders of.</param>
    /// <param name="known">Its orders under the <see cref="NumbersOf"/> each of <paramref name="moved"/>.</param>
    /// <returns>What to write, and the totals after it; null when only all orders together tell the totals.</returns>
    public static (Customer? After, List<(Order Order, string? ETag)> Writes) Plan(
        Customer customer, IReadOnlyDictionary<string, Versioned<Order>> known, IEnumerable<Order> moved)
    {
        Customer? after = customer;
        var writes = new List<(Order Order, string? ETag)>();
        var taken = known.Keys.ToHashSet();
        foreach (var order in moved)
        {
            var numbers = NumbersOf(order);
            if (numbers.Any(n => known.TryGetValue(n, out var other) && IsCopy(other.Value, order)))
            {
                continue;
            }

            var copy = order with { CustomerId = customer.Id, MovedFrom = order.CustomerId, MovedNumber = null };
            if (known.TryGetValue(order.OrderNumber, out var own) && IsSame(own.Value, order))
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

            var free = numbers.First(n => n == numbers[^1] || !taken.Contains(n));
            taken.Add(free);
            copy = free == order.OrderNumber ? copy : copy with { OrderNumber = free, MovedNumber = order.OrderNumber };
            after = after is null ? null : OrderTotals.Add(after, copy);
            writes.Add((copy, null));
        }

        return (after, writes);
    }

    /// <summary>Made by this merge before it was interrupted. Under the same number alone it may be another order that was renamed.</summary>
    private static bool IsCopy(Order known, Order order) =>
        known.MovedFrom == order.CustomerId && (known.MovedNumber ?? known.OrderNumber) == order.OrderNumber;

    /// <summary>
    /// One order that reached both customers. Under one number with another amount or time it is another shop's; and two
    /// that came from one customer were two orders there.
    /// </summary>
    private static bool IsSame(Order a, Order b) =>
        a.MovedFrom != b.CustomerId && a.Amount == b.Amount && a.Currency == b.Currency && a.PlacedAt == b.PlacedAt;

    private static string Mark(string number, string mark)
    {
        var length = Math.Min(number.Length, OrderNormalizer.MaxOrderNumber - mark.Length);

        // Half of a surrogate pair is no text.
        return number[..(char.IsHighSurrogate(number[length - 1]) ? length - 1 : length)] + mark;
    }
}
