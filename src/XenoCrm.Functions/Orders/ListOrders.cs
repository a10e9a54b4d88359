using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;
using XenoCrm.Platform.Http;

namespace XenoCrm.Orders;

/// <summary>Lists orders of all customers or of one.</summary>
public sealed class ListOrders(OrderStore orders, CustomerStore customers, OrderViews views, Cursors cursors)
{
    /// <param name="customerId">Null: as the query says.</param>
    public async Task<Page<OrderView>> HandleAsync(HttpRequest request, string? customerId, CancellationToken cancellation)
    {
        var filter = OrderFilter.Of(request, customerId, views.Currency);
        var page = PageRequest.From(request, cursors, filter.ListName());

        // One more than asked for: it says whether there is another page.
        var found = await orders.PageAsync(filter, page.Position, page.Limit + 1, cancellation);
        if (customerId is not null && found.Count == 0 && page.Position is null && await customers.ReadAsync(customerId, cancellation) is null)
        {
            throw new CustomerNotFound(customerId).ToException();
        }

        var shown = found.Take(page.Limit).ToList();
        return new([.. shown.Select(views.Of)], found.Count > page.Limit ? cursors.Protect(filter.ListName(), filter.KeyOf(shown[^1])) : null);
    }
}
