using System.Text.Json;
using XenoCrm.Platform;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>Single orders over their routes: what is written, what is refused, and the customer's totals after each.</summary>
public sealed class OrderRouteTests : IAsyncLifetime
{
    private CrmHarness crm = null!;
    private OrderApi api = null!;
    private string customerId = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        api = new(crm);
        customerId = await api.CustomerAsync("A");
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private async Task<Customer> CustomerAsync() => (await api.CheckedAsync()).Single(c => c.Id == customerId);

    private static string?[] Statuses(ApiAnswer order) => [.. order["history"].EnumerateArray().Select(h => h.GetProperty("status").GetString())];

    [Fact]
    public async Task An_order_is_created_read_changed_and_deleted()
    {
        var created = (await api.CreateAsync("A", "a/1", 12.34m, """ "placedAt": "2026-01-31T08:15:00.1239Z", "items": [ { "product": "Tea", "category": "Drinks", "quantity": 2, "unitPrice": 6.17 } ] """)).ShouldBe(201);
        var id = created["id"].GetString()!;
        id.ShouldBe($"{customerId}-a~2f1");
        created.Headers.Location.ToString().ShouldBe($"/api/orders/{Uri.EscapeDataString(id)}");
        (created["amount"].GetDecimal(), created["itemsTotal"].GetDecimal(), created["status"].GetString(), created["currency"].GetString()).ShouldBe((12.34m, 12.34m, "placed", "USD"));
        created.Body.TryGetProperty("warnings", out _).ShouldBeFalse();
        created["placedAt"].GetString().ShouldBe("2026-01-31T08:15:00.123Z");

        var read = (await api.GetAsync(id)).ShouldBe(200);
        read.Headers.ETag.ShouldBe(created.Headers.ETag);
        read.Text.ShouldBe(created.Text);

        (await api.PatchAsync(id, """{ "amount": 15, "source": "shop" }""", read.Headers.ETag!)).ShouldBe(200)["warnings"][0].GetString().ShouldBe("order.amount_differs");
        (await api.PatchAsync(id, """{ "amount": 16 }""", read.Headers.ETag!)).ShouldBeProblem(412, "request.etag_stale");
        (await CustomerAsync()).TotalSpend.ShouldBe(1500);

        var same = (await api.PatchAsync(id, """{ "amount": 15 }""")).ShouldBe(200);
        (await api.PatchAsync(id, "{}")).ShouldBe(200).Headers.ETag.ShouldBe(same.Headers.ETag, "nothing was written");

        (await api.DeleteAsync(id, read.Headers.ETag!)).ShouldBeProblem(412, "request.etag_stale");
        (await api.DeleteAsync(id, same.Headers.ETag!)).ShouldBe(204);
        (await api.DeleteAsync(id)).ShouldBeProblem(404, "order.not_found");
        (await api.GetAsync(id)).ShouldBeProblem(404, "order.not_found");
        (await CustomerAsync()).LastOrderAt.ShouldBeNull();
    }

    [Fact]
    public async Task The_same_order_again_changes_nothing_and_what_differs_is_updated()
    {
        const string Order = """{ "customer": { "externalId": "A" }, "orderNumber": "1", "amount": 10, "placedAt": "2026-01-31T08:15:00.12345Z", "status": "paid", "items": [ { "product": "Tea", "quantity": 1.50, "unitPrice": 2 } ] }""";
        var first = (await api.CreateAsync(Order)).ShouldBe(201);
        (await api.CreateAsync(Order)).ShouldBe(200).Headers.ETag.ShouldBe(first.Headers.ETag);

        // Absent members stay; the others overwrite.
        var second = (await api.CreateAsync("A", "1", 11)).ShouldBe(200);
        second.Headers.ETag.ShouldNotBe(first.Headers.ETag);
        (second["amount"].GetDecimal(), second["status"].GetString(), second["items"].GetArrayLength()).ShouldBe((11, "paid", 1));
        (await CustomerAsync()).TotalSpend.ShouldBe(1100);
    }

