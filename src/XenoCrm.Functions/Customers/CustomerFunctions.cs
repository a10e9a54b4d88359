using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Customers;

public sealed class CustomerFunctions(
    ListCustomers list, SaveCustomer save, BulkCustomers bulk, RecordVisit visits, CustomerStore store, CustomerViews views)
{
    [Function("ListCustomers")]
    [RequireRole(Role.Viewer)]
    [Describe("List customers, newest first"), Paged, Answers(200, typeof(Page<CustomerView>))]
    [Query("q", typeof(string), "Begins a name, the company, the email, the phone or the external id, whatever the case")]
    [Query("email", typeof(string), "Exactly this address, whatever the case")]
    [Query("externalId", typeof(string), "Exactly this external id")]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await list.HandleAsync(request, cancellation));

    [Function("CreateCustomer")]
    [RequireRole(Role.Manager)]
    [Describe("Create a customer", "One of externalId, email and phone is needed. Each belongs to one customer: a second is 409.")]
    [Body(typeof(CustomerInput)), Answers(201, typeof(CustomerView)), Problems(409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers")] HttpRequest request, CancellationToken cancellation)
    {
        var created = await save.CreateAsync(await request.ReadAsync<CustomerInput>(cancellation), cancellation);
        return Reply.Created($"/api/customers/{created.Value.Id}", views.Of(created.Value), created.ETag);
    }

    [Function("BulkUpsertCustomers")]
    [RequireRole(Role.Manager)]
    [Describe("Create or update up to 1,000 customers", "Given members overwrite, absent ones stay. A bad item fails alone: 207, with a result per item.")]
    [Body(typeof(BulkCustomersRequest)), Answers(200, typeof(BulkResult)), Answers(207, typeof(BulkResult)), Problems(413, 415)]
    public async Task<IResult> Bulk(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers/bulk")] HttpRequest request, CancellationToken cancellation)
    {
        var result = await bulk.HandleAsync(await request.ReadAsync<BulkCustomersRequest>(cancellation), cancellation);
        return Reply.Status(result.Failed == 0 ? 200 : 207, result);
    }

    [Function("GetCustomer")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a customer"), Answers(200, typeof(CustomerView)), Problems(404)]
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
    [Describe("Change a customer", "JSON merge patch (RFC 7396): null removes a member. Consent is changed, never removed.")]
    [Body(typeof(CustomerInput), ContentTypes = ["application/merge-patch+json", "application/json"]), Answers(200, typeof(CustomerView)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Patch(
        [HttpTrigger(AuthorizationLevel.Anonymous, "patch", Route = "api/customers/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await save.PatchAsync(id, await request.ReadAsync<JsonObject>(cancellation), request.IfMatch(), cancellation));

    [Function("RecordVisit")]
    [RequireRole(Role.Manager)]
    [Describe("Count a visit"), Body(typeof(VisitInput)), Answers(200, typeof(CustomerView)), Problems(404, 413, 415)]
    public async Task<IResult> Visit(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers/{id}/visits")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await visits.HandleAsync(id, await request.ReadAsync<VisitInput>(cancellation), cancellation));

    private IResult Answer(Versioned<Customer> customer) => Reply.Ok(views.Of(customer.Value), customer.ETag);
}
