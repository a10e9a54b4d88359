using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Orders;

public sealed class OrderFunctions(ListOrders list, SaveOrder save, OrderViews views)
{
    [Function("ListOrders")]
    [RequireRole(Role.Viewer)]
    [Describe("List orders, newest first"), Paged, Answers(200, typeof(Page<OrderView>))]
    [Query("status", typeof(OrderStatus), "Only orders in this state")]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/orders")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await list.HandleAsync(request, null, cancellation));

    [Function("CreateOrder")]
    [RequireRole(Role.Manager)]
    [Describe("Create an order", "An order number is unique per customer: the same order again changes nothing (200), another under the number updates it.")]
    [Body(typeof(OrderInput)), Answers(201, typeof(OrderView)), Answers(200, typeof(OrderView)), Problems(404, 409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/orders")] HttpRequest request, CancellationToken cancellation)
    {
        var (order, isNew) = await save.UpsertAsync(await request.ReadAsync<OrderInput>(cancellation), cancellation);
        var view = views.Of(order.Value);
        return isNew ? Reply.Created($"/api/orders/{Uri.EscapeDataString(view.Id)}", view, order.ETag) : Reply.Ok(view, order.ETag);
    }

    [Function("BulkUpsertOrders")]
    [RequireRole(Role.Manager)]
    [Describe("Create or update up to 1,000 orders", "A bad item fails alone: 207, with a result per item.")]
    [Body(typeof(BulkOrdersRequest)), Answers(200, typeof(BulkResult)), Answers(207, typeof(BulkResult)), Problems(413, 415)]
    public async Task<IResult> Bulk(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/orders/bulk")] HttpRequest request, CancellationToken cancellation)
    {
        var result = await save.BulkAsync(await request.ReadAsync<BulkOrdersRequest>(cancellation), cancellation);
        return Reply.Status(result.Failed == 0 ? 200 : 207, result);
    }

    [Function("GetOrder")]
    [RequireRole(Role.Viewer)]
    [Describe("Read an order"), Answers(200, typeof(OrderView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/orders/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var order = await save.ReadAsync(id, cancellation);
        return Reply.Ok(views.Of(order.Value), order.ETag);
    }

    [Function("PatchOrder")]
    [RequireRole(Role.Manager)]
    [Describe("Change an order", "The status goes forward only: placed, paid, shipped, delivered; cancelled and refunded are final and leave the totals.")]
    [Body(typeof(OrderPatch), ContentTypes = ["application/merge-patch+json", "application/json"]), Answers(200, typeof(OrderView)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Patch(
        [HttpTrigger(AuthorizationLevel.Anonymous, "patch", Route = "api/orders/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var order = await save.PatchAsync(id, await request.ReadAsync<OrderPatch>(cancellation), request.IfMatch(), cancellation);
        return Reply.Ok(views.Of(order.Value), order.ETag);
    }

    [Function("DeleteOrder")]
    [RequireRole(Role.Manager)]
    [Describe("Delete an order", "The customer's totals follow at once."), Answers(204), Problems(404, 412)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/orders/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await save.DeleteAsync(id, request.IfMatch(), cancellation);
        return Reply.NoContent();
    }
}

/// <summary>Routes of a customer that concern its orders too.</summary>
public sealed class CustomerOrderFunctions(ListOrders list, DeleteCustomer delete)
{
    [Function("GetCustomerOverview")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a customer with its orders", "Profile, totals, segments and the newest orders: one query of one partition.")]
    [Answers(200, typeof(CustomerOverview)), Problems(404)]
    public async Task<IResult> Overview(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/{id}/overview")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var (overview, etag) = await list.OverviewAsync(id, cancellation);
        return Reply.Ok(overview, etag);
    }

    [Function("ListCustomerOrders")]
    [RequireRole(Role.Viewer)]
    [Describe("List a customer's orders, newest first"), Paged, Answers(200, typeof(Page<OrderView>)), Problems(404)]
    [Query("status", typeof(OrderStatus), "Only orders in this state")]
    public async Task<IResult> Orders(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/{id}/orders")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await list.HandleAsync(request, id, cancellation));

    [Function("DeleteCustomer")]
    [RequireRole(Role.Manager)]
    [Describe("Delete a customer", "Its orders and what identifies it go too."), Answers(204), Problems(404, 412)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/customers/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await delete.HandleAsync(id, request.IfMatch(), cancellation);
        return Reply.NoContent();
    }
}
