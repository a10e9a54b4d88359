using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

public sealed class CustomerFunctions(
    ListCustomers list, ExportCustomers export, SaveCustomer save, BulkCustomers bulk, ChangeTags tags, RecordVisit visits, CustomerStore store, CustomerViews views)
{
    [Function("ListCustomers")]
    [RequireRole(Role.Viewer)]
    [Describe("List customers", "Newest first, unless sorted. A custom attribute is a filter too: attributes.shoeSize=38. A cursor belongs to its filter and order.")]
    [Paged, CustomerFilterParameters, Answers(200, typeof(Page<CustomerView>))]
    [Query("sort", typeof(string), "createdAt, updatedAt, lastActiveAt, totalSpend, orderCount or lastName; -totalSpend for descending order. Who has no such value comes last")]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await list.HandleAsync(request, cancellation));

    [Function("ExportCustomers")]
    [RequireRole(Role.Viewer, Audited = true)]
    [Describe("Export customers as CSV", "With the filters of the list. The file can be imported again; unchanged, it changes nothing. Cells that a spreadsheet would run as a formula begin with a quote.")]
    [CustomerFilterParameters, Answers(200, typeof(string), ContentType = "text/csv")]
    public Task<IResult> Export(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/export")] HttpRequest request, CancellationToken cancellation) =>
        export.HandleAsync(request, cancellation);

    [Function("CreateCustomer")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Create a customer", "One of externalId, email and phone is needed. Each belongs to one customer: a second is 409.")]
    [Body(typeof(CustomerInput)), Answers(201, typeof(CustomerView)), Problems(409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers")] HttpRequest request, CancellationToken cancellation)
    {
        var created = await save.CreateAsync(await request.ReadAsync<CustomerInput>(cancellation), cancellation, request.EffectId());
        return Reply.Created($"/api/customers/{created.Value.Id}", views.Of(created.Value), created.ETag);
    }

    [Function("BulkUpsertCustomers")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Create or update up to 1,000 customers", "Given members overwrite, absent ones stay. A bad item fails alone: 207, with a result per item, in their order; the pointers of its errors begin in the item.")]
    [Body(typeof(BulkCustomersRequest)), Answers(200, typeof(BulkResult)), Answers(207, typeof(BulkResult)), Problems(413, 415)]
    public async Task<IResult> Bulk(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers/bulk")] HttpRequest request, CancellationToken cancellation)
    {
        var result = await bulk.HandleAsync(await request.ReadAsync<BulkCustomersBody>(cancellation, Json.StrictList), cancellation);
        return Reply.Status(result.Failed == 0 ? 200 : 207, result);
    }

    [Function("GetCustomer")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a customer"), Answers(200, typeof(CustomerView)), Problems(404, 409)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await store.ReadAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException());

    [Function("ReplaceCustomer")]
    [RequireRole(Role.Manager)]
    [Describe("Replace a customer's profile", "Absent members are cleared, except consent. Totals, visits and segments are not part of the profile.")]
    [Body(typeof(CustomerInput)), Answers(200, typeof(CustomerView)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Replace(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = "api/customers/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await save.ReplaceAsync(id, await request.ReadAsync<CustomerInput>(cancellation), request.IfMatch(), cancellation));

    [Function("PatchCustomer")]
    [RequireRole(Role.Manager)]
    [Describe("Change a customer", "JSON merge patch (RFC 7396): null removes a member, attributes and consent are merged key by key. Consent is changed, never removed; of two answers the later holds.")]
    [Body(typeof(CustomerInput), ContentTypes = ["application/merge-patch+json", "application/json"]), Answers(200, typeof(CustomerView)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Patch(
        [HttpTrigger(AuthorizationLevel.Anonymous, "patch", Route = "api/customers/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await save.PatchAsync(id, await request.ReadAsync<JsonObject>(cancellation), request.IfMatch(), cancellation));

    [Function("RecordVisit")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Count a visit", "With an id of yours the same visit can be sent again without being counted again."), Body(typeof(VisitInput)), Answers(200, typeof(CustomerView)), Problems(404, 409, 413, 415)]
    public async Task<IResult> Visit(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers/{id}/visits")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await visits.HandleAsync(id, await request.ReadAsync<VisitInput>(cancellation), cancellation, request.EffectId()));

    [Function("ChangeCustomerTags")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Give and take tags", "The other tags stay. Tags are compared whatever the case.")]
    [Body(typeof(TagsInput)), Answers(200, typeof(CustomerView)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Tags(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers/{id}/tags")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await tags.HandleAsync(id, await request.ReadAsync<TagsInput>(cancellation), request.IfMatch(), cancellation));

    private IResult Answer(Versioned<Customer> customer) => Reply.Ok(views.Of(customer.Value), customer.ETag);
}
