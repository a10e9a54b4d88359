using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>Lists: every filter and sort against a plain list, and pages while others write.</summary>
public sealed class OrderListTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private CrmHarness crm = null!;
    private OrderApi api = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        api = new(crm);
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private sealed record Made(string Customer, string Number, decimal Amount, int Day, string Status, string[] Categories);

    private static OrderRow Row(Made m, int row)
    {
        var draft = OrderNormalizer.Normalize(
            new()
            {
                OrderNumber = m.Number, Customer = new() { ExternalId = m.Customer }, Amount = m.Amount, PlacedAt = Start.AddDays(m.Day),
                Status = Enum.Parse<OrderStatus>(m.Status, ignoreCase: true), Items = [.. m.Categories.Select(c => new OrderItemInput("x", c, 1, 1))],
            }, "USD", []);
        return new(draft!, row);
    }

    /// <summary>Many times and amounts are equal, and numbers repeat over customers.</summary>
    private async Task<List<Made>> MakeAsync(int count)
    {
        var random = new Random(4);
        var made = Enumerable.Range(0, count).Select(i => new Made(
            $"C{random.Next(7)}", $"{i / 3}-{i % 3}", random.Next(1, 5) * 2.5m, random.Next(6), new[] { "placed", "paid", "cancelled" }[random.Next(3)],
            [.. new[] { "Tea", "Cups", "Pots" }.Where(_ => random.Next(3) == 0)])).ToList();
        (await crm.Orders.UpsertAsync([.. made.Select(Row)], new("test", CreateMissingCustomers: true), TestContext.Current.CancellationToken))
            .ShouldAllBe(r => r.Outcome == WriteOutcome.Created);
        return made;
    }

    private static string Name(JsonElement order) => order.GetProperty("orderNumber").GetString()!;

    [Fact]
    public async Task Every_filter_and_sort_is_that_of_a_plain_list()
    {
        var made = await MakeAsync(150);
        (string Query, Func<Made, bool> Matches)[] filters =
        [
            ("", _ => true),
            ("status=paid", m => m.Status == "paid"),
            ("orderNumber=7-1", m => m.Number == "7-1"),
            ("from=2026-01-03", m => m.Day >= 2),
            ("to=2026-01-03T00:00:00Z", m => m.Day < 2),
            ("from=2026-01-02&to=2026-01-04", m => m.Day is 1 or 2),
            ("minAmount=5", m => m.Amount >= 5),
            ("maxAmount=7.50", m => m.Amount <= 7.5m),
            ("minAmount=5&maxAmount=5.00", m => m.Amount == 5),
            ("category=Tea", m => m.Categories.Contains("Tea")),
            ("category=tea", _ => false),
            ("category=Cups&status=placed&minAmount=2.5&from=2026-01-02", m => m.Categories.Contains("Cups") && m.Status == "placed" && m.Day >= 1),
        ];
        (string Query, Func<IEnumerable<JsonElement>, IEnumerable<JsonElement>> Sort)[] sorts =
        [
            ("", o => o.OrderByDescending(x => x.GetProperty("placedAt").GetDateTimeOffset())),
            ("sort=-placedAt", o => o.OrderByDescending(x => x.GetProperty("placedAt").GetDateTimeOffset())),
            ("sort=placedAt", o => o.OrderBy(x => x.GetProperty("placedAt").GetDateTimeOffset())),
            ("sort=-amount", o => o.OrderByDescending(x => x.GetProperty("amount").GetDecimal())),
            ("sort=amount", o => o.OrderBy(x => x.GetProperty("amount").GetDecimal())),
        ];
        var found = 0;
        foreach (var (filter, matches) in filters)
        {
            foreach (var (sort, inOrder) in sorts)
            {
                var all = await OrderApi.AllAsync(q => api.ListAsync(q), $"{filter}&{sort}&limit=40");
                all.Select(Name).Order().ShouldBe(made.Where(matches).Select(m => m.Number).Order(), $"{filter} {sort}");
                inOrder(all).Select(o => o.GetRawText()).ShouldBe(all.Select(o => o.GetRawText()), $"{filter} {sort}");
                found += all.Count;
            }
        }

        found.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public async Task A_customers_orders_are_its_own()
    {
        var made = await MakeAsync(60);
        var customers = (await api.CheckedAsync()).ToDictionary(c => c.ExternalId!, c => c.Id);
        foreach (var (externalId, id) in customers)
        {
            var expected = made.Where(m => m.Customer == externalId).Select(m => m.Number).Order().ToList();
            (await OrderApi.AllAsync(q => api.ListAsync(q, id), "limit=3")).Select(Name).Order().ShouldBe(expected);
            (await OrderApi.AllAsync(q => api.ListAsync(q), $"customerId={id}&limit=3&sort=amount")).Select(Name).Order().ShouldBe(expected);
        }

        (await api.ListAsync("?customerId=nobody"))["items"].GetArrayLength().ShouldBe(0);
        (await api.ListAsync("", new string('0', 32))).ShouldBeProblem(404, "customer.not_found");
        var lonely = await api.CustomerAsync("lonely");
        (await api.ListAsync("", lonely)).ShouldBe(200)["items"].GetArrayLength().ShouldBe(0);

        // A page of one customer's orders is one request.
        await api.ListAsync("?limit=3", lonely);
        crm.Log.Reset();
        await api.ListAsync("?limit=3", customers["C1"]);
        crm.Log.Count.ShouldBe(1, string.Join(' ', crm.Log.Requests));
    }

    [Fact]
    public async Task What_is_not_a_filter_is_refused_and_a_cursor_is_of_one_list()
    {
        await MakeAsync(10);
        foreach (var (query, name) in new[] { ("status=lost", "status"), ("status=1", "status"), ("from=yesterday", "from"), ("to=29/02/2023", "to"), ("minAmount=NaN", "minAmount"), ("maxAmount=1e400", "maxAmount"), ("minAmount=-1", "minAmount"), ("sort=size", "sort"), ("limit=0", "limit"), ("category=" + new string('x', 201), "category") })
        {
            (await api.ListAsync("?" + query)).ShouldBeProblem(400, "request.invalid", "/" + name);
        }

        var next = (await api.ListAsync("?limit=2&status=paid"))["next"].GetString();
        (await api.ListAsync($"?limit=3&status=paid&cursor={next}")).ShouldBe(200);
        (await api.ListAsync($"?limit=2&cursor={next}")).ShouldBeProblem(400, "request.cursor_invalid");
        (await api.ListAsync($"?limit=2&status=paid&sort=amount&cursor={next}")).ShouldBeProblem(400, "request.cursor_invalid");
        (await api.ListAsync($"?limit=2&status=paid&cursor={next![..^1]}")).ShouldBeProblem(400, "request.cursor_invalid");
    }

    [Theory]
    [InlineData("")]
    [InlineData("sort=amount")]
    public async Task Pages_are_exact_while_others_write(string sort)
    {
        var made = await MakeAsync(200);
        var customers = (await api.CheckedAsync()).ToDictionary(c => c.ExternalId!, c => c.Id);
        var touched = made.Where((_, i) => i % 5 == 0).ToList();
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                // New ones on every page, some that move to other pages, some that go.
                var made = touched[i % touched.Count];
                await crm.Orders.UpsertAsync([Row(new("C1", $"new{i}", i % 9, i % 6, "paid", []), 1), Row(made with { Day = i % 6, Amount = i % 11 }, 2)], new("test"), CancellationToken.None);
                if (i % 4 == 0)
                {
                    await api.DeleteAsync(OrderViews.IdOf(customers[made.Customer], made.Number));
                }
            }
        }, CancellationToken.None);
        try
        {
            for (var round = 0; round < 4; round++)
            {
                var seen = (await OrderApi.AllAsync(q => api.ListAsync(q), $"limit=7&{sort}")).Select(Name).ToList();
                foreach (var still in made.Except(touched))
                {
                    seen.Count(n => n == still.Number).ShouldBe(1, still.Number);
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }
    }
}
