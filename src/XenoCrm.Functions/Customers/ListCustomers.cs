using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Http;

namespace XenoCrm.Customers;

/// <summary>Lists customers page by page: searched, filtered and sorted.</summary>
public sealed class ListCustomers(CustomerStore store, CustomerFilters filters, CustomerViews views, Cursors cursors)
{
    private static readonly string[] OtherParameters = ["sort", "limit", "cursor"];

    public async Task<Page<CustomerView>> HandleAsync(HttpRequest request, CancellationToken cancellation)
    {
        var sort = CustomerSort.From(request);
        var query = await filters.ReadAsync(request, OtherParameters, cancellation);
        var list = $"customers?{query?.Text}&sort={sort.Name}";
        if (query is null)
        {
            return new([], null);
        }

        // One more than the page: it says whether there is another page.
        var page = PageRequest.From(request, cursors, list);
        var found = new List<Customer>(page.Limit + 1);
        foreach (var (filter, orderBy) in sort.Queries(query.Filter, page.Position))
        {
            if (found.Count <= page.Limit)
            {
                found.AddRange(await store.SortedPageAsync(filter, orderBy, page.Limit + 1 - found.Count, cancellation));
            }
        }

        var items = found.Count > page.Limit ? found[..page.Limit] : found;
        return new([.. items.Select(views.Of)], found.Count > page.Limit ? cursors.Protect(list, sort.PositionOf(items[^1])) : null);
    }
}
