using System.Globalization;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Privacy;

namespace XenoCrm.Analytics;

/// <summary>Whatever was written, by whatever route: the figures are those that counting every stored item again gives.</summary>
public sealed class FiguresPropertyTests(DeliveryEmulator emulator)
{
    private static readonly string[] Zones =
        ["UTC", "Europe/Zurich", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Kiritimati", "Australia/Lord_Howe", "Pacific/Pago_Pago"];

    private static readonly string?[] Categories = ["Tea", "Coffee", "Books, used", null];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Fresh_figures_are_those_of_the_items(int seed)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Delivery:Attribution:DeliveryWindow", "20.00:00:00"));
        var writes = new RandomWrites(harness, seed);
        var (refunded, credited) = (0, 0);
        for (var round = 0; round < 4; round++)
        {
            for (var i = 0; i < 40; i++)
            {
                await writes.OneAsync();
            }

            if (round % 2 == 0)
            {
                await writes.CampaignAsync();
            }

            await harness.RecordAsync();
            var truth = await Recount.ReadAsync(harness);
            truth.Customers.Count.ShouldBeGreaterThan(3);
            refunded += truth.Orders.Count(o => o.Refunded > 0);
            credited += truth.Orders.Count(o => o.Credit is not null);
            for (var i = 0; i < 3; i++)
            {
                await CheckAsync(harness, truth, writes.Random);
            }
        }

        // What the figures are about has come about.
        refunded.ShouldBeGreaterThan(0);
        credited.ShouldBeGreaterThan(0);
    }

    private static async Task CheckAsync(DeliveryHarness harness, Recount truth, Random random)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(Zones[random.Next(Zones.Length)]);
        var to = Recount.Day(harness.Clock.GetUtcNow(), zone).AddDays(-random.Next(3) * random.Next(20));
        var from = to.AddDays(-random.Next(70));
        var before = from.AddDays(from.DayNumber - to.DayNumber - 1);
        var query = $"?from={from:yyyy-MM-dd}&to={to:yyyy-MM-dd}&zone={zone.Id}&fresh=true";
        var placed = truth.Placed(from, to, zone).ToList();
        bool Within(DateTimeOffset time, DateOnly a, DateOnly b) => Recount.Day(time, zone) >= a && Recount.Day(time, zone) <= b;

        var overview = (await harness.OverviewAsync(query)).ShouldBe(200);
        var since = overview["computedAt"].GetDateTimeOffset().AddDays(-90);
        var customers = overview["customers"];
        (customers.GetProperty("total").GetInt64(), customers.GetProperty("withOrders").GetInt64(), customers.GetProperty("new").GetInt64(),
            customers.GetProperty("active").GetInt64(), customers.GetProperty("atRisk").GetInt64())
            .ShouldBe((
                truth.Customers.Count, truth.Customers.Count(c => truth.Orders.Any(o => o.CustomerId == c.Id)), truth.Customers.Count(c => Within(c.CreatedAt, from, to)),
                truth.Customers.Count(c => c.LastActiveAt >= since), truth.Customers.Count(c => c.OrderCount >= 2 && c.LastOrderAt < since)));
        overview["orders"].GetInt64().ShouldBe(placed.Count, query);
        Recount.Amounts(overview["revenue"]).ShouldBe(Recount.Amounts(placed), query);
        overview["revenue"].EnumerateArray().ShouldAllBe(r => r.GetProperty("orders").GetInt64() == 0 || r.GetProperty("average").GetDecimal()
            == decimal.Round(r.GetProperty("revenue").GetDecimal() / r.GetProperty("orders").GetInt64(), Money.Digits(r.GetProperty("currency").GetString()!), MidpointRounding.ToEven));
        var past = overview["before"];
        (past.GetProperty("from").GetString(), past.GetProperty("newCustomers").GetInt64(), Recount.Amounts(past.GetProperty("revenue")))
            .ShouldBe((before.ToString("yyyy-MM-dd"), truth.Customers.Count(c => Within(c.CreatedAt, before, from.AddDays(-1))), Recount.Amounts(truth.Placed(before, from.AddDays(-1), zone))));
        var series = overview["series"].EnumerateArray().ToList();
        series.Count.ShouldBe(to.DayNumber - from.DayNumber + 1);
        foreach (var (day, i) in series.Select((d, i) => (d, i)))
        {
            var date = from.AddDays(i);
            var sent = truth.Campaigns.Where(c => c.LaunchedAt is { } at && Within(at, date, date)).SelectMany(c => truth.Batches.Where(b => b.CampaignId == c.Id)).ToList();
            (day.GetProperty("date").GetString(), day.GetProperty("newCustomers").GetInt64(), Recount.Amounts(day.GetProperty("revenue")), day.GetProperty("sent").GetInt32(), day.GetProperty("clicked").GetInt32())
                .ShouldBe((
                    date.ToString("yyyy-MM-dd"), truth.Customers.Count(c => Within(c.CreatedAt, date, date)), Recount.Amounts(truth.Placed(date, date, zone)),
                    sent.Sum(b => b.Recipients.Count(r => r.SentAt is not null)), sent.Sum(b => b.Recipients.Count(r => r.ClickedAt is not null))),
                $"{query} {date}");
        }

