using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>
/// An order as stored: an item in its customer's partition of the container <c>customers</c>, so that it and the
/// customer's totals are written in one transaction.
/// </summary>
public sealed record Order
{
    public const string TypeName = "order";

    /// <summary>Unique within the customer: follows from the order number.</summary>
    public string Id => IdOf(OrderNumber);

    public string Type => TypeName;

    /// <summary>The partition key.</summary>
    public required string CustomerId { get; init; }

    /// <summary>As the shop numbers it.</summary>
    public required string OrderNumber { get; init; }

    /// <summary>Minor units.</summary>
    public required long Amount { get; init; }
    public required string Currency { get; init; }
    public OrderStatus Status { get; init; }
    public required DateTimeOffset PlacedAt { get; init; }
    public IReadOnlyList<OrderItem> Items { get; init; } = [];
    public string? Source { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Which rows of which import wrote last.</summary>
    public ImportMark? Import { get; init; }

    public static string IdOf(string orderNumber) => "order-" + CustomerIdentities.Escape(orderNumber);
}

/// <param name="UnitPrice">Minor units.</param>
public sealed record OrderItem(string Product, string? Category, decimal Quantity, long UnitPrice)
{
    /// <summary>Minor units, half to even.</summary>
    public long Total() => decimal.ToInt64(decimal.Round(Quantity * UnitPrice, 0, MidpointRounding.ToEven));
}

public enum OrderStatus
{
    Placed,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
    Refunded,
}

/// <summary>What an order's status may become. Steps may be left out, as shops do; none is taken back.</summary>
public static class OrderFlow
{
    public static bool Allows(OrderStatus from, OrderStatus to) => (from, to) switch
    {
        _ when from == to => true,
        (OrderStatus.Cancelled or OrderStatus.Refunded, _) => false,
        (OrderStatus.Delivered, OrderStatus.Cancelled) => false,
        (OrderStatus.Placed, OrderStatus.Refunded) => false,
        _ => to > from,
    };

    /// <summary>Cancelled and refunded orders are no part of what a customer has spent.</summary>
    public static bool Counts(OrderStatus status) => status is not (OrderStatus.Cancelled or OrderStatus.Refunded);
}
