using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>An order as the API shows it: money in major units.</summary>
/// <param name="Id"><c>{customerId}-{orderNumber}</c>, with <c>/ \ ? # % ~</c> of the number as <c>~</c> and two hex digits.</param>
/// <param name="RefundedAmount">Given back so far in all.</param>
/// <param name="ItemsTotal">What the items cost together; null without items.</param>
/// <param name="Warnings"><c>order.amount_differs</c>: the amount is not the items' sum (shipping, tax, a discount, or a mistake).</param>
/// <param name="Credit">The campaign's message that the order is put down to: the one clicked last before it, else the one delivered last.</param>
/// <param name="History">The status it was created with, and every change of it or of what was given back since.</param>
public sealed record OrderView(
    string Id, string OrderNumber, string CustomerId, decimal Amount, decimal RefundedAmount, string Currency, OrderStatus Status, DateTimeOffset PlacedAt,
    IReadOnlyList<OrderItemView> Items, decimal? ItemsTotal, IReadOnlyList<string>? Warnings, IReadOnlyList<OrderStepView> History,
    string? Source, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, Credit? Credit);

public sealed record OrderItemView(string Product, string? Category, decimal Quantity, decimal UnitPrice, decimal Total);

/// <param name="RefundedAmount">Given back in all by then; null for what the order was created as.</param>
public sealed record OrderStepView(OrderStatus Status, DateTimeOffset At, decimal? RefundedAmount);

public sealed class OrderViews(IOptions<WorkspaceOptions> options)
{
    private static readonly string[] AmountDiffers = [OrderCodes.AmountDiffers];

    public string Currency { get; } = options.Value.Currency;

    public static string IdOf(string customerId, string orderNumber) => $"{customerId}-{CustomerIdentities.Escape(orderNumber)}";

    public OrderView Of(Order o)
    {
        var sum = Order.SumOf(o.Items);
        return new(
            IdOf(o.CustomerId, o.OrderNumber), o.OrderNumber, o.CustomerId, Major(o.Amount, o), Major(o.Refunded, o), o.Currency, o.Status, o.PlacedAt,
            [.. o.Items.Select(i => new OrderItemView(i.Product, i.Category, i.Quantity, Major(i.UnitPrice, o), Major(i.Total(), o)))],
            sum is { } total ? Major(total, o) : null, sum is not null && sum != o.Amount ? AmountDiffers : null, History(o),
            o.Source, o.CreatedAt, o.UpdatedAt, o.Credit);
    }

    private static OrderStepView[] History(Order o)
    {
        // When a placed order was placed is known; when it came into another state before it was sent here is not.
        var first = o.FirstStatus;
        return
        [
            new(first, first == OrderStatus.Placed ? o.PlacedAt : o.CreatedAt, null),
            .. o.Changes.Select(c => new OrderStepView(c.To, c.At, Major(c.Refunded, o))),
        ];
    }

    private static decimal Major(long minor, Order o) => Money.ToMajor(minor, o.Currency);
}
