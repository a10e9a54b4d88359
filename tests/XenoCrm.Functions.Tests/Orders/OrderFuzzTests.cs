using System.Text;
using System.Text.RegularExpressions;

namespace XenoCrm.Orders;

/// <summary>Mutated bodies by every route that takes one: each is taken or refused with a code, and the totals stay right.</summary>
public sealed partial class OrderFuzzTests
{
    private const int Bodies = 4000;

    private static readonly string[] Values =
    [
        "1e400", "-1e400", "NaN", "Infinity", "1e28", "1e-28", "-1", "0", "0.005", "79228162514264337593543950335", "99999999999999999999999999999", "1E9", "\"12\"", "\"\"", "null", "true",
        "[]", "{}", "[null]", "\"\\ud800\"", "\"\\u0000\"", "\"\\u202e\"", "\"=cmd|' /C calc'!A0\"", "\"9999-12-31T23:59:59Z\"", "\"0001-01-01T00:00:00-14:00\"", "\"2023-02-29\"", "\"29/02/2023\"",
        "\"2026-01-31\"", "\"refunded\"", "\"cancelled\"", "\"PAID\"", "\"a/b?c#d%20\"", "\"😀\"", "[{\"product\":\"x\"}]", "[{\"product\":\"x\",\"quantity\":1e6,\"unitPrice\":1e9}]", "{\"id\":\"00000000000000000000000000000000\"}",
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

        const int Seed = 20_261;
        var random = new Random(Seed);
        var (taken, refused) = (0, 0);
        var codes = new HashSet<string>();
        for (var i = 0; i < Bodies; i++)
        {
            var kind = random.Next(4);
            var body = Mutate(random, kind switch
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
            var about = $"seed {Seed}, body {i} of kind {kind}: {body}\n{answer.Text}";
            answer.Status.ShouldBeLessThan(500, about);
            if (answer.Status < 300)
            {
                taken++;
                if (kind == 1)
                {
                    codes.UnionWith(answer["items"].EnumerateArray().Where(r => r.TryGetProperty("code", out _)).Select(r => r.GetProperty("code").GetString()!));
                    answer["items"].EnumerateArray().ShouldAllBe(r => r.GetProperty("outcome").GetString() != "failed" || r.GetProperty("code").GetString()!.Contains('.'), about);
                }
            }
            else
            {
                refused++;
                codes.Add(answer["code"].GetString().ShouldNotBeNull(about));
            }

            // The order that is patched comes back when a body made it final.
            if (i % 50 == 49)
            {
                await api.DeleteAsync(id);
                (await api.CreateAsync(Order)).Status.ShouldBeOneOf(200, 201);
            }
        }

        // The mutations reach what they are for.
        codes.ShouldAllBe(code => code.Contains('.'));
        string[] reached =
        [
            "request.invalid", "request.json_malformed", "order.amount_negative", "order.amount_too_large", "order.currency_unsupported",
            "order.customer_unknown", "order.date_invalid", "order.duplicate", "order.item_invalid", "order.refund_invalid", "order.status_invalid",
        ];
        reached.Except(codes).ShouldBeEmpty();
        taken.ShouldBeGreaterThan(Bodies / 40);
        refused.ShouldBeGreaterThan(Bodies / 4);
        await api.CheckedAsync();
    }

    private static string Mutate(Random random, string body)
    {
        for (var mutation = random.Next(1, 4); mutation > 0; mutation--)
        {
            switch (random.Next(6))
            {
                case < 3:
                    // Another value for some member.
                    var members = Member().Matches(body);
                    if (members.Count > 0)
                    {
                        var value = members[random.Next(members.Count)].Groups["value"];
                        body = string.Concat(body.AsSpan(0, value.Index), Values[random.Next(Values.Length)], body.AsSpan(value.Index + value.Length));
                    }

                    break;
                case 3:
                    // A member of another name.
                    body = body.Replace(new[] { "amount", "status", "items", "customer", "orderNumber", "product" }[random.Next(6)], new[] { "Amount", "amount", "source", "\\u0061mount", "" }[random.Next(5)]);
                    break;
                case 4:
                    var text = new StringBuilder(body);
                    var at = random.Next(text.Length);
                    text.Remove(at, Math.Min(random.Next(1, 12), text.Length - at));
                    body = text.ToString();
                    break;
                default:
                    var from = random.Next(body.Length);
                    body = body.Insert(random.Next(body.Length), body.Substring(from, random.Next(body.Length - from)));
                    break;
            }
        }

        return body;
    }

    [GeneratedRegex("""
        "\w+":\s(?<value>"[^"]*"|[-+.\w]+|\[[^\]]*\]|\{[^}]*\})
        """, RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace, 1000)]
    private static partial Regex Member();
}