    [Fact]
    public async Task Every_step_of_the_flow_is_taken_or_refused()
    {
        // What a shop can do, written down again: a step that is not here is refused.
        Dictionary<string, string[]> flow = new()
        {
            ["placed"] = ["paid", "shipped", "delivered", "cancelled"],
            ["paid"] = ["shipped", "delivered", "cancelled", "refunded"],
            ["shipped"] = ["delivered", "cancelled", "refunded"],
            ["delivered"] = ["refunded"],
            ["cancelled"] = [],
            ["refunded"] = [],
        };
        foreach (var from in flow.Keys)
        {
            foreach (var to in flow.Keys)
            {
                var created = (await api.CreateAsync("A", $"{from}-{to}", 10, $"\"status\": \"{from}\"")).ShouldBe(201);
                var id = created["id"].GetString()!;
                var answer = await api.PatchAsync(id, $$"""{ "status": "{{to}}" }""");
                if (from == to)
                {
                    answer.ShouldBe(200).Headers.ETag.ShouldBe(created.Headers.ETag);
                }
                else if (flow[from].Contains(to))
                {
                    Statuses(answer.ShouldBe(200)).ShouldBe([from, to]);
                    var step = answer["history"][1];
                    step.GetProperty("at").GetDateTimeOffset().ShouldBe(answer["updatedAt"].GetDateTimeOffset());
                    answer["refundedAmount"].GetDecimal().ShouldBe(to == "refunded" ? 10 : 0);
                }
                else
                {
                    answer.ShouldBeProblem(409, "order.status_invalid");
                    (await api.CreateAsync("A", $"{from}-{to}", 10, $"\"status\": \"{to}\"")).ShouldBeProblem(409, "order.status_invalid");
                    Statuses(await api.GetAsync(id)).ShouldBe([from]);
                }
            }
        }

        await api.CheckedAsync();
    }

    [Fact]
    public async Task A_part_and_then_all_is_refunded()
    {
        var id = (await api.CreateAsync("A", "1", 10, """ "status": "paid" """)).ShouldBe(201)["id"].GetString()!;
        await api.CreateAsync("A", "2", 5);
        var part = (await api.PatchAsync(id, """{ "refundedAmount": 2.50 }""")).ShouldBe(200);
        (part["refundedAmount"].GetDecimal(), part["status"].GetString(), part["amount"].GetDecimal()).ShouldBe((2.50m, "paid", 10));
        (await api.PatchAsync(id, """{ "refundedAmount": 2.50 }""")).Headers.ETag.ShouldBe(part.Headers.ETag, "a repeat gives nothing back twice");
        var customer = await CustomerAsync();
        (customer.TotalSpend, customer.OrderCount, customer.AverageOrderValue).ShouldBe((1250, 2, 625));

        (await api.PatchAsync(id, """{ "refundedAmount": 10.01 }""")).ShouldBeProblem(409, "order.refund_invalid");
        (await api.PatchAsync(id, """{ "amount": 2 }""")).ShouldBeProblem(409, "order.refund_invalid");
        (await api.PatchAsync(id, """{ "status": "refunded", "refundedAmount": 3 }""")).ShouldBeProblem(409, "order.refund_invalid");
        (await api.PatchAsync(id, """{ "status": "shipped", "refundedAmount": 10 }""")).ShouldBeProblem(409, "order.refund_invalid");
        var all = (await api.PatchAsync(id, """{ "refundedAmount": 10 }""")).ShouldBe(200);
        all["status"].GetString().ShouldBe("refunded");
        Statuses(all).ShouldBe(["paid", "paid", "refunded"]);
        all["history"].EnumerateArray().Skip(1).Select(h => h.GetProperty("refundedAmount").GetDecimal()).ShouldBe([2.50m, 10]);
        customer = await CustomerAsync();
        (customer.TotalSpend, customer.OrderCount).ShouldBe((500, 1));

        (await api.CreateAsync("A", "2", 5, """ "refundedAmount": 1 """)).ShouldBeProblem(409, "order.refund_invalid");
        (await api.CreateAsync("A", "3", 5, """ "refundedAmount": -1 """)).ShouldBeProblem(400, "request.invalid", "/refundedAmount");
    }

