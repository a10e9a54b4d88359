using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>An order as the API shows it: money in major units.</summary>
/// <param name="Id"><c>{customerId}-{orderNumber}</c>, with <c>/ \ ? # % ~</c> of the number as <c>~</c> and two hex digits.</param>
public sealed record OrderView(
    string Id, string OrderNumber, string CustomerId, decimal Amount, string Currency, OrderStatus Status, DateTimeOffset PlacedAt,
    IReadOnlyList<OrderItemView> Items, string? Source, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

public sealed record OrderItemView(string Product, string? Category, decimal Quantity, decimal UnitPrice, decimal Total);

public sealed class OrderViews(IOptions<WorkspaceOptions> options)
{
    public string Currency { get; } = options.Value.Currency;

    public OrderView Of(Order o) => new(
        $"{o.CustomerId}-{CustomerIdentities.Escape(o.OrderNumber)}", o.OrderNumber, o.CustomerId, Money.ToMajor(o.Amount, o.Currency), o.Currency, o.Status, o.PlacedAt,
        [.. o.Items.Select(i => new OrderItemView(i.Product, i.Category, i.Quantity, Money.ToMajor(i.UnitPrice, o.Currency), Money.ToMajor(i.Total(), o.Currency)))],
        o.Source, o.CreatedAt, o.UpdatedAt);
}
