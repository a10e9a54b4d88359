using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>Mutated bodies by every route that takes one: each is taken or refused with a code, and the totals stay right.</summary>
public sealed class OrderFuzzTests
{
    private const int Bodies = 4000;

    private static readonly string[] Values =
    [
        .. JsonFuzz.Values, "-12.5", "-0.01", "-7", "\"2023-02-29\"", "\"29/02/2023\"", "\"2023-13-01\"", "\"0001-01-01T00:00:00-14:00\"", "\"refunded\"", "\"cancelled\"", "\"PAID\"", "[{\"product\":\"x\"}]", "[{\"product\":\"x\",\"quantity\":1e6,\"unitPrice\":1e9}]", "{\"id\":\"00000000000000000000000000000000\"}",
        "{\"externalId\":\"A\"}", "{\"email\":\"no\"}", "{\"phone\":\"12\"}", "{\"id\":\"\",\"externalId\":\"A\"}",
    ];

    [Fact]
    public async Task No_body_is_a_5xx_and_each_refusal_has_a_code()
    {
        await using var crm = await Customers.CrmHarness.StartAsync();
        var api = new OrderApi(crm);
        await api.CustomerAsync("A");
        const string Order = """{ "orderNumber": "n1", "customer": { "externalId": "A" }, "amount": 12.5, "refundedAmount": 0, "currency": "USD", "status": "paid", "placedAt": "2026-01-31T08:15:00Z", "source": "x", "items": [ { "product": "Tea", "category": "Drinks", "quantity": 2, "unitPrice": 6.25 } ] }""";
        const string Patch = """{ "status": "shipped", "amount": 20, "refundedAmount": 1, "placedAt": "2026-02-01T00:00:00Z", "items": [ { "product": "Cup", "category": "Pots", "quantity": 1, "unitPrice": 20 } ], "source": "y" }""";
        var id = (await api.CreateAsync(Order)).ShouldBe(201)["id"].GetString()!;

        var fuzz = new JsonFuzz(20_261, Values, ["amount", "status", "items", "customer", "orderNumber", "product"], ["Amount", "amount", "source", "\\u0061mount", ""]);
        var (random, codes) = (fuzz.Random, fuzz.Codes);
        for (var i = 0; i < Bodies; i++)
        {
            var kind = random.Next(4);
            var body = fuzz.Mutate(kind switch
            {
                0 => Patch,
                1 => $$"""{ "items": [ {{Order}}, {{Order.Replace("n1", "n2")}}, {{Order.Replace("12.5", "13")}} ] }""",
                _ => Order.Replace("n1", $"n{random.Next(5)}"),
            });
            var answer = kind switch
            {
                0 => await api.PatchAsync(id, body),
                1 => await api.BulkAsync(body),
                _ => await api.CreateAsync(body),
            };
            if (fuzz.Judge(answer, body, out var about))
            {
                if (kind == 1)
                {
                    codes.UnionWith(answer["items"].EnumerateArray().Where(r => r.TryGetProperty("code", out _)).Select(r => r.GetProperty("code").GetString()!));
                    answer["items"].EnumerateArray().ShouldAllBe(r => r.GetProperty("outcome").GetString() != "failed" || r.GetProperty("code").GetString()!.Contains('.'), about);
                }
            }

            // The order that is patched comes back when a body made it final.
            if (i % 50 == 49)
            {
                await api.DeleteAsync(id);
                (await api.CreateAsync(Order)).Status.ShouldBeOneOf(200, 201);
            }
        }

        // The mutations reach what they are for.
        string[] reached =
        [
            "request.invalid", "request.json_malformed", "order.amount_negative", "order.amount_too_large", "order.currency_unsupported",
            "order.customer_unknown", "order.date_invalid", "order.duplicate", "order.item_invalid", "order.refund_invalid", "order.status_invalid",
        ];
        reached.Except(codes).ShouldBeEmpty();
        fuzz.Taken.ShouldBeGreaterThan(Bodies / 40);
        fuzz.Refused.ShouldBeGreaterThan(Bodies / 4);
        await api.CheckedAsync();
    }
}
