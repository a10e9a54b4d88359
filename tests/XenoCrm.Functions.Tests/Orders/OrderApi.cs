using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>The routes of orders, called as the host calls them: a body and a query in, a status and a body out, problems included.</summary>
internal sealed class OrderApi(CrmHarness crm)
{
    private readonly OrderFunctions orders = crm.Create<OrderFunctions>();
    private readonly CustomerOrderFunctions customers = crm.Create<CustomerOrderFunctions>();
    private readonly CustomerFunctions profile = crm.Create<CustomerFunctions>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Task<ApiAnswer> CreateAsync(string body) => SendAsync(r => orders.Create(r, Cancellation), body);

    public Task<ApiAnswer> CreateAsync(string customer, string number, decimal amount, string more = "") =>
        CreateAsync(FormattableString.Invariant($$"""{ "customer": { "externalId": "{{customer}}" }, "orderNumber": "{{number}}", "amount": {{amount}}{{(more.Length > 0 ? ", " + more : "")}} }"""));

    public Task<ApiAnswer> BulkAsync(string body) => SendAsync(r => orders.Bulk(r, Cancellation), body);

    public Task<ApiAnswer> GetAsync(string id) => SendAsync(r => orders.Get(r, id, Cancellation));

    public Task<ApiAnswer> PatchAsync(string id, string body, string? ifMatch = null) => SendAsync(r => orders.Patch(r, id, Cancellation), body, ifMatch: ifMatch);

    public Task<ApiAnswer> DeleteAsync(string id, string? ifMatch = null) => SendAsync(r => orders.Delete(r, id, Cancellation), ifMatch: ifMatch);

    public Task<ApiAnswer> ListAsync(string query = "", string? customerId = null) =>
        SendAsync(r => customerId is null ? orders.List(r, Cancellation) : customers.Orders(r, customerId, Cancellation), query: query);

    public Task<ApiAnswer> ExportAsync(string query = "") => SendAsync(r => orders.Export(r, Cancellation), query: query);

    public Task<ApiAnswer> OverviewAsync(string customerId) => SendAsync(r => customers.Overview(r, customerId, Cancellation));

    public Task<ApiAnswer> TimelineAsync(string customerId, string query = "") => SendAsync(r => customers.Timeline(r, customerId, Cancellation), query: query);

    public Task<ApiAnswer> DeleteCustomerAsync(string customerId, string? ifMatch = null) => SendAsync(r => customers.Delete(r, customerId, Cancellation), ifMatch: ifMatch);

    public Task<ApiAnswer> CreateCustomerAsync(string body) => SendAsync(r => profile.Create(r, Cancellation), body);

    public Task<ApiAnswer> PatchCustomerAsync(string id, string body) => SendAsync(r => profile.Patch(r, id, Cancellation), body);

    public Task<ApiAnswer> VisitAsync(string id, string body) => SendAsync(r => profile.Visit(r, id, Cancellation), body);

    /// <returns>The id.</returns>
    public async Task<string> CustomerAsync(string externalId) =>
        (await CreateCustomerAsync($$"""{ "externalId": "{{externalId}}" }""")).ShouldBe(201)["id"].GetString()!;

    /// <summary>Every page of a list.</summary>
    public static async Task<List<JsonElement>> AllAsync(Func<string, Task<ApiAnswer>> list, string query = "")
    {
        var items = new List<JsonElement>();
        for (var cursor = ""; ;)
        {
            var page = (await list($"?{query}{cursor}")).ShouldBe(200);
            items.AddRange(page["items"].EnumerateArray());
            if (!page.Body.TryGetProperty("next", out var next))
            {
                return items;
            }

            cursor = $"&cursor={next.GetString()}";
        }
    }

    /// <summary>All customers, after a check that each one's totals are those of its orders, and that no order is without its customer.</summary>
    public async Task<IReadOnlyList<Customer>> CheckedAsync()
    {
        var all = await crm.CheckedCustomersAsync();
        var stored = await crm.AllAsync<JsonElement>(CustomerStore.ContainerName);
        var byCustomer = stored.Where(i => i.GetProperty("type").GetString() == Order.TypeName).Select(i => i.Deserialize<Order>(Platform.Json.Options)!).ToLookup(o => o.CustomerId);
        byCustomer.Select(o => o.Key).Except(all.Select(c => c.Id)).ShouldBeEmpty("orders without a customer");
        foreach (var customer in all)
        {
            // Not by the product's own sum: what the totals mean, said again.
            var counted = byCustomer[customer.Id].Where(o => o.Status is not (OrderStatus.Cancelled or OrderStatus.Refunded)).ToList();
            (customer.TotalSpend, customer.OrderCount, customer.FirstOrderAt, customer.LastOrderAt).ShouldBe((
                counted.Sum(o => o.Amount - o.Refunded), counted.Count,
                counted.Count > 0 ? counted.Min(o => o.PlacedAt) : null, counted.Count > 0 ? counted.Max(o => o.PlacedAt) : null));
            customer.AverageOrderValue.ShouldBe(counted.Count > 0 ? (long)Math.Round((decimal)customer.TotalSpend / counted.Count, MidpointRounding.ToEven) : null);
            customer.Categories.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => (c.Key, c.Value.Count, c.Value.Spend, c.Value.LastAt)).ShouldBe(counted
                .SelectMany(o => o.Items.Where(i => i.Category is not null).GroupBy(i => i.Category!).Select(g => (Category: g.Key, Spend: g.Sum(i => (long)Math.Round(i.Quantity * i.UnitPrice, MidpointRounding.ToEven)), o.PlacedAt)))
                .GroupBy(c => c.Category).OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => (g.Key, g.Count(), g.Sum(c => c.Spend), g.Max(c => c.PlacedAt))));
        }

        return all;
    }

    private Task<ApiAnswer> SendAsync(Func<HttpRequest, Task<IResult>> call, string? body = null, string query = "", string? ifMatch = null) =>
        ApiCall.SendAsync(crm.Services, call, body, "application/json", query, ifMatch);
}