    [Fact]
    public async Task Changes_are_bounded()
    {
        var id = (await api.CreateAsync("A", "1", 100, """ "status": "paid" """))["id"].GetString()!;
        for (var i = 1; i <= Order.MaxChanges; i++)
        {
            (await api.PatchAsync(id, $$"""{ "refundedAmount": {{i}} }""")).ShouldBe(200);
        }

        (await api.PatchAsync(id, """{ "refundedAmount": 99 }""")).ShouldBeProblem(409, "order.too_many_changes");
        (await api.PatchAsync(id, """{ "amount": 101 }""")).ShouldBe(200);
    }

    [Fact]
    public async Task Items_are_summed_when_there_is_no_amount_and_compared_when_there_is()
    {
        const string Items = """ "items": [ { "product": "Tea", "quantity": 3, "unitPrice": 0.335 }, { "product": "Cup", "quantity": 0.5, "unitPrice": 1.01 } ] """;
        var summed = (await api.CreateAsync($$"""{ "customer": { "externalId": "A" }, "orderNumber": "1", {{Items}} }""")).ShouldBe(201);
        (summed["amount"].GetDecimal(), summed["itemsTotal"].GetDecimal()).ShouldBe((1.52m, 1.52m), "prices are in cents: 3 × 0.34 and half of 1.01, to even");
        (await api.CreateAsync("A", "2", 2, Items)).ShouldBe(201)["warnings"][0].GetString().ShouldBe("order.amount_differs");
        (await api.CreateAsync("""{ "customer": { "externalId": "A" }, "orderNumber": "3" }""")).ShouldBeProblem(400, "request.invalid", "/amount");

        var id = summed["id"].GetString()!;
        (await api.PatchAsync(id, """{ "items": null }""")).ShouldBe(200)["items"].GetArrayLength().ShouldBe(0);
        (await api.PatchAsync(id, """{ "amount": null }""")).ShouldBeProblem(400, "request.invalid", "/amount");
        (await api.GetAsync(id))["amount"].GetDecimal().ShouldBe(1.52m);
    }

    [Theory]
    [InlineData(""" "amount": 1e400 """, "/amount")]
    [InlineData(""" "amount": 1e40 """, "/amount")]
    [InlineData(""" "amount": "12" """, "/amount")]
    [InlineData(""" "amount": -1 """, "/amount")]
    [InlineData(""" "amount": 1000000001 """, "/amount")]
    [InlineData(""" "amount": true """, "/amount")]
    [InlineData(""" "amount": 1, "currency": "EUR" """, "/currency")]
    [InlineData(""" "amount": 1, "placedAt": "9999-12-31T00:00:00Z" """, "/placedAt")]
    [InlineData(""" "amount": 1, "placedAt": "0001-01-01T00:00:00Z" """, "/placedAt")]
    [InlineData(""" "amount": 1, "placedAt": "29/02/2023" """, "/placedAt")]
    [InlineData(""" "amount": 1, "placedAt": 5 """, "/placedAt")]
    [InlineData(""" "amount": 1, "status": "lost" """, "/status")]
    [InlineData(""" "amount": 1, "status": 2 """, "/status")]
    [InlineData(""" "amount": 1, "nonsense": 2 """, "/nonsense")]
    [InlineData(""" "amount": 1, "items": [ { "product": "x", "quantity": -1 } ] """, "/items/0")]
    [InlineData(""" "amount": 1, "items": [ { "product": "x", "quantity": 0 } ] """, "/items/0")]
    [InlineData(""" "amount": 1, "items": [ { "product": "x", "quantity": "1" } ] """, "/items/0/quantity")]
    [InlineData(""" "amount": 1, "items": [ { "product": "x", "quantity": 0.1234567 } ] """, "/items/0/quantity")]
    [InlineData(""" "amount": 1, "items": [ { "product": "x", "unitPrice": -1 } ] """, "/items/0")]
    [InlineData(""" "amount": 1, "items": [ { "product": "" } ] """, "/items/0")]
    [InlineData(""" "amount": 1, "items": [ { "category": "c" } ] """, "/items/0")]
    [InlineData(""" "amount": 1, "items": [ { "product": "x", "quantity": 1e28, "unitPrice": 1e28 } ] """, "/items/0")]
    [InlineData(""" "items": [ { "product": "x", "quantity": 1, "unitPrice": 1e9 }, { "product": "y", "unitPrice": 1 } ] """, "/items")]
    public async Task A_bad_value_is_named_and_nothing_is_written(string members, string pointer)
    {
        var answer = await api.CreateAsync($$"""{ "customer": { "externalId": "A" }, "orderNumber": "1", {{members}} }""");
        answer.ShouldBeProblem(400, "request.invalid");
        answer["errors"].EnumerateObject().Select(e => e.Name).ShouldAllBe(name => name.StartsWith(pointer), answer.Text);
        (await CustomerAsync()).OrderCount.ShouldBe(0);
    }