        await CheckCampaignsAsync(harness, truth, overview, query, c => c.LaunchedAt is { } at && Within(at, from, to));
        await CheckRevenueAsync(harness, truth, query, placed, (from, to, zone), random);
        await CheckCohortsAsync(harness, truth, zone);
    }

    private static async Task CheckCampaignsAsync(DeliveryHarness harness, Recount truth, ApiAnswer overview, string query, Func<Campaign, bool> launched)
    {
        var states = overview["campaigns"].GetProperty("byState").EnumerateObject().ToDictionary(s => s.Name, s => s.Value.GetInt32());
        states.Count.ShouldBe(Enum.GetValues<CampaignState>().Length);
        states.Values.Sum().ShouldBe(truth.Campaigns.Count);
        states["sending"].ShouldBe(truth.Campaigns.Count(c => c.State == CampaignState.Sending));

        var expected = truth.Campaigns.Where(launched).ToList();
        var recipients = expected.SelectMany(c => truth.Batches.Where(b => b.CampaignId == c.Id)).SelectMany(b => b.Recipients.Select((r, i) => (Id: b.MessageId(i), Recipient: r))).ToList();
        var credited = truth.Orders.Select(o => o.Credit?.MessageId).ToHashSet();
        var messages = overview["messages"];
        (messages.GetProperty("sent").GetInt32(), Count("delivered"), Count("opened"), Count("clicked"), Count("converted")).ShouldBe((
            recipients.Count(r => r.Recipient.SentAt is not null), recipients.Count(r => r.Recipient.Status == MessageStatus.Delivered), recipients.Count(r => r.Recipient.OpenedAt is not null),
            recipients.Count(r => r.Recipient.ClickedAt is not null), recipients.Count(r => credited.Contains(r.Id))));
        overview["campaigns"].GetProperty("launched").GetInt32().ShouldBe(expected.Count);

        var compared = (await harness.CompareAsync(query + "&sort=-revenue")).ShouldBe(200);
        compared["total"].GetInt32().ShouldBe(expected.Count);
        compared["items"].EnumerateArray().Select(c => c.GetProperty("id").GetString()!).ShouldBe(expected.Select(c => c.Id), ignoreOrder: true);
        foreach (var item in compared["items"].EnumerateArray())
        {
            var orders = truth.Orders.Where(o => o.Credit?.CampaignId == item.GetProperty("id").GetString()).ToList();
            (item.GetProperty("orders").GetInt32(), item.GetProperty("converted").GetProperty("count").GetInt32(), item.GetProperty("revenue")[0].GetProperty("revenue").GetDecimal()).ShouldBe((
                orders.Count, orders.Select(o => o.Credit!.MessageId).Distinct().Count(), Money.ToMajor(orders.Where(o => o.Currency == "USD").Sum(o => o.Net), "USD")));
        }

        int Count(string rate) => messages.GetProperty(rate).GetProperty("count").GetInt32();
    }

    private static async Task CheckRevenueAsync(DeliveryHarness harness, Recount truth, string query, List<Order> placed, (DateOnly From, DateOnly To, TimeZoneInfo Zone) range, Random random)
    {
        var interval = Enum.GetValues<Interval>()[random.Next(3)];
        var revenue = (await harness.RevenueAsync($"{query}&interval={interval}&top=500")).ShouldBe(200);
        Recount.Amounts(revenue["revenue"]).ShouldBe(Recount.Amounts(placed), query);
        var next = range.From;
        foreach (var period in revenue["series"].EnumerateArray())
        {
            var (first, last) = (DateOnly.Parse(period.GetProperty("from").GetString()!, CultureInfo.InvariantCulture), DateOnly.Parse(period.GetProperty("to").GetString()!, CultureInfo.InvariantCulture));
            first.ShouldBe(next);
            next = last.AddDays(1);
            (next > range.To || (interval switch { Interval.Day => true, Interval.Week => next.DayOfWeek == DayOfWeek.Monday, _ => next.Day == 1 })).ShouldBeTrue();
            Recount.Amounts(period.GetProperty("revenue")).ShouldBe(Recount.Amounts(truth.Placed(first, last, range.Zone)));
        }

        next.ShouldBe(range.To.AddDays(1));
        revenue["credited"].GetInt64().ShouldBe(placed.Count(o => o.Credit is not null));
        revenue["campaigns"].EnumerateArray().ToDictionary(c => c.GetProperty("campaignId").GetString()!, c => Recount.Amounts(c.GetProperty("revenue")))
            .ShouldBe(placed.Where(o => o.Credit is not null).GroupBy(o => o.Credit!.CampaignId).ToDictionary(c => c.Key, c => Recount.Amounts(c)), ignoreOrder: true);
        revenue["categories"].EnumerateArray().Select(Line).ShouldBe(
            placed.SelectMany(o => o.Items.Select(i => (Category: i.Category ?? "none", o.Currency, Minor: i.Total()))).GroupBy(i => i.Category).Select(c =>
                $"{c.Key} {c.Count()} {string.Join("; ", Recount.Amounts(c.Select(i => (i.Currency, i.Minor))).Split("; ").Select(a => $"{a.Split(' ')[0]} {a.Split(' ')[2]}"))}"),
            ignoreOrder: true);

        static string Line(JsonElement c) =>
            $"{(c.TryGetProperty("category", out var name) ? name.GetString() : "none")} {c.GetProperty("lines").GetInt64()} {string.Join("; ", c.GetProperty("revenue").EnumerateArray().Select(r => $"{r.GetProperty("currency").GetString()} {r.GetProperty("revenue").GetDecimal()}"))}";
    }

    private static async Task CheckCohortsAsync(DeliveryHarness harness, Recount truth, TimeZoneInfo zone)
    {
        var cohorts = (await harness.CohortsAsync($"?zone={zone.Id}&fresh=true")).ShouldBe(200);
        string Month(DateTimeOffset time) => Recount.Day(time, zone).ToString("yyyy-MM");
        var byCustomer = truth.Orders.ToLookup(o => o.CustomerId);
        var present = Month(harness.Clock.GetUtcNow());
        cohorts["cohorts"].GetArrayLength().ShouldBe(12);
        foreach (var cohort in cohorts["cohorts"].EnumerateArray())
        {
            var month = cohort.GetProperty("month").GetString();
            var members = byCustomer.Where(c => Month(c.Min(o => o.PlacedAt)) == month).ToList();
            cohort.GetProperty("customers").GetInt32().ShouldBe(members.Count, month);
            var months = cohort.GetProperty("months").EnumerateArray().ToList();
            months[0].GetProperty("month").GetString().ShouldBe(month);
            months[^1].GetProperty("month").GetString().ShouldBe(present);
            foreach (var one in months)
            {
                var orders = members.SelectMany(c => c).Where(o => Month(o.PlacedAt) == one.GetProperty("month").GetString()).ToList();
                (one.GetProperty("customers").GetInt32(), one.GetProperty("orders").GetInt64(), Recount.Amounts(one.GetProperty("revenue")))
                    .ShouldBe((orders.Select(o => o.CustomerId).Distinct().Count(), orders.Count, Recount.Amounts(orders)));
            }
        }
    }

    /// <summary>Customers and orders come, change, are refunded, merged, deleted and erased; and time goes by.</summary>
    private sealed class RandomWrites(DeliveryHarness harness, int seed)
    {
        private readonly List<string> orders = [];
        private int number;

        public Random Random { get; } = new(seed);

        public async Task OneAsync()
        {
            harness.Clock.Advance(TimeSpan.FromMinutes(Random.Next(60 * 12)));
            var customers = (await harness.Get<CustomerStore>().PageAsync(CustomerFilter.All, null, 1000, default)).Select(c => c.Value.Id).ToList();
            var kind = customers.Count < 5 ? 0 : Random.Next(20);
            try
            {
                switch (kind)
                {
                    case < 3:
                        await harness.Get<SaveCustomer>().CreateAsync(new() { ExternalId = $"X{seed}-{++number}", Email = $"x{number}@example.com", City = "Rome", TimeZone = Zones[Random.Next(Zones.Length)] }, default);
                        break;
                    case < 12:
                        await OrderAsync(Pick(customers));
                        break;
                    case < 15 when orders.Count > 0:
                        await harness.Get<SaveOrder>().PatchAsync(Pick(orders), JsonElement.Parse(Pick(["""{ "status": "refunded" }""", """{ "status": "paid" }""", """{ "status": "cancelled" }""", """{ "status": "paid", "refundedAmount": 1.25 }""", """{ "refundedAmount": 2.75 }"""])), null, default);
                        break;
                    case 15 when orders.Count > 0:
                        await harness.Get<SaveOrder>().DeleteAsync(Pick(orders), null, default);
                        break;
                    case 16:
                        await harness.Get<MergeCustomers>().HandleAsync(new(customers[0], customers[^1]), default);
                        break;
                    case 17:
                        await harness.Get<DeleteCustomer>().HandleAsync(Pick(customers), null, default);
                        break;
                    case 18:
                        await harness.Get<EraseCustomer>().HandleAsync(Pick(customers), "u", default);
                        break;
                    default:
                        await ForeignAsync(Pick(customers));
                        break;
                }
            }
            catch (ProblemException)
            {
                // What was picked is gone, or what was asked for is not possible any more.
            }
        }

        public async Task CampaignAsync()
        {
            var id = await harness.LaunchAsync();
            await harness.RunAsync();
            harness.Clock.Advance(TimeSpan.FromHours(3));
            var sent = (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.Select((r, i) => (Id: b.MessageId(i), r.SentAt, Batch: b))).Where(r => r.SentAt is not null).ToList();
            await harness.Get<ApplyReceipts>().HandleAsync(
                [.. sent.SelectMany(m => Random.Next(4) switch
                {
                    0 => new[] { ReceiptStatus.Bounced },
                    1 => [ReceiptStatus.Delivered, ReceiptStatus.Opened, ReceiptStatus.Clicked],
                    2 => [ReceiptStatus.Delivered, ReceiptStatus.Opened],
                    _ => [ReceiptStatus.Delivered],
                }, (m, status) => new Receipt { MessageId = m.Id, Status = status, At = m.Batch.Time(m.SentAt)!.Value.AddMinutes(40), EventId = m.Id + status, Agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0" })],
                default);
        }

        private async Task OrderAsync(string customer)
        {
            var items = Enumerable.Range(0, Random.Next(4)).Select(_ => new OrderItemInput("p", Categories[Random.Next(Categories.Length)], Random.Next(3) == 0 ? 0.35m : Random.Next(1, 5), Random.Next(1, 3000) / 100m)).ToList();
            var at = harness.Clock.GetUtcNow().AddMinutes(-Random.Next(60 * 24 * 5) * (Random.Next(5) == 0 ? 20 : 1));
            var (order, _) = await harness.Get<SaveOrder>().UpsertAsync(
                new() { OrderNumber = $"o{++number}", Customer = new() { Id = customer }, Amount = Random.Next(1000, 20_000) / 100m, PlacedAt = at, Items = items, Status = Random.Next(4) == 0 ? OrderStatus.Placed : OrderStatus.Paid }, default);
            orders.Add(OrderViewId(order.Value));
        }

        /// <summary>As an order was stored when the workspace's currency was another one.</summary>
        private async Task ForeignAsync(string customer)
        {
            var now = harness.Clock.GetUtcNow();
            var order = new Order { CustomerId = customer, OrderNumber = $"f{++number}", Amount = Random.Next(1, 9999), Currency = Pick(["JPY", "KWD"]), PlacedAt = now.AddHours(-Random.Next(400)), CreatedAt = now, UpdatedAt = now };
            var container = harness.Get<CosmosDatabase>().Container(CustomerStore.ContainerName);
            await container.UpsertItemAsync(order, new PartitionKey(customer));
            var before = (await harness.Get<CustomerStore>().ReadAsync(customer, default))!;
            await harness.Get<CustomerStore>().TryReplaceAsync(OrderTotals.Add(before.Value, order), before.ETag, default);
        }

        private static string OrderViewId(Order order) => $"{order.CustomerId}-{order.Id["order-".Length..]}";

        private T Pick<T>(IReadOnlyList<T> from) => from[Random.Next(from.Count)];
    }
}
