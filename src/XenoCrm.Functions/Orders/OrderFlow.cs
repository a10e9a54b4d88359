namespace XenoCrm.Orders;

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
    /// <summary>Nothing is refunded that was not paid; what is delivered is not cancelled but refunded.</summary>
    public static ReadOnlySpan<OrderStatus> Next(OrderStatus from) => from switch
    {
        OrderStatus.Placed => [OrderStatus.Paid, OrderStatus.Shipped, OrderStatus.Delivered, OrderStatus.Cancelled],
        OrderStatus.Paid => [OrderStatus.Shipped, OrderStatus.Delivered, OrderStatus.Cancelled, OrderStatus.Refunded],
        OrderStatus.Shipped => [OrderStatus.Delivered, OrderStatus.Cancelled, OrderStatus.Refunded],
        OrderStatus.Delivered => [OrderStatus.Refunded],
        _ => [],
    };

    /// <summary>To stay is no step.</summary>
    public static bool Allows(OrderStatus from, OrderStatus to) => from == to || Next(from).Contains(to);

    /// <summary>Cancelled and refunded orders are no part of what a customer has spent.</summary>
    public static bool Counts(OrderStatus status) => status is not (OrderStatus.Cancelled or OrderStatus.Refunded);
}
