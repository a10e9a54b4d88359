using Microsoft.AspNetCore.Http;
using XenoCrm.Orders;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

/// <summary>The routes of customers, called as the host calls them: a body and a query in, a status and a body out, problems included.</summary>
internal sealed class CustomerApi(CrmHarness crm)
{
    private readonly CustomerFunctions customers = crm.Create<CustomerFunctions>();
    private readonly AttributeFunctions attributes = crm.Create<AttributeFunctions>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Task<ApiAnswer> CreateAsync(string body) => SendAsync(r => customers.Create(r, Cancellation), body);

    public Task<ApiAnswer> BulkAsync(string body) => SendAsync(r => customers.Bulk(r, Cancellation), body);

    public Task<ApiAnswer> GetAsync(string id) => SendAsync(r => customers.Get(r, id, Cancellation));

    public Task<ApiAnswer> PutAsync(string id, string body, string? ifMatch = null) => SendAsync(r => customers.Replace(r, id, Cancellation), body, ifMatch: ifMatch);

    public Task<ApiAnswer> PatchAsync(string id, string body, string? ifMatch = null) => SendAsync(r => customers.Patch(r, id, Cancellation), body, ifMatch: ifMatch);

    public Task<ApiAnswer> TagsAsync(string id, string body) => SendAsync(r => customers.Tags(r, id, Cancellation), body);

    public Task<ApiAnswer> VisitAsync(string id, string body) => SendAsync(r => customers.Visit(r, id, Cancellation), body);

    public Task<ApiAnswer> ListAsync(string query = "") => SendAsync(r => customers.List(r, Cancellation), query: query);

    public Task<ApiAnswer> ExportAsync(string query = "") => SendAsync(r => customers.Export(r, Cancellation), query: query);

    public Task<ApiAnswer> AttributesAsync() => SendAsync(r => attributes.List(r, Cancellation));

    public Task<ApiAnswer> DeclareAsync(string key, string body) => SendAsync(r => attributes.Declare(r, key, Cancellation), body);

    public Task<ApiAnswer> RemoveAsync(string key) => SendAsync(r => attributes.Delete(r, key, Cancellation));

    /// <returns>The id.</returns>
    public async Task<string> AddAsync(string body) => (await CreateAsync(body)).ShouldBe(201)["id"].GetString()!;

    /// <summary>The external ids of every page of a list, in their order.</summary>
    public async Task<List<string>> FindAsync(string query)
    {
        var items = await OrderApi.AllAsync(ListAsync, query);
        return [.. items.Select(i => i.GetProperty("externalId").GetString()!)];
    }

    private Task<ApiAnswer> SendAsync(Func<HttpRequest, Task<IResult>> call, string? body = null, string query = "", string? ifMatch = null) =>
        ApiCall.SendAsync(crm.Services, call, body, "application/merge-patch+json", query, ifMatch);
}
