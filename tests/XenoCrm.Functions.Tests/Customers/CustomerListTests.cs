using XenoCrm.Orders;

namespace XenoCrm.Customers;

/// <summary>Search, filters, orders and pages.</summary>
public sealed class CustomerListTests : IAsyncLifetime
{
    private CrmHarness crm = null!;
    private CustomerApi api = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        api = new(crm);
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    [Fact]
    public async Task A_search_finds_by_the_beginning_of_what_people_type()
    {
        await api.AddAsync("""{ "externalId": "K-1001", "firstName": "Maria", "lastName": "Ånders", "email": "M.Anders@Example.com", "phone": "+41 44 668 18 00", "company": "Alfreds Futterkiste" }""");
        await api.AddAsync("""{ "externalId": "K-2001", "firstName": "Ana Maria", "lastName": "Trujillo", "phone": "030-0074321", "country": "Germany" }""");
        await api.AddAsync("""{ "externalId": "x", "lastName": "Marias", "phone": "555 0100" }""");
        await api.AddAsync("""{ "externalId": "y" }""");
        async Task FindsAsync(string q, params string[] expected) => (await api.FindAsync($"q={Uri.EscapeDataString(q)}")).Order(StringComparer.Ordinal).ShouldBe(expected, ignoreOrder: false, customMessage: q);
        await FindsAsync("maria", "K-1001", "x");
        await FindsAsync("MARIA ÅN", "K-1001");
        await FindsAsync("  maria   ånders ", "K-1001");
        await FindsAsync("ånd", "K-1001");
        await FindsAsync("aria");
        await FindsAsync("m.anders@ex", "K-1001");
        await FindsAsync("k-", "K-1001", "K-2001");
        await FindsAsync("alfreds f", "K-1001");
        foreach (var spelling in new[] { "+41446681800", "+41 44 668", "0041 (0)44 668 18", "044 668 18 00", "44668", "(044) 668-18", "41 44 668 18 00" })
        {
            await FindsAsync(spelling, "K-1001");
        }

        await FindsAsync("030 0074", "K-2001");
        await FindsAsync("+49 30", "K-2001");
        await FindsAsync("555 01", "x");
        await FindsAsync("' OR true --");
        await FindsAsync("%");

        var id = (await api.ListAsync("?externalId=K-1001"))["items"][0].GetProperty("id").GetString()!;
        await api.PatchAsync(id, """{ "lastName": "Berger", "phone": null }""");
        await FindsAsync("ånd");
        await FindsAsync("44668");
        await FindsAsync("maria ber", "K-1001");
    }

    [Fact]
    public async Task Filters_hold_together()
    {
        await api.AddAsync("""{ "externalId": "A", "email": "a@x.org", "phone": "+41446681800", "city": "Zürich", "country": "CH", "language": "de-CH", "source": "shop", "tags": ["VIP", "b2b"], "consent": { "email": { "state": "granted" }, "sms": { "state": "withdrawn" } }, "attributes": { "shoe": 38, "club": "Gold", "since": "2020-01-31T10:00:00+01:00", "fan": true } }""");
        await api.AddAsync("""{ "externalId": "B", "email": "b@x.org", "city": "Bern", "country": "CH", "tags": ["vip"], "attributes": { "shoe": 40 } }""");
        await api.AddAsync("""{ "externalId": "C", "city": "zürich" }""");
        var orders = new OrderApi(crm);
        await orders.CreateAsync("A", "1", 99.95m, "\"placedAt\": \"2026-01-31T23:30:00Z\"");
        await orders.CreateAsync("B", "1", 10m, "\"placedAt\": \"2025-01-01\"");
        await orders.CreateAsync("B", "2", 5m, "\"placedAt\": \"2025-01-02\"");

        async Task FindsAsync(string query, string expected) => string.Concat((await api.FindAsync(query)).Order()).ShouldBe(expected, customMessage: query);
        await FindsAsync("email=A%40X.org", "A");
        await FindsAsync("externalId=A&email=b@x.org", "");
        await FindsAsync("externalId=A&city=bern", "");
        await FindsAsync("externalId=B&city=bern", "B");
        await FindsAsync("externalId=a", "");
        await FindsAsync("phone=%2B41 44 668 18 00", "A");
        await FindsAsync("phone=+41446681800", "A");
        await FindsAsync("city=Z%C3%9CRICH", "AC");
        await FindsAsync("country=ch&tag=vip", "AB");
        await FindsAsync("tag=vip&tag=B2B", "A");
        await FindsAsync("language=DE-ch", "A");
        await FindsAsync("source=shop", "A");
        await FindsAsync("consent=email", "A");
        await FindsAsync("consent=sms", "");
        await FindsAsync("consent=sms:withdrawn", "A");
        await FindsAsync("minSpend=15", "AB");
        await FindsAsync("minSpend=15.01", "A");
        await FindsAsync("maxSpend=0", "C");
        await FindsAsync("minOrders=2", "B");
        await FindsAsync("hasOrders=false", "C");
        await FindsAsync("hasOrders=true&maxOrders=1", "A");
        await FindsAsync("lastActiveFrom=2026-01-31&lastActiveTo=2026-01-31", "A");
        await FindsAsync("lastActiveTo=2026-01-30", "B");
        await FindsAsync("lastActiveTo=2026-01-31T23:30:00Z", "AB");
        await FindsAsync("createdTo=2020-01-01", "");
        await FindsAsync("createdFrom=2020-01-01&updatedFrom=2020-01-01", "ABC");
        await FindsAsync("attributes.shoe=38", "A");
        await FindsAsync("attributes.club=gold", "A");
        await FindsAsync("attributes.fan=true", "A");
        await FindsAsync("attributes.since=2020-01-31T09:00:00Z", "A");
        await FindsAsync("segment=none", "");

        (await api.ListAsync("?contry=CH")).ShouldBeProblem(400, "request.invalid", "/contry");
        (await api.ListAsync("?contry=CH")).Text.ShouldContain("'country'");
        (await api.ListAsync("?createdFrom=31.1.2026&minSpend=1e400&minOrders=-1&hasOrders=maybe&consent=fax&attributes.no=1&attributes.shoe=big&city=a&city=b"))["errors"]
            .EnumerateObject().Select(e => e.Name).Order()
            .ShouldBe(["/attributes.no", "/attributes.shoe", "/city", "/consent", "/createdFrom", "/hasOrders", "/minOrders", "/minSpend"]);
        (await api.ListAsync("?minSpend=79228162514264337593543950335")).ShouldBeProblem(400, "request.invalid", "/minSpend");
        (await api.ListAsync("?sort=shoe")).ShouldBeProblem(400, "request.invalid", "/sort");
        (await api.ListAsync("?limit=201")).ShouldBeProblem(400, "request.invalid", "/limit");
    }

