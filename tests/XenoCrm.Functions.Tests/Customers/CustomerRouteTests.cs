using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Orders;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>What the routes of customers and orders say: statuses, headers, bodies, problems.</summary>
public sealed class CustomerRouteTests : IAsyncLifetime
{
    private CrmHarness crm = null!;
    private CustomerFunctions customers = null!;
    private OrderFunctions orders = null!;
    private CustomerOrderFunctions customerOrders = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        customers = crm.Create<CustomerFunctions>();
        orders = crm.Create<OrderFunctions>();
        customerOrders = crm.Create<CustomerOrderFunctions>();
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    [Fact]
    public async Task A_customer_is_created_read_changed_and_deleted()
    {
        var created = await CallAsync(r => customers.Create(r, default),
            """{ "externalId": "A1", "email": "Maria@Example.com", "firstName": "Maria", "tags": ["vip"], "attributes": { "shoe": 38 }, "consent": { "email": { "state": "granted" } } }""");
        created.Status.ShouldBe(201);
        var id = created.Body.GetProperty("id").GetString()!;
        created.Headers.Location.ToString().ShouldBe($"/api/customers/{id}");
        created.Body.GetProperty("totalSpend").GetDecimal().ShouldBe(0);
        created.Body.GetProperty("consent").GetProperty("email").GetProperty("source").GetString().ShouldBe("api");

        (await ProblemAsync(r => customers.Create(r, default), """{ "email": "maria@EXAMPLE.com" }""")).ShouldBe((409, "customer.exists"));
        var read = await CallAsync(r => customers.Get(r, id, default));
        read.Headers.ETag.ShouldBe(created.Headers.ETag);

        var patched = await CallAsync(r => customers.Patch(r, id, default), """{ "firstName": null, "city": "Bern", "attributes": { "shoe": null, "hat": "L" }, "consent": { "email": { "state": "withdrawn" } } }""", read.Headers.ETag!);
        patched.Body.TryGetProperty("firstName", out _).ShouldBeFalse();
        patched.Body.GetProperty("email").GetString().ShouldBe("Maria@Example.com");
        patched.Body.GetProperty("attributes").GetRawText().ShouldBe("""{"hat":"L"}""");
        patched.Body.GetProperty("consent").GetProperty("email").GetProperty("state").GetString().ShouldBe("withdrawn");
        patched.Body.GetProperty("consent").GetProperty("email").GetProperty("at").GetDateTimeOffset().ShouldBeGreaterThan(read.Body.GetProperty("consent").GetProperty("email").GetProperty("at").GetDateTimeOffset());
        (await ProblemAsync(r => customers.Patch(r, id, default), """{ "city": "Chur" }""", read.Headers.ETag!)).ShouldBe((412, "request.etag_stale"));
        (await ProblemAsync(r => customers.Patch(r, id, default), """{ "birthday": "29/02/2023" }""")).ShouldBe((400, "request.invalid"));
        (await ProblemAsync(r => customers.Patch(r, id, default), """{ "nonsense": 1 }""")).ShouldBe((400, "request.invalid"));
        (await ProblemAsync(r => customers.Patch(r, id, default), """[1]""")).Status.ShouldBe(400);

        var replaced = await CallAsync(r => customers.Replace(r, id, default), """{ "externalId": "A1", "phone": "+41446681800" }""");
        replaced.Body.TryGetProperty("email", out _).ShouldBeFalse();
        replaced.Body.GetProperty("consent").GetProperty("email").GetProperty("state").GetString().ShouldBe("withdrawn", "consent is not cleared by a form that does not mention it");

        // The address that was given up is free.
        (await CallAsync(r => customers.Create(r, default), """{ "email": "maria@example.com" }""")).Status.ShouldBe(201);
        (await ProblemAsync(r => customers.Patch(r, id, default), """{ "email": "maria@example.com" }""")).ShouldBe((409, "customer.identity_conflict"));

        (await CallAsync(r => customerOrders.Delete(r, id, default))).Status.ShouldBe(204);
        (await ProblemAsync(r => customers.Get(r, id, default))).ShouldBe((404, "customer.not_found"));
        (await ProblemAsync(r => customerOrders.Delete(r, id, default))).ShouldBe((404, "customer.not_found"));
        (await ProblemAsync(r => customers.Replace(r, id, default), """{ "externalId": "A1" }""")).ShouldBe((404, "customer.not_found"));
        (await CallAsync(r => customers.Create(r, default), """{ "externalId": "A1" }""")).Body.GetProperty("id").GetString().ShouldNotBe(id);
        await crm.CheckedCustomersAsync();
    }

