using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Orders;

public sealed class OrderFunctions(ListOrders list, SaveOrder save, BulkOrders bulk, ExportOrders export, OrderViews views)
{
    [Function("ListOrders")]
    [RequireRole(Role.Viewer)]
    [Describe("List orders", "A page is by key: an order that is there throughout is on one page once, whatever is written meanwhile."), Paged, Answers(200, typeof(Page<OrderView>))]
    [Query("customerId", typeof(string), "Only orders of this customer")]
    [OrderQueries]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/orders")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await list.HandleAsync(request, null, cancellation));

    [Function("CreateOrder")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Create an order", "An order number is unique per customer: the same order again changes nothing, and where it differs the members that are sent overwrite (200). The customer must exist; only bulk and imports create it.")]
    [Body(typeof(OrderInput)), Answers(201, typeof(OrderView)), Answers(200, typeof(OrderView)), Problems(404, 409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/orders")] HttpRequest request, CancellationToken cancellation)
    {
        var (order, isNew) = await save.UpsertAsync(await request.ReadAsync<OrderInput>(cancellation), cancellation);
        var view = views.Of(order.Value);
        return isNew ? Reply.Created($"/api/orders/{Uri.EscapeDataString(view.Id)}", view, order.ETag) : Reply.Ok(view, order.ETag);
    }

    [Function("BulkUpsertOrders")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Create or update up to 1,000 orders", "A bad item fails alone: 207, with a result per item. Two different orders under one number of one customer: the second fails.")]
    [Body(typeof(BulkOrdersRequest)), Answers(200, typeof(BulkResult)), Answers(207, typeof(BulkResult)), Problems(413, 415)]
    public async Task<IResult> Bulk(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/orders/bulk")] HttpRequest request, CancellationToken cancellation)
    {
        var result = await bulk.HandleAsync(await request.ReadAsync<BulkOrdersRequest>(cancellation), cancellation);
        return Reply.Status(result.Failed == 0 ? 200 : 207, result);
    }

    [Function("ExportOrders")]
    [RequireRole(Role.Viewer, Audited = true)]
    [Describe("Export orders as CSV", "The filters and the order of the list. The columns are those of an import: the file changes nothing when it is imported again.")]
    [Answers(200, typeof(string), ContentType = "text/csv")]
    [Query("customerId", typeof(string), "Only orders of this customer")]
    [OrderQueries]
    public Task<IResult> Export(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/orders/export")] HttpRequest request, CancellationToken cancellation) =>
        export.HandleAsync(request, cancellation);

    [Function("GetOrder")]
    [RequireRole(Role.Viewer)]
    [Describe("Read an order"), Answers(200, typeof(OrderView)), Problems(404, 409)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/orders/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var order = await save.ReadAsync(id, cancellation);
        return Reply.Ok(views.Of(order.Value), order.ETag);
    }

    [Function("PatchOrder")]
    [RequireRole(Role.Manager)]
    [Describe("Change an order", "JSON merge patch. The status goes forward only: placed, paid, shipped, delivered; cancelled and refunded are final and leave the totals. refundedAmount is what was given back so far in all.")]
    [Body(typeof(OrderPatch), ContentTypes = ["application/merge-patch+json", "application/json"]), Answers(200, typeof(OrderView)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Patch(
        [HttpTrigger(AuthorizationLevel.Anonymous, "patch", Route = "api/orders/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var order = await save.PatchAsync(id, await request.ReadAsync<JsonElement>(cancellation), request.IfMatch(), cancellation);
        return Reply.Ok(views.Of(order.Value), order.ETag);
    }

    [Function("DeleteOrder")]
    [RequireRole(Role.Manager)]
    [Describe("Delete an order", "The customer's totals follow at once."), Answers(204), Problems(404, 409, 412)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/orders/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await save.DeleteAsync(id, request.IfMatch(), cancellation);
        return Reply.NoContent();
    }
}

/// <summary>Routes of a customer that concern its orders too.</summary>
public sealed class CustomerOrderFunctions(ListOrders list, ReadOverview read, ReadTimeline timeline, DeleteCustomer delete)
{
    [Function("GetCustomerOverview")]
    [RequireRole(Role.Viewer)]
    [Describe("See a customer from all sides", "Profile, totals, segments, the newest orders, the last messages, the top categories: one query of one partition.")]
    [Answers(200, typeof(CustomerOverview)), Problems(404, 409)]
    public async Task<IResult> Overview(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/{id}/overview")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var (overview, etag) = await read.HandleAsync(id, cancellation);
        return Reply.Ok(overview, etag);
    }

    [Function("GetCustomerTimeline")]
    [RequireRole(Role.Viewer)]
    [Describe("Read what happened to a customer, newest first", "Orders and their changes, visits, messages, answers about consent, imports, merges; nothing that was not recorded.")]
    [Paged, Answers(200, typeof(Page<TimelineEvent>)), Problems(404, 409)]
    public async Task<IResult> Timeline(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/{id}/timeline")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await timeline.HandleAsync(request, id, cancellation));

    [Function("ListCustomerOrders")]
    [RequireRole(Role.Viewer)]
    [Describe("List a customer's orders"), Paged, Answers(200, typeof(Page<OrderView>)), Problems(404, 409)]
    [OrderQueries]
    public async Task<IResult> Orders(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/{id}/orders")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await list.HandleAsync(request, id, cancellation));

    [Function("DeleteCustomer")]
    [RequireRole(Role.Manager)]
    [Describe("Delete a customer", "Its orders and what identifies it go too."), Answers(204), Problems(404, 409, 412)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/customers/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await delete.HandleAsync(id, request.IfMatch(), cancellation);
        return Reply.NoContent();
    }

    [Function("FinishDeletions")]
    public Task Finish([TimerTrigger("0 */5 * * * *")] TimerInfo timer, CancellationToken cancellation) => delete.FinishAsync(cancellation);
}
