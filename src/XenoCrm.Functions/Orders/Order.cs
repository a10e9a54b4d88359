using System.Text.Json.Serialization;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>
/// An order as stored: an item in its customer's partition of the container <c>customers</c>, so that it and the
/// customer's totals are written in one transaction.
/// </summary>
public sealed record Order
{
    public const string TypeName = "order";

    /// <summary>Changes kept: the flow has few steps, so only refunds in many parts could be more.</summary>
    public const int MaxChanges = 50;

    /// <summary>Unique within the customer: follows from the order number.</summary>
    public string Id => IdOf(OrderNumber);

    public string Type => TypeName;

    /// <summary>The partition key.</summary>
    public required string CustomerId { get; init; }

    /// <summary>As the shop numbers it.</summary>
    public required string OrderNumber { get; init; }

    /// <summary>
    /// Lists go by time and, where times are equal, by what is unique: one indexed text gives pages that neither repeat nor
    /// leave out an order, whatever is written meanwhile. (Two paths in ORDER BY would need a composite index on top.)
    /// Below every <see cref="Customer.SortKey"/>.
    /// </summary>
    public string SortKey => $"{UtcTimeConverter.Write(PlacedAt)}{CustomerId}{OrderNumber}";

    /// <summary>As <see cref="SortKey"/>, by amount.</summary>
    public string AmountKey => $"{AmountPrefix(Amount)}{CustomerId}{OrderNumber}";

    /// <summary>Where its last change is in the customer's timeline (<see cref="ReadTimeline"/>); null: nothing has changed.</summary>
    public string? ChangeKey => Changes.Count > 0 ? Changes.Select((change, i) => ReadTimeline.KeyOf(change.At, ReadTimeline.IdOf(this, i))).Max(StringComparer.Ordinal) : null;

    /// <summary>Minor units.</summary>
    public required long Amount { get; init; }

    /// <summary>Minor units given back so far: part of the amount, or all of it once the order is refunded.</summary>
    public long Refunded { get; init; }
    public required string Currency { get; init; }
    public OrderStatus Status { get; init; }
    public required DateTimeOffset PlacedAt { get; init; }
    public IReadOnlyList<OrderItem> Items { get; init; } = [];

    /// <summary>Of the status and of what was refunded, oldest first; empty while the order is as it was created.</summary>
    public IReadOnlyList<OrderChange> Changes { get; init; } = [];
    public string? Source { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The customer whose order it was before that one became part of this one.</summary>
    public string? MovedFrom { get; init; }

    /// <summary>The number it had there, when this one had another order under it.</summary>
    public string? MovedNumber { get; init; }

    /// <summary>The message that it is put down to. Set on every write (<see cref="Attribution"/>).</summary>
    public Credit? Credit { get; init; }

    /// <summary>Campaigns with a holdout that it counts in, by the ids of their messages; null: none.</summary>
    public IReadOnlyList<Exposure>? Compared { get; init; }

    /// <summary>What it adds to the customer's spend while it counts.</summary>
    [JsonIgnore]
    public long Net => Amount - Refunded;

    /// <summary>What it was created as.</summary>
    [JsonIgnore]
    public OrderStatus FirstStatus => Changes.Count > 0 ? Changes[0].From : Status;

    public static string IdOf(string orderNumber) => "order-" + CustomerIdentities.Escape(orderNumber);

    /// <summary>Sorts as the amount does: <see cref="OrderNormalizer.MaxAmount"/> has 13 digits at most.</summary>
    public static string AmountPrefix(long amount) => amount.ToString("D15", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>What the items cost together, in minor units; null without items.</summary>
    public static long? SumOf(IReadOnlyList<OrderItem>? items) => items is { Count: > 0 } ? items.Sum(i => i.Total()) : null;
}

/// <param name="UnitPrice">Minor units.</param>
public sealed record OrderItem(string Product, string? Category, decimal Quantity, long UnitPrice)
{
    /// <summary>Minor units, half to even.</summary>
    public long Total() => decimal.ToInt64(decimal.Round(Quantity * UnitPrice, 0, MidpointRounding.ToEven));
}

/// <param name="To">Equals <paramref name="From"/> when only the refunded amount changed.</param>
/// <param name="Refunded">Minor units given back in all, after the change.</param>
public sealed record OrderChange(DateTimeOffset At, OrderStatus From, OrderStatus To, long Refunded);