    [Fact]
    public async Task Bad_bodies_name_what_is_wrong()
    {
        (await ProblemAsync(r => customers.Create(r, default), """{ "externalId": "A", "email": "nope" }""")).ShouldBe((400, "request.invalid"));
        (await ProblemAsync(r => customers.Create(r, default), """{ "firstName": "Maria" }""")).ShouldBe((400, "request.invalid"));
        (await ProblemAsync(r => customers.Create(r, default), """{ "externalId": 5 }""")).ShouldBe((400, "request.invalid"));
        (await ProblemAsync(r => customers.Create(r, default), """{ "externalId": "\ud800" """)).Status.ShouldBe(400);
        (await ProblemAsync(r => customers.Create(r, default), """{ "externalId": "\ud800" }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => customers.Create(r, default), """{ "externalId": "A", "attributes": { "x": "\ud800" } }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => customers.Create(r, default), """{ "externalId": "A", "attributes": { "x": 1e400 } }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => customers.Create(r, default), """{ "externalId": "A", "consent": { "email": null } }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => customers.Bulk(r, default), """{ "items": [] }""")).ShouldBe((400, "request.invalid"));
        (await ProblemAsync(r => orders.Bulk(r, default), """{ "items": [null] }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => customers.Bulk(r, default), """{ }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => orders.Create(r, default), """{ "orderNumber": "1", "customer": { "externalId": "A" }, "amount": 1e40 }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => orders.Create(r, default), """{ "orderNumber": "1", "customer": { "externalId": "A" }, "amount": 1, "items": [null] }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => orders.Create(r, default), """{ "orderNumber": "1", "customer": { "externalId": "A" }, "amount": 1, "items": [{ "product": "x", "quantity": 1e28, "unitPrice": 1e28 }] }""")).Status.ShouldBe(400);
        (await ProblemAsync(r => orders.Create(r, default), """{ "orderNumber": "1", "customer": { "externalId": "A" }, "amount": 5 }""")).ShouldBe((404, "order.customer_unknown"));
        (await ProblemAsync(r => orders.Get(r, "nonsense", default))).ShouldBe((404, "order.not_found"));
        (await ProblemAsync(r => customers.Visit(r, new string('0', 32), default), "{}")).ShouldBe((404, "customer.not_found"));
    }