    [Fact]
    public async Task A_bad_body_is_refused()
    {
        (await api.CreateAsync("""{ "amount": NaN }""")).ShouldBeProblem(400, "request.json_malformed");
        (await api.CreateAsync("[]")).Status.ShouldBe(400);
        (await api.CreateAsync("null")).Status.ShouldBe(400);
        (await api.CreateAsync("""{ "orderNumber": "1", "amount": 1 }""")).ShouldBeProblem(400, "request.invalid", "/customer");
        (await api.CreateAsync("""{ "customer": { "externalId": "A" }, "amount": 1 }""")).ShouldBeProblem(400, "request.invalid", "/orderNumber");
        (await api.CreateAsync("A", new string('9', 101), 1)).ShouldBeProblem(400, "request.invalid", "/orderNumber");
        (await api.CreateAsync("A", "\\u0000", 1)).ShouldBeProblem(400, "request.invalid", "/orderNumber");
        (await api.CreateAsync("A", "\\ud800", 1)).Status.ShouldBe(400);
        (await api.CreateAsync("nobody", "1", 1)).ShouldBeProblem(404, "order.customer_unknown");
        (await api.CreateAsync($$"""{ "customer": { "id": "{{new string('0', 32)}}" }, "orderNumber": "1", "amount": 1 }""")).ShouldBeProblem(404, "order.customer_unknown");
        var items = string.Join(", ", Enumerable.Repeat("""{ "product": "x" }""", 1000));
        (await api.CreateAsync("A", "1", 1, $"\"items\": [ {items} ]")).ShouldBeProblem(400, "request.invalid", "/items");
        foreach (var patch in new[] { "[]", "null", "5", "\"x\"", """{ "orderNumber": "2" }""", """{ "status": null }""", """{ "items": [ null ] }""", """{ "amount": 1, "amount": "x" }""", """{ "source": "\ud800" }""" })
        {
            (await api.PatchAsync($"{customerId}-none", patch)).Status.ShouldBe(400, patch);
        }

        (await api.GetAsync("nonsense")).ShouldBeProblem(404, "order.not_found");
        (await api.GetAsync($"{customerId}-")).ShouldBeProblem(404, "order.not_found");
        (await api.GetAsync($"{customerId}-{new string('x', 3000)}")).ShouldBeProblem(404, "order.not_found");
    }

    [Fact]
    public async Task A_bulk_may_say_again_what_an_order_was_and_a_single_order_may_not()
    {
        static string Bulk(string more) => $$"""{ "createMissingCustomers": true, "items": [ { "customer": { "externalId": "A" }, "orderNumber": "1", "amount": 10{{more}} } ] }""";
        string[] steps = ["", """, "status": "paid", "refundedAmount": 0""", """, "status": "refunded" """];
        foreach (var step in steps)
        {
            (await api.BulkAsync(Bulk(step))).ShouldBe(200);
        }

        foreach (var step in steps.Append(""", "status": "placed" """))
        {
            (await api.BulkAsync(Bulk(step))).ShouldBe(200)["unchanged"].GetInt32().ShouldBe(1, step);
        }

        // It has never been shipped: that is no repetition.
        (await api.BulkAsync(Bulk(""", "status": "shipped" """))).ShouldBe(207)["items"][0].GetProperty("code").GetString().ShouldBe("order.status_invalid");
        (await api.CreateAsync("A", "1", 10, "\"status\": \"paid\"")).ShouldBeProblem(409, "order.status_invalid");
        (await api.PatchAsync($"{customerId}-1", """{ "status": "paid" }""")).ShouldBeProblem(409, "order.status_invalid");
        Statuses(await api.GetAsync($"{customerId}-1")).ShouldBe(["placed", "paid", "refunded"]);
        await api.CheckedAsync();
    }

