using System.Text.Json;
using Microsoft.Extensions.Options;
using NSubstitute;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Orders;

/// <summary>What the 360° view and the timeline show, and what they cost.</summary>
public sealed class OverviewTests : IAsyncLifetime
{
    private CrmHarness crm = null!;
    private OrderApi api = null!;
    private string id = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        api = new(crm);
        id = await api.CustomerAsync("A");
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Item(string category, decimal price) => FormattableString.Invariant($$"""{ "product": "x", "category": "{{category}}", "unitPrice": {{price}} }""");

    private static IEnumerable<string?> Kinds(IEnumerable<JsonElement> events) => events.Select(e => e.GetProperty("type").GetString());

    [Fact]
    public async Task The_overview_shows_a_customer_from_all_sides()
    {
        var empty = (await api.OverviewAsync(id)).ShouldBe(200);
        (empty["orders"].GetArrayLength(), empty["topCategories"].GetArrayLength(), empty["lifetimeDays"].GetInt32()).ShouldBe((0, 0, 0));
        empty.Body.TryGetProperty("rhythm", out _).ShouldBeFalse();

        await api.CreateAsync("A", "1", 30, $""" "placedAt": "2026-01-01T00:00:00Z", "items": [ {Item("Tea", 10)}, {Item("Cups", 20)} ] """);
        await api.CreateAsync("A", "2", 10, $""" "placedAt": "2026-01-21T00:00:00Z", "items": [ {Item("Tea", 20)} ] """);
        (await api.OverviewAsync(id)).Body.TryGetProperty("rhythm", out _).ShouldBeFalse("two orders are no rhythm");
        await api.CreateAsync("A", "3", 20, """ "placedAt": "2026-01-31T00:00:00Z" """);
        await api.CreateAsync("A", "4", 99, """ "placedAt": "2026-02-28T00:00:00Z", "status": "cancelled" """);

        var days = Days();
        var overview = (await api.OverviewAsync(id)).ShouldBe(200);
        overview["orders"].EnumerateArray().Select(o => o.GetProperty("orderNumber").GetString()).ShouldBe(["4", "3", "2", "1"]);
        (overview["customer"].GetProperty("totalSpend").GetDecimal(), overview["customer"].GetProperty("orderCount").GetInt32()).ShouldBe((60, 3));
        overview["topCategories"].EnumerateArray().Select(c => (c.GetProperty("name").GetString(), c.GetProperty("spend").GetDecimal(), c.GetProperty("share").GetDecimal()))
            .ShouldBe([("Tea", 30, 0.6m), ("Cups", 20, 0.4m)]);
        var rhythm = overview["rhythm"];
        (rhythm.GetProperty("averageDaysBetween").GetDecimal(), rhythm.GetProperty("nextAt").GetString(), rhythm.GetProperty("isOverdue").GetBoolean())
            .ShouldBe((15, "2026-02-15T00:00:00.000Z", true));
        overview["lifetimeDays"].GetInt32().ShouldBeInRange(days, Days());
        overview.Headers.ETag.ToString().ShouldBe((await crm.Customers.ReadAsync(id, Cancellation))!.ETag);
        (await api.OverviewAsync(new string('0', 32))).ShouldBeProblem(404, "customer.not_found");
        static int Days() => (int)(DateTimeOffset.UtcNow - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalDays;
    }

    [Theory]
    [InlineData(5)]
    [InlineData(25)]
    [InlineData(300)]
    public async Task It_is_one_request_however_many_orders_there_are(int count)
    {
        var orders = string.Join(",", Enumerable.Range(0, count).Select(i => $$"""{"customer":{"externalId":"A"},"orderNumber":"{{i}}","amount":{{i}},"placedAt":"2026-01-{{(i * 7 % 28) + 1:D2}}T00:00:00Z"}"""));
        (await api.BulkAsync($$"""{ "items": [ {{orders}} ] }""")).ShouldBe(200);
        await api.OverviewAsync(id);
        crm.Log.Reset();
        var overview = (await api.OverviewAsync(id)).ShouldBe(200);
        crm.Log.Count.ShouldBe(1, string.Join(' ', crm.Log.Requests));
        var shown = overview["orders"].EnumerateArray().Select(o => o.GetProperty("placedAt").GetString()!).ToList();
        shown.Count.ShouldBe(Math.Min(count, ReadOverview.Orders));
        shown.ShouldBe(Enumerable.Range(0, count).Select(i => $"2026-01-{(i * 7 % 28) + 1:D2}T00:00:00.000Z").OrderDescending().Take(ReadOverview.Orders));
        overview["customer"].GetProperty("orderCount").GetInt32().ShouldBe(count);
    }

    [Fact]
    public async Task Segments_have_their_names_from_memory()
    {
        await using var world = await SegmentWorld.StartAsync();
        var segment = await world.CreateAsync(Rules.OneJson("city", "=", "\"Bern\""), "In Bern");
        var tagger = world.Get<ISegmentTagger>();
        tagger.NameOf(segment.Id).ShouldBeNull("nothing was read yet");
        await tagger.RefreshAsync(Cancellation);
        tagger.NameOf(segment.Id).ShouldBe("In Bern");
        tagger.NameOf("other").ShouldBeNull();
        var etag = (await world.Get<ListSegments>().ReadAsync(segment.Id, Cancellation)).ETag;
        await world.Get<SaveSegment>().ReplaceAsync(segment.Id, new("Bern and around", null, segment.Rule), etag, Cancellation);
        world.Clock.Advance(SegmentTagger.MaxAge + TimeSpan.FromSeconds(1));
        await tagger.RefreshAsync(Cancellation);
        tagger.NameOf(segment.Id).ShouldBe("Bern and around", "a name is no new version of the rule, and is new all the same");

        var names = Substitute.For<ISegmentTagger>();
        names.NameOf("s1").Returns("Tea drinkers");
        names.NameOf("s2").Returns((string?)null);
        await crm.Database.Container(CustomerStore.ContainerName).PatchItemAsync<Customer>(
            id, new(id), [Microsoft.Azure.Cosmos.PatchOperation.Set<string[]>("/segmentIds", ["s1", "s2"])], cancellationToken: Cancellation);
        var read = new ReadOverview(crm.OrderStore, crm.Customers, crm.Get<OrderViews>(), crm.Get<CustomerViews>(), names, crm.Get<IOptions<WorkspaceOptions>>(), TimeProvider.System);
        (await read.HandleAsync(id, Cancellation)).Overview.Segments.ShouldBe([new("s1", "Tea drinkers"), new("s2", null)]);
        await names.Received(1).RefreshAsync(Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task The_timeline_tells_what_happened_and_nothing_else()
    {
        var order = (await api.CreateAsync("A", "1", 30, """ "placedAt": "2026-01-01T00:00:00Z" """))["id"].GetString()!;
        await api.CreateAsync("A", "2", 10, """ "placedAt": "2026-01-05T00:00:00Z", "status": "delivered" """);
        await api.PatchAsync(order, """{ "status": "paid" }""");
        await api.PatchAsync(order, """{ "refundedAmount": 5 }""");
        await api.PatchAsync(order, """{ "amount": 31 }""");
        await api.VisitAsync(id, """{ "at": "2026-01-03T00:00:00Z" }""");
        await api.VisitAsync(id, """{ "at": "2026-01-02T00:00:00Z" }""");
        await api.VisitAsync(id, """{ "at": "2026-01-03T00:00:00Z" }""");
        await api.PatchCustomerAsync(id, """{ "consent": { "email": { "state": "granted", "at": "2026-01-04T00:00:00Z", "source": "form" }, "sms": { "state": "granted", "at": "2026-01-04T01:00:00Z" } } }""");
        await api.PatchCustomerAsync(id, """{ "consent": { "email": { "state": "withdrawn", "at": "2026-01-06T00:00:00Z" } }, "city": "Bern" }""");

        var events = await OrderApi.AllAsync(q => api.TimelineAsync(id, q));
        events.Select(e => e.GetProperty("at").GetDateTimeOffset()).ShouldBeInOrder(SortDirection.Descending);
        Kinds(events).ShouldBe(
        [
            "orderRefunded", "orderStatusChanged", "customerCreated", // these three are of now
            "consentChanged", "orderPlaced", "consentChanged", "consentChanged", "visit", "visit", "visit", "orderPlaced",
        ]);
        events.Select(e => e.GetProperty("id").GetString()).ShouldBeUnique();
        (events[1].GetProperty("fromStatus").GetString(), events[1].GetProperty("status").GetString()).ShouldBe(("placed", "paid"));
        events[0].GetProperty("refundedAmount").GetDecimal().ShouldBe(5);
        events[4].GetProperty("status").GetString().ShouldBe("delivered");
        events.Where(e => e.TryGetProperty("state", out _)).Select(e => $"{e.GetProperty("channel")} {e.GetProperty("state")} {e.GetProperty("source")}")
            .ShouldBe(["email withdrawn api", "sms granted api", "email granted form"]);

        // Pages of any size are the same list.
        foreach (var limit in new[] { 1, 2, 5 })
        {
            (await OrderApi.AllAsync(q => api.TimelineAsync(id, q), $"limit={limit}")).Select(e => e.GetRawText()).ShouldBe(events.Select(e => e.GetRawText()));
        }

        var next = (await api.TimelineAsync(id, "?limit=2"))["next"].GetString();
        (await api.TimelineAsync(await api.CustomerAsync("B"), $"?cursor={next}")).ShouldBeProblem(400, "request.cursor_invalid");
        (await api.TimelineAsync(new string('0', 32))).ShouldBeProblem(404, "customer.not_found");
    }

    /// <summary>Orders that change long after they were placed, and before; many at the same moment.</summary>
    [Fact]
    public async Task Pages_of_a_long_timeline_are_the_whole_of_it_and_read_little()
    {
        const int Orders = 600;
        var random = new Random(7);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var expected = new List<(DateTimeOffset At, string Id)>();
        for (var next = 0; next < Orders;)
        {
            var some = Enumerable.Range(next, 60).Select(i =>
            {
                var placed = start.AddHours(random.Next(400) * 6);
                OrderChange Change(int k) => new((placed.AddHours(random.Next(10) == 0 ? random.Next(-500, 2000) : random.Next(48)) is var at && random.Next(3) == 0 ? start.AddDays(50) : at), OrderStatus.Placed, OrderStatus.Paid, k);
                return new Order
                {
                    CustomerId = id, OrderNumber = $"n{i}", Amount = 100, Currency = "USD", PlacedAt = placed, CreatedAt = placed, UpdatedAt = placed,
                    Changes = [.. Enumerable.Range(1, random.Next(4)).Select(Change).OrderBy(c => c.At)],
                };
            }).ToList();
            var customer = (await crm.Customers.ReadAsync(id, Cancellation))!;
            (await crm.OrderStore.TryWriteAsync(customer.Value, customer.ETag, some.Select(o => (o, (string?)null)), [], Cancellation)).ShouldNotBeNull();
            expected.AddRange(some.SelectMany(o => o.Changes.Select((c, i) => (c.At, $"order:{i + 1:D3}:{o.OrderNumber}")).Prepend((o.PlacedAt, $"order:000:{o.OrderNumber}"))));
            next += some.Count;
        }

        var ids = expected.OrderByDescending(e => e.At).ThenByDescending(e => e.Id, StringComparer.Ordinal).Select(e => e.Id).ToList();
        foreach (var limit in new[] { 7, 200 })
        {
            var events = await OrderApi.AllAsync(q => api.TimelineAsync(id, q), $"limit={limit}");
            events.Select(e => e.GetProperty("id").GetString()).Where(e => e != "created").ShouldBe(ids, $"limit {limit}");
        }

        // By far not all of them: some 400 bytes each.
        long bytes = 0;
        crm.Log.Stored = (_, answer) => Interlocked.Add(ref bytes, answer.Content.ReadAsByteArrayAsync(Cancellation).GetAwaiter().GetResult().Length);
        (await api.TimelineAsync(id, "?limit=5")).ShouldBe(200);
        bytes.ShouldBeInRange(1, 30_000);
    }

    [Fact]
    public async Task A_long_past_is_cut_at_its_beginning()
    {
        for (var day = 1; day <= PastEvent.Max + 5; day++)
        {
            await api.VisitAsync(id, $$"""{ "at": "{{new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(day):O}}" }""");
        }

        var visits = (await OrderApi.AllAsync(q => api.TimelineAsync(id, q))).Where(e => e.GetProperty("type").GetString() == "visit").ToList();
        visits.Count.ShouldBe(PastEvent.Max + 1);
        visits[0].GetProperty("at").GetString().ShouldBe("2026-02-05T00:00:00.000Z");
        (await crm.Customers.ReadAsync(id, Cancellation))!.Value.Visits.ShouldBe(PastEvent.Max + 5);
    }

    [Fact]
    public async Task No_order_number_makes_two_events_one()
    {
        foreach (var number in new[] { "A", "A:000", "000:A", "001:A" })
        {
            var order = (await api.CreateAsync("A", number, 30, """ "placedAt": "2026-01-01T00:00:00Z" """))["id"].GetString()!;
            (await api.PatchAsync(order, """{ "status": "paid" }""")).ShouldBe(200);
        }

        var events = await OrderApi.AllAsync(q => api.TimelineAsync(id, q), "limit=1");
        events.Select(e => e.GetProperty("id").GetString()).ShouldBeUnique();
        Kinds(events).Count(k => k == "orderPlaced").ShouldBe(4);
        Kinds(events).Count(k => k == "orderStatusChanged").ShouldBe(4);
    }

    [Fact]
    public async Task An_import_is_in_the_timeline_at_the_time_it_began()
    {
        var import = new Ids(TimeProvider.System).New();
        await crm.Writer.UpsertAsync([new(new() { ExternalId = "A", City = "Bern" }, 2)], new("import", crm.Journal(import)), Cancellation);
        var imported = (await OrderApi.AllAsync(q => api.TimelineAsync(id, q))).Single(e => e.GetProperty("type").GetString() == "imported");
        imported.GetProperty("importId").GetString().ShouldBe(import);
        (DateTimeOffset.UtcNow - imported.GetProperty("at").GetDateTimeOffset()).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromHours(1));
        Ids.TimeOf("blob-12").ShouldBeNull();
        Ids.TimeOf(new string('f', 12) + "7" + new string('0', 19)).ShouldBeNull();
    }

    [Fact]
    public async Task A_merge_is_in_the_timeline_and_the_orders_answer_where_they_are_now()
    {
        var other = await api.CustomerAsync("B");
        await api.CreateAsync("A", "1", 30);
        var moved = (await api.CreateAsync("B", "2", 12))["id"].GetString()!;
        await crm.Get<MergeCustomers>().HandleAsync(new(id, other), Cancellation);

        var events = await OrderApi.AllAsync(q => api.TimelineAsync(id, q));
        Kinds(events).Count(k => k == "orderPlaced").ShouldBe(2);
        events.Single(e => e.GetProperty("type").GetString() == "merged").GetProperty("mergedId").GetString().ShouldBe(other);
        (await api.GetAsync(moved)).ShouldBeProblem(308, "customer.merged");
        (await api.PatchAsync(moved, """{ "status": "paid" }""")).ShouldBeProblem(308, "customer.merged");
        (await api.DeleteAsync(moved)).ShouldBeProblem(308, "customer.merged");
        (await api.PatchAsync($"{id}-2", """{ "status": "paid" }""")).ShouldBe(200);
        (await api.OverviewAsync(other)).ShouldBeProblem(308, "customer.merged");
        (await api.TimelineAsync(other)).ShouldBeProblem(308, "customer.merged");
        await api.CheckedAsync();
    }
}