    [Fact]
    public async Task Bulk_says_what_became_of_each_item()
    {
        var body = """{ "items": [ { "externalId": "A", "email": "a@x.org" }, { "externalId": "B", "email": "nope" }, { "externalId": "C", "email": "a@x.org" }, { "email": "A@x.org", "city": "Bern" } ] }""";
        var answer = await CallAsync(r => customers.Bulk(r, default), body);
        answer.Status.ShouldBe(207);
        answer.Body.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("outcome").GetString()).ShouldBe(["created", "failed", "failed", "updated"]);
        answer.Body.GetProperty("items")[1].GetProperty("errors").TryGetProperty("/email", out _).ShouldBeTrue();
        answer.Body.GetProperty("items")[2].GetProperty("code").GetString().ShouldBe("customer.identity_conflict");
        var again = await CallAsync(r => customers.Bulk(r, default), """{ "items": [ { "externalId": "A", "email": "A@x.org" } ] }""");
        (again.Status, again.Body.GetProperty("unchanged").GetInt32()).ShouldBe((200, 1));
    }

    [Fact]
    public async Task Customers_are_listed_in_pages_and_found()
    {
        await crm.Writer.UpsertAsync(
            [.. Enumerable.Range(0, 25).Select(i => new UpsertRow(new() { ExternalId = $"E{i:00}", Email = $"p{i}@x.org", LastName = i < 5 ? "Ånders" : "Muster" }, i))], new("test"), default);
        var seen = new List<string>();
        for (var cursor = "";;)
        {
            var page = await CallAsync(r => customers.List(r, default), query: $"?limit=10{cursor}");
            seen.AddRange(page.Body.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("externalId").GetString()!));
            if (!page.Body.TryGetProperty("next", out var next))
            {
                break;
            }

            cursor = $"&cursor={next.GetString()}";
        }

        seen.Order().ShouldBe(Enumerable.Range(0, 25).Select(i => $"E{i:00}"));
        async Task<int> CountAsync(string query) => (await CallAsync(r => customers.List(r, default), query: query)).Body.GetProperty("items").GetArrayLength();
        (await CountAsync("?q=muST")).ShouldBe(20);
        (await CountAsync("?q=e0")).ShouldBe(10);
        (await CountAsync("?email=P3@X.org")).ShouldBe(1);
        (await CountAsync("?externalId=e03")).ShouldBe(0);
        (await CountAsync("?externalId=E03&email=p4@x.org")).ShouldBe(0);
        (await ProblemAsync(r => customers.List(r, default), query: "?cursor=x")).ShouldBe((400, "request.cursor_invalid"));
    }

    [Fact]
    public async Task Orders_are_sent_twice_listed_and_seen_with_their_customer()
    {
        var id = (await CallAsync(r => customers.Create(r, default), """{ "externalId": "A" }""")).Body.GetProperty("id").GetString()!;
        const string order = """{ "orderNumber": "2026/1", "customer": { "externalId": "A" }, "amount": 12.345, "placedAt": "2026-01-31T10:00:00+02:00", "items": [{ "product": "Tea", "category": "Drinks", "quantity": 2, "unitPrice": 6.17 }] }""";
        var created = await CallAsync(r => orders.Create(r, default), order);
        created.Status.ShouldBe(201);
        created.Body.GetProperty("amount").GetDecimal().ShouldBe(12.34m, "half to even");
        created.Body.GetProperty("placedAt").GetString().ShouldBe("2026-01-31T08:00:00.000Z");
        var orderId = created.Body.GetProperty("id").GetString()!;
        var again = await CallAsync(r => orders.Create(r, default), order);
        (again.Status, again.Headers.ETag).ShouldBe((200, created.Headers.ETag));

        for (var i = 0; i < 12; i++)
        {
            await CallAsync(r => orders.Create(r, default), $$"""{ "orderNumber": "{{i}}", "customer": { "id": "{{id}}" }, "amount": 1, "placedAt": "2026-02-{{i + 1:00}}" }""");
        }

        var overview = await CallAsync(r => customerOrders.Overview(r, id, default));
        overview.Body.GetProperty("customer").GetProperty("totalSpend").GetDecimal().ShouldBe(24.34m);
        overview.Body.GetProperty("customer").GetProperty("categories").GetProperty("Drinks").GetProperty("spend").GetDecimal().ShouldBe(12.34m);
        overview.Body.GetProperty("orders").GetArrayLength().ShouldBe(13);
        crm.Log.Reset();
        await CallAsync(r => customerOrders.Overview(r, id, default));
        crm.Log.Count.ShouldBe(1);

        var first = await CallAsync(r => customerOrders.Orders(r, id, default), query: "?limit=5");
        var second = await CallAsync(r => customerOrders.Orders(r, id, default), query: $"?limit=100&cursor={first.Body.GetProperty("next").GetString()}");
        first.Body.GetProperty("items").EnumerateArray().Concat(second.Body.GetProperty("items").EnumerateArray()).Select(o => o.GetProperty("orderNumber").GetString())
            .ShouldBe([.. Enumerable.Range(0, 12).Reverse().Select(i => $"{i}"), "2026/1"]);

        var patched = await CallAsync(r => orders.Patch(r, orderId, default), """{ "status": "paid" }""", created.Headers.ETag!);
        patched.Body.GetProperty("status").GetString().ShouldBe("paid");
        (await ProblemAsync(r => orders.Patch(r, orderId, default), """{ "status": "placed" }""")).ShouldBe((409, "order.status_invalid"));
        (await CallAsync(r => orders.Patch(r, orderId, default), """{ "status": "refunded" }""")).Status.ShouldBe(200);
        (await CallAsync(r => customers.Get(r, id, default))).Body.GetProperty("totalSpend").GetDecimal().ShouldBe(12m);
        (await CallAsync(r => orders.List(r, default), query: "?status=refunded")).Body.GetProperty("items").GetArrayLength().ShouldBe(1);
        (await CallAsync(r => orders.Delete(r, orderId, default))).Status.ShouldBe(204);
        (await ProblemAsync(r => orders.Delete(r, orderId, default))).ShouldBe((404, "order.not_found"));
        (await ProblemAsync(r => customerOrders.Orders(r, new string('0', 32), default))).ShouldBe((404, "customer.not_found"));
    }

    [Fact]
    public async Task Visits_are_counted_exactly_by_many()
    {
        var id = (await CallAsync(r => customers.Create(r, default), """{ "externalId": "A" }""")).Body.GetProperty("id").GetString()!;
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => CallAsync(r => customers.Visit(r, id, default), $$"""{ "at": "2026-01-{{i + 1:00}}" }""")));
        var customer = (await CallAsync(r => customers.Get(r, id, default))).Body;
        customer.GetProperty("visits").GetInt32().ShouldBe(20);
        customer.GetProperty("lastActiveAt").GetString().ShouldBe("2026-01-20T00:00:00.000Z");
        (await ProblemAsync(r => customers.Visit(r, id, default), """{ "at": "2999-01-01" }""")).ShouldBe((400, "request.invalid"));
    }

    private async Task<(int Status, JsonElement Body, IHeaderDictionary HeaderDictionary)> ExecuteAsync(Func<HttpRequest, Task<IResult>> call, string? body, string? ifMatch, string query)
    {
        var http = new DefaultHttpContext { RequestServices = crm.Services };
        var response = new MemoryStream();
        http.Response.Body = response;
        http.Request.QueryString = new(query);
        if (body is not null)
        {
            http.Request.ContentType = "application/json";
            http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        }

        if (ifMatch is not null)
        {
            http.Request.Headers.IfMatch = ifMatch;
        }

        try
        {
            await (await call(http.Request)).ExecuteAsync(http);
        }
        catch (ProblemException exception)
        {
            await ProblemMiddleware.WriteAsync(http, exception.Problem);
        }

        return (http.Response.StatusCode, response.Length == 0 ? default : JsonElement.Parse(response.ToArray()), http.Response.Headers);
    }

    private async Task<(int Status, JsonElement Body, IHeaderDictionary Headers)> CallAsync(Func<HttpRequest, Task<IResult>> call, string? body = null, string? ifMatch = null, string query = "")
    {
        var answer = await ExecuteAsync(call, body, ifMatch, query);
        answer.Status.ShouldBeLessThan(300, answer.Body.ValueKind == JsonValueKind.Undefined ? "" : answer.Body.GetRawText());
        return answer;
    }

    private async Task<(int Status, string Code)> ProblemAsync(Func<HttpRequest, Task<IResult>> call, string? body = null, string? ifMatch = null, string query = "")
    {
        var answer = await ExecuteAsync(call, body, ifMatch, query);
        answer.Status.ShouldBeGreaterThanOrEqualTo(400);
        return (answer.Status, answer.Body.GetProperty("code").GetString()!);
    }
}