    [Fact]
    public async Task A_bulk_says_what_became_of_each_item()
    {
        var answer = await api.BulkAsync("""
            { "createMissingCustomers": true, "items": [
              { "customer": { "externalId": "A" }, "orderNumber": "1", "amount": 1 },
              { "customer": { "externalId": "A" }, "orderNumber": "1", "amount": 1 },
              { "customer": { "externalId": "A" }, "orderNumber": "1", "amount": 2 },
              { "customer": { "externalId": "B" }, "orderNumber": "1", "amount": 3 },
              { "customer": { "externalId": "B" }, "orderNumber": "2", "amount": -3 },
              { "customer": { "externalId": "B" }, "orderNumber": "3", "amount": 3, "currency": "EUR" },
              { "customer": { "externalId": "B" }, "orderNumber": "4", "amount": 3, "placedAt": "9999-01-01T00:00:00Z" } ] }
            """);
        answer.ShouldBe(207);
        var items = answer["items"].EnumerateArray().ToList();
        items.Select(i => i.GetProperty("outcome").GetString()).ShouldBe(["created", "unchanged", "failed", "created", "failed", "failed", "failed"]);
        items.Where(i => i.TryGetProperty("code", out _)).Select(i => i.GetProperty("code").GetString())
            .ShouldBe(["order.duplicate", "order.amount_negative", "order.currency_unsupported", "order.date_invalid"]);
        items[0].GetProperty("id").GetString().ShouldBe($"{customerId}-1");
        (answer["created"].GetInt32(), answer["unchanged"].GetInt32(), answer["failed"].GetInt32()).ShouldBe((2, 1, 4));

        (await api.BulkAsync("""{ "items": [ { "customer": { "externalId": "nobody" }, "orderNumber": "1", "amount": 1 } ] }"""))
            .ShouldBe(207)["items"][0].GetProperty("code").GetString().ShouldBe("order.customer_unknown");
        var many = string.Join(",", Enumerable.Range(0, 1001).Select(i => $$"""{"customer":{"externalId":"A"},"orderNumber":"m{{i}}","amount":1}"""));
        (await api.BulkAsync($$"""{ "items": [ {{many}} ] }""")).ShouldBeProblem(400, "request.invalid", "/items");
        (await api.BulkAsync($$"""{ "items": [ {{many[..many.LastIndexOf(",{", StringComparison.Ordinal)]}} ] }""")).ShouldBe(200)["created"].GetInt32().ShouldBe(1000);
        (await CustomerAsync()).OrderCount.ShouldBe(1001);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_whose_process_dies_is_whole_or_not_at_all(bool isStored)
    {
        const string Refund = """{ "refundedAmount": 4, "status": "shipped" }""";
        foreach (var number in new[] { "1", "2", "3" })
        {
            (await api.CreateAsync("A", number, 10, $$""" "status": "paid", "placedAt": "2026-01-0{{number}}T00:00:00Z" """)).ShouldBe(201);
        }

        async Task DieAsync(Func<Task> change)
        {
            crm.Log.Reset();
            crm.Log.CrashBeforeWrite = isStored ? null : 1;
            crm.Log.CrashAfterWrite = isStored ? 1 : null;
            await Should.ThrowAsync<Exception>(change);
            crm.Log.Reset();
            await api.CheckedAsync();
        }

        await DieAsync(() => api.PatchAsync($"{customerId}-1", Refund));
        (await api.PatchAsync($"{customerId}-1", Refund)).ShouldBe(200)["history"].GetArrayLength().ShouldBe(2);
        (await CustomerAsync()).TotalSpend.ShouldBe(2600);

        // The last order: which is the last now is summed up from all.
        await DieAsync(() => api.DeleteAsync($"{customerId}-3"));
        (await api.DeleteAsync($"{customerId}-3")).Status.ShouldBe(isStored ? 404 : 204);
        var customer = await CustomerAsync();
        (customer.TotalSpend, customer.LastOrderAt).ShouldBe((1600, new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero)));
    }
}