    [Fact]
    public async Task Orders_are_whole_in_both_directions_and_a_cursor_belongs_to_one()
    {
        // Equal values on purpose: the id decides. Some have no name and no activity: they come last.
        await crm.Writer.UpsertAsync(
            [.. Enumerable.Range(0, 60).Select(i => new UpsertRow(new() { ExternalId = $"E{i:00}", LastName = i % 4 == 0 ? null : i % 2 == 0 ? "de Boer" : "Zimmer" }, i))], new("test"), default);
        var orders = new OrderApi(crm);
        for (var i = 0; i < 60; i += 3)
        {
            await orders.CreateAsync($"E{i:00}", "1", (i % 5) + 1, $"\"placedAt\": \"2026-01-{(i % 7) + 1:00}\"");
        }

        var all = (await crm.CheckedCustomersAsync()).ToDictionary(c => c.ExternalId!);
        IEnumerable<string> Sorted<T>(Func<Customer, T?> key, bool descending)
        {
            var given = all.Values.Where(c => key(c) is not null).OrderBy(key).ThenBy(c => c.Id, StringComparer.Ordinal);
            var missing = all.Values.Where(c => key(c) is null).OrderBy(c => c.Id, StringComparer.Ordinal);
            return (descending ? given.Reverse().Concat(missing.Reverse()) : given.Concat(missing)).Select(c => c.ExternalId!);
        }

        foreach (var descending in new[] { false, true })
        {
            var sign = descending ? "-" : "";
            (await api.FindAsync($"limit=7&sort={sign}totalSpend")).ShouldBe(Sorted<long?>(c => c.TotalSpend, descending));
            (await api.FindAsync($"limit=7&sort={sign}orderCount")).ShouldBe(Sorted<int?>(c => c.OrderCount, descending));
            (await api.FindAsync($"limit=7&sort={sign}lastActiveAt")).ShouldBe(Sorted(c => c.LastActiveAt, descending));
            (await api.FindAsync($"limit=7&sort={sign}lastName")).ShouldBe(Sorted(c => c.LastName is { } name ? (name == "Zimmer" ? 1 : 0) : (int?)null, descending));
            (await api.FindAsync($"limit=7&sort={sign}createdAt")).ShouldBe(Sorted<DateTimeOffset?>(c => c.CreatedAt, descending));
            (await api.FindAsync($"limit=7&sort={sign}updatedAt")).ShouldBe(Sorted<DateTimeOffset?>(c => c.UpdatedAt, descending));
        }

        (await api.FindAsync("limit=7")).ShouldBe(all.Values.OrderByDescending(c => c.Id, StringComparer.Ordinal).Select(c => c.ExternalId));
        (await api.FindAsync("limit=200")).Count.ShouldBe(60);
        (await api.ListAsync("?limit=60")).Body.TryGetProperty("next", out _).ShouldBeFalse("a full last page is the last");

        var next = (await api.ListAsync("?limit=7&sort=totalSpend&hasOrders=true"))["next"].GetString();
        (await api.ListAsync($"?limit=3&hasOrders=true&sort=totalSpend&cursor={next}")).ShouldBe(200);
        (await api.ListAsync($"?sort=totalSpend&cursor={next}")).ShouldBeProblem(400, "request.cursor_invalid");
        (await api.ListAsync($"?sort=-totalSpend&hasOrders=true&cursor={next}")).ShouldBeProblem(400, "request.cursor_invalid");
        (await api.ListAsync($"?sort=totalSpend&hasOrders=true&q=e&cursor={next}")).ShouldBeProblem(400, "request.cursor_invalid");
    }

    [Fact]
    public async Task Pages_stay_whole_while_others_write()
    {
        await crm.Writer.UpsertAsync([.. Enumerable.Range(0, 300).Select(i => new UpsertRow(new() { ExternalId = $"E{i:000}", LastName = "Same", Tags = ["kept"] }, i))], new("test"), default);
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                await crm.Writer.UpsertAsync([new(new() { ExternalId = $"N{i}", LastName = "Same" }, i)], new("test"), default);
                await crm.Writer.UpsertAsync([new(new() { ExternalId = $"E{i * 7 % 300:000}", City = $"C{i}" }, i)], new("test"), default);
            }
        });
        foreach (var sort in new[] { "", "&sort=lastName", "&sort=-createdAt", "&sort=orderCount" })
        {
            var seen = (await api.FindAsync($"limit=20{sort}")).Where(e => e[0] == 'E').ToList();
            seen.Count.ShouldBe(300, sort);
            seen.Distinct().Count().ShouldBe(300, sort);
        }

        await stop.CancelAsync();
        await writing;
    }
}
