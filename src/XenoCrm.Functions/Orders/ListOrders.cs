using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Orders;

/// <param name="Orders">The newest first, at most <see cref="ListOrders.OverviewOrders"/>.</param>
public sealed record CustomerOverview(CustomerView Customer, IReadOnlyList<OrderView> Orders);

/// <summary>Lists orders, newest first, of all customers or of one.</summary>
public sealed class ListOrders(OrderStore orders, CustomerStore customers, OrderViews views, CustomerViews customerViews, Cursors cursors)
{
    public const int OverviewOrders = 100;

    public async Task<Page<OrderView>> HandleAsync(HttpRequest request, string? customerId, CancellationToken cancellation)
    {
        var status = Status(request);
        var list = $"orders/{customerId}?status={status}";
        var page = PageRequest.From(request, cursors, list);
        var found = await orders.PageAsync(customerId, status, page.Position, page.Limit, cancellation);
        if (customerId is not null && found.Orders.Count == 0 && page.Position is null && await customers.ReadAsync(customerId, cancellation) is null)
        {
            throw new CustomerNotFound(customerId).ToException();
        }

        return new([.. found.Orders.Select(views.Of)], found.Continuation is null ? null : cursors.Protect(list, found.Continuation));
    }

    /// <summary>Profile, totals and orders: they share a partition, so it is one query.</summary>
    public async Task<(CustomerOverview Overview, string ETag)> OverviewAsync(string customerId, CancellationToken cancellation)
    {
        var all = await orders.ReadAllAsync(customerId, cancellation) ?? throw new CustomerNotFound(customerId).ToException();
        var newest = all.Orders.Values.Select(o => o.Value).OrderByDescending(o => o.PlacedAt).Take(OverviewOrders);
        return (new(customerViews.Of(all.Customer.Value), [.. newest.Select(views.Of)]), all.Customer.ETag);
    }

    private static OrderStatus? Status(HttpRequest request)
    {
        var text = request.Query["status"].ToString();
        return text.Length == 0 ? null
            : Enum.TryParse<OrderStatus>(text, ignoreCase: true, out var status) && Enum.IsDefined(status) && !char.IsAsciiDigit(text[0]) ? status
            : throw RequestInvalid.At("/status", $"One of {string.Join(", ", Enum.GetNames<OrderStatus>()).ToLowerInvariant()} is expected.").ToException();
    }
}
