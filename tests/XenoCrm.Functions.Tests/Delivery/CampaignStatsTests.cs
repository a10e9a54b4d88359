using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class CampaignStatsTests(DeliveryEmulator emulator)
{
    private static readonly BreakdownBy[] All = Enum.GetValues<BreakdownBy>();

    private static CampaignContent Content(string subject) => new(subject, null, "Hello", null);

    [Fact]
    public async Task Figures_are_those_of_the_messages_and_orders_and_every_breakdown_adds_up_to_them()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Prices:Email", "0.0004"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 700), c => c with
        {
            Email = (int.Parse(c.Id[^4..], System.Globalization.NumberStyles.HexNumber) % 4) switch { 0 => $"a{c.Id}@Big.example", 1 => $"b{c.Id}@small{c.Id}.example", 2 => null, _ => $"d{c.Id}@other.example" },
        });
        harness.Vendor.Answer = m => m.To.StartsWith('d') && m.To.Contains("7@", StringComparison.Ordinal) ? new(VendorAnswer.Rejected, "invalid_recipient") : new(VendorAnswer.Accepted, null);
        var id = await harness.LaunchAsync(c => c with { Variants = [new("A", 3, Content("One")), new("B", 1, Content("Two"))], Holdout = 0.25 });
        await harness.RunAsync();
        var sent = await MessagesAsync(harness, id, r => r.Status == MessageStatus.Sent);
        await ReceiveAsync(harness, [.. sent.Where((_, i) => i % 10 != 0).Select(m => DeliveryHarness.Receipt(m.Id, ReceiptStatus.Delivered)), .. sent.Where((_, i) => i % 10 == 5).Select(m => DeliveryHarness.Receipt(m.Id, ReceiptStatus.Bounced, "mailbox_full"))]);
        await ReceiveAsync(harness, [.. sent.Where((_, i) => i % 10 is 1 or 2 or 3).Select(m => DeliveryHarness.Receipt(m.Id, ReceiptStatus.Opened)), .. sent.Where((_, i) => i % 10 is 1).Select(m => DeliveryHarness.Receipt(m.Id, ReceiptStatus.Clicked))]);
        await harness.RecordAsync();

        // Every second who was sent to orders, every fifth who was held out, and some who were neither.
        var heldOut = await MessagesAsync(harness, id, r => r.IsHeldOut);
        var buyers = sent.Where((_, i) => i % 2 == 1).Concat(heldOut.Where((_, i) => i % 5 == 0)).Select(m => m.Recipient.CustomerId).ToList();
        var now = harness.Clock.GetUtcNow();
        await OrderAsync(harness, buyers, "1", 20, now.AddHours(1));
        await OrderAsync(harness, [.. buyers.Where((_, i) => i % 3 == 0)], "2", 5.5m, now.AddHours(2));
        await OrderAsync(harness, [buyers[0]], "3", 100, now.AddHours(3), OrderStatus.Cancelled);
        await OrderAsync(harness, [buyers[1]], "1", 20, now.AddHours(1), OrderStatus.Paid, refunded: 7);

        var s = await harness.LedgerAsync(id);
        var recipients = (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients).ToList();
        var orders = await OrdersAsync(harness);
        var credited = orders.Where(o => o.Credit?.CampaignId == id && o.Status is not OrderStatus.Cancelled).ToList();
        (s.HeldOut, s.Queued, s.Funnel.Select(f => f.Count)).ShouldSatisfyAllConditions(
            f => f.HeldOut.ShouldBe(heldOut.Count), f => f.Queued.ShouldBe(0),
            f => f.Item3.ShouldBe([700, s.Sent, s.Delivered, recipients.Count(r => r.OpenedAt is not null), recipients.Count(r => r.ClickedAt is not null), credited.Select(o => o.CustomerId).Distinct().Count()]));
        heldOut.Count.ShouldBeInRange(60, 200);
        credited.Count.ShouldBeGreaterThan(150);
        (s.Conversions.Messages, s.Conversions.Orders, s.Conversions.AfterClick)
            .ShouldBe((credited.Select(o => o.CustomerId).Distinct().Count(), credited.Count, credited.Count(o => o.Credit!.Basis == CreditBasis.Click)));
        s.Conversions.AfterClick.ShouldBeGreaterThan(0);
        var revenue = s.Conversions.Revenue.ShouldHaveSingleItem();
        revenue.ShouldBe(new("USD", credited.Sum(o => o.Net) / 100m, decimal.Round(credited.Sum(o => o.Net) / 100m / s.Sent, 4)));
        (s.Rates.Delivered.Count, s.Rates.Delivered.Of, s.Rates.Delivered.Value).ShouldBe((s.Delivered, s.Sent, Math.Round((double)s.Delivered / s.Sent, 6)));

        // By chance: all that were chosen, whatever became of it, and all their orders.
        var comparison = s.Holdout.ShouldNotBeNull();
        (comparison.Sent.Members, comparison.HeldOut.Members).ShouldBe((s.Audience - s.Skipped, heldOut.Count));
        comparison.Sent.Converted.Count.ShouldBe(sent.Count(m => buyers.Contains(m.Recipient.CustomerId)));
        comparison.HeldOut.Converted.Count.ShouldBe((heldOut.Count + 4) / 5);
        (comparison.Outcome, comparison.Difference.IsConclusive).ShouldBe((ComparisonOutcome.MoreOrders, true));
        s.Cost.Messages.ShouldBe(s.Sent * 0.0004m);

        foreach (var by in All)
        {
            var b = (await harness.Get<CampaignStats>().ReadAsync(id, default, by)).Breakdown.ShouldNotBeNull();
            b.By.ShouldBe(by);
            if (by != BreakdownBy.Reason)
            {
                (b.Rows.Sum(r => r.Messages.Sent), b.Rows.Sum(r => r.Messages.Delivered), b.Rows.Sum(r => r.Messages.Opened), b.Rows.Sum(r => r.Messages.Clicked)).ShouldBe((s.Sent, s.Delivered, s.Opened, s.Clicked), $"{by}");
                (b.Rows.Sum(r => r.Conversions.Messages), b.Rows.Sum(r => r.Conversions.Revenue.Sum(v => v.Total)), b.Rows.Sum(r => r.Cost)).ShouldBe((s.Conversions.Messages, revenue.Total, s.Cost.Messages), $"{by}");
            }

            b.Rows.Select(r => r.Key).ShouldBe(
                by switch
                {
                    BreakdownBy.Variant => ["A", "B"],
                    BreakdownBy.Vendor => ["recording"],
                    BreakdownBy.Domain => ["big.example", "other.example", "other"],
                    BreakdownBy.Channel => ["email"],
                    BreakdownBy.Reason => ["address_missing", "holdout", "invalid_recipient", "mailbox_full"],
                    _ => b.Rows.Select(r => r.Key),
                },
                $"{by}");
        }

        var variants = (await harness.Get<CampaignStats>().ReadAsync(id, default, BreakdownBy.Variant)).Breakdown!.Rows;
        variants.Select(v => v.Messages.Sent).ShouldBe([recipients.Count(r => r.SentAt is not null && r.Variant is null), recipients.Count(r => r.SentAt is not null && r.Variant == 1)]);
        variants[0].Messages.Sent.ShouldBeGreaterThan(variants[1].Messages.Sent);
        credited.ShouldAllBe(o => o.Credit!.Variant == "A" || o.Credit!.Variant == "B");
        var hours = (await harness.Get<CampaignStats>().ReadAsync(id, default, BreakdownBy.Hour, TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata"))).Breakdown!.Rows;
        hours.ShouldAllBe(r => r.Key == TimeZoneInfo.ConvertTime(now, TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata")).ToString("HH")
            || r.Key == TimeZoneInfo.ConvertTime(now.AddMinutes(-30), TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata")).ToString("HH"));
    }

    [Fact]
    public async Task Messages_cost_what_the_vendor_charges_for_the_number_and_the_parts()
    {
        await using var harness = await DeliveryHarness.StartAsync(
            emulator, ("Vendors:Sms:0", "recording"), ("Prices:Sms", "0.01"),
            ("Delivery:Prices:Messages:0:Channel", "Sms"), ("Delivery:Prices:Messages:0:Prefix", "+41"), ("Delivery:Prices:Messages:0:Amount", "0.07"),
            ("Delivery:Prices:Messages:1:Channel", "Sms"), ("Delivery:Prices:Messages:1:Prefix", "+41"), ("Delivery:Prices:Messages:1:Amount", "0.06"), ("Delivery:Prices:Messages:1:Vendor", "recording"),
            ("Delivery:Prices:MillionRequestUnits", "0.25"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 10), c => c with { Phone = "+41791234567", PhoneUsable = true });
        await harness.AddCustomersAsync(Enumerable.Range(11, 20), c => c with { Phone = "+12025550123", PhoneUsable = true });
        await harness.AddCustomersAsync(Enumerable.Range(31, 5), c => c with { Phone = "+12025550123", PhoneUsable = true, FirstName = new('x', 170) });
        harness.Vendor.Answer = m => m.Id.EndsWith(".0", StringComparison.Ordinal) ? new(VendorAnswer.Rejected, "no") : new(VendorAnswer.Accepted, null);
        var id = await harness.LaunchAsync(c => c with { Channel = Channel.Sms, Variants = Variant.Only(new(null, null, "Hi {{firstName}}", null)) });
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.Cost.Messages, s.Cost.Unpriced, s.Cost.Currency).ShouldBe(((9 * 0.06m) + (20 * 0.01m) + (5 * 2 * 0.01m), 0, "USD"));
        s.Cost.Database.ShouldBe(decimal.Round((decimal)s.Cost.RequestUnits * 0.25m / 1_000_000m, 6));

        // Without any price it is said of how many messages none is known.
        await using var other = await DeliveryHarness.StartAsync(emulator);
        await other.AddCustomersAsync(Enumerable.Range(1, 10));
        var free = await other.LaunchAsync();
        await other.RunAsync();
        (await other.LedgerAsync(free)).Cost.ShouldSatisfyAllConditions(c => c.Messages.ShouldBe(0), c => c.Unpriced.ShouldBe(10), c => c.Database.ShouldBeNull());
    }

    [Fact]
    public async Task Request_units_are_those_that_the_database_charged()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 2000));
        harness.Get<Planner>().PageSize = 1000;
        harness.Meter.Reset();
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        foreach (var some in (await MessagesAsync(harness, id, _ => true)).Chunk(500))
        {
            await ReceiveAsync(harness, [.. some.Select(m => DeliveryHarness.Receipt(m.Id, ReceiptStatus.Delivered))]);
        }

        await harness.RecordAsync();
        var charged = harness.Meter.Charge;
        var stated = (await harness.Get<CampaignStats>().ReadAsync(id, default)).Cost.RequestUnits;
        TestContext.Current.TestOutputHelper!.WriteLine($"{stated} of {charged:F0} RU");
        (stated / charged).ShouldBeInRange(0.93, 1.03);
    }

    [Fact]
    public async Task All_campaigns_are_summed_up_by_campaign_channel_and_vendor()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Vendors:Sms:0", "second"), ("Prices:Email", "0.001"), ("Prices:Sms", "0.01"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 250), c => c with { Phone = "+41791234567", PhoneUsable = c.Id[^1] != '3', Email = c.Id[^1] == '4' ? null : c.Email });
        var first = await harness.LaunchAsync();
        await harness.RunAsync();
        var second = await harness.LaunchAsync(c => c with { Channel = Channel.Sms, Name = "Texts", Variants = Variant.Only(new(null, null, "Hi", null)) });
        await harness.RunAsync();

        // As after an outage in the middle of a batch.
        await harness.Get<BatchStore>().ChangeAsync(
            await harness.Get<BatchStore>().ReadManyAsync([$"{first}.1"], default),
            b => Ledger.Count(b with { Vendors = ["recording", "second"], Recipients = [.. b.Recipients.Select((r, i) => r.SentAt is not null && i % 2 == 0 ? r with { Vendor = 1 } : r)] }), default);
        var recipients = new Dictionary<string, List<(Recipient Recipient, string? Vendor)>>();
        foreach (var id in new[] { first, second })
        {
            recipients[id] = [.. (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.Select((r, i) => (r, b.VendorOf(i))))];
        }

        var stats = harness.Get<DeliveryStats>();
        (await stats.ReadAsync(DeliveryBy.Campaign, default)).Select(r => (r.Key, r.Name, r.Messages.Audience, r.Messages.Sent, r.Cost))
            .ShouldBe([(second, "Texts", 250, Sent(second), Sent(second) * 0.01m), (first, "Spring", 250, Sent(first), Sent(first) * 0.001m)]);
        (await stats.ReadAsync(DeliveryBy.Channel, default)).Select(r => (r.Key, r.Messages.Sent)).ShouldBe([("email", Sent(first)), ("sms", Sent(second))]);
        var vendors = await stats.ReadAsync(DeliveryBy.Vendor, default);
        vendors.Select(r => r.Key).ShouldBe(["recording", "second"]);
        foreach (var vendor in vendors)
        {
            var its = recipients.Values.SelectMany(r => r).Where(r => r.Recipient.IsHandedOver && r.Vendor == vendor.Key).Select(r => r.Recipient).ToList();
            vendor.Messages.ShouldBe(Ledger.Sum(its));
            vendor.Messages.Audience.ShouldBeGreaterThan(20);
        }

        int Sent(string id) => recipients[id].Count(r => r.Recipient.SentAt is not null);
    }

    /// <summary>Run it by name to see how long figures of a large campaign take.</summary>
    [Fact(Explicit = true)]
    public async Task Figures_of_100_000_recipients()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.Get<WorkspaceStore<Campaign>>().TryCreateAsync(Samples.Campaign("big") with { Holdout = 0.1, State = CampaignState.Completed }, default);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(harness.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        for (var first = 0; first < 1000; first += 100)
        {
            await harness.Get<BatchStore>().CreateManyAsync([.. Enumerable.Range(first, 100).Select(n => Ledger.Count(Batch.Create("big", n, Enumerable.Range(n * 100, 100).Select(c => $"{c:x32}"), now) is var b ? b with
            {
                Vendors = ["recording"], Domains = ["gmail.example", "mail.example"], Prices = [400],
                Recipients = [.. b.Recipients.Select((r, i) => i % 10 == 0 ? r with { Status = MessageStatus.Skipped, Reason = Reasons.Holdout, At = 900 } : r with
                {
                    Status = MessageStatus.Delivered, SentAt = 1000 + i, DeliveredAt = 2000 + i, At = 2000 + i, Domain = i % 3 == 0 ? null : i % 3 - 1, AddressHash = $"{r.CustomerId}{r.CustomerId[..11]}",
                    OpenedAt = i % 4 == 1 ? 90_000 : null, Events = i % 4 == 1 ? [new(MessageEventKind.Opened, 90_000, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")] : null,
                })],
            } : b))], default);
        }

        var container = harness.Get<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        await Task.WhenAll(Enumerable.Range(0, 5000).Select(n => container.CreateItemAsync(new Order
        {
            CustomerId = $"{n * 20:x32}", OrderNumber = "1", Amount = 1999, Currency = "USD", PlacedAt = now, CreatedAt = now, UpdatedAt = now,
            Credit = n % 5 == 0 ? null : new("big", $"big.{n / 5}.{n % 5 * 20}", CreditBasis.Delivery, now), Compared = [new("big", $"big.{n / 5}.{n % 5 * 20}", now, n % 5 == 0)],
        })));

        BreakdownBy?[] ways = [null, null, .. All.Select(b => (BreakdownBy?)b)];
        foreach (var by in ways)
        {
            harness.Meter.Reset();
            var (start, cpu) = (System.Diagnostics.Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            var s = await harness.Get<CampaignStats>().ReadAsync("big", default, by);
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{by?.ToString() ?? "without a breakdown"}: {System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms ({(Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds:F0} ms of work, the emulator's too), {harness.Meter.Requests} requests, {harness.Meter.Charge:F0} RU, {s.Delivered} delivered, {s.Conversions.Orders} orders");
        }
    }

    [Fact]
    public void Intervals_are_those_of_the_textbooks()
    {
        // Newcombe 1998, tables I and II.
        var (low, high) = Proportions.Wilson(81, 263);
        (Math.Round(low, 4), Math.Round(high, 4)).ShouldBe((0.2553, 0.3662));
        (low, high) = Proportions.Wilson(0, 20);
        (Math.Round(low, 4), Math.Round(high, 4)).ShouldBe((0, 0.1611));
        (low, high) = Proportions.Wilson(1, 29);
        (Math.Round(low, 4), Math.Round(high, 4)).ShouldBe((0.0061, 0.1718));
        var d = Proportions.Compare(56, 70, 48, 80);
        (Math.Round(d.Low!.Value, 4), Math.Round(d.High!.Value, 4), d.IsConclusive).ShouldBe((0.0524, 0.3339, true));
        d = Proportions.Compare(9, 10, 3, 10);
        (Math.Round(d.Low!.Value, 4), Math.Round(d.High!.Value, 4), d.IsConclusive).ShouldBe((0.1705, 0.8090, true));
        d = Proportions.Compare(0, 10, 0, 20);
        (Math.Round(d.Low!.Value, 4), Math.Round(d.High!.Value, 4), d.IsConclusive).ShouldBe((-0.1611, 0.2775, false));
        Proportions.Compare(1, 2, 0, 0).ShouldBe(new(null, null, null, false));
        Proportions.Rate(0, 0).ShouldBe(new(0, 0, null, null, null));
    }

    private static async Task<List<(string Id, Recipient Recipient)>> MessagesAsync(DeliveryHarness harness, string id, Func<Recipient, bool> which) =>
        [.. (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.Select((r, i) => (b.MessageId(i), r))).Where(m => which(m.r))];

    private static async Task ReceiveAsync(DeliveryHarness harness, IReadOnlyList<Receipt> receipts)
    {
        foreach (var some in receipts.Chunk(250))
        {
            harness.Queues.PutBack(new(ReceiptInbox.Queue, JsonSerializer.Serialize(some, Json.Options), harness.Clock.GetUtcNow()));
        }

        await harness.RunAsync();
    }

    private static async Task OrderAsync(DeliveryHarness harness, IReadOnlyList<string> customers, string number, decimal amount, DateTimeOffset at, OrderStatus? status = null, decimal? refunded = null)
    {
        var rows = customers.Select((c, i) => new OrderRow(OrderNormalizer.Normalize(
            new() { OrderNumber = number, Customer = new() { Id = c }, Amount = amount, PlacedAt = at, Status = status, RefundedAmount = refunded }, "USD", [])!, i + 1));
        (await harness.Get<OrderWriter>().UpsertAsync([.. rows], new("test"), default)).ShouldAllBe(r => r.Outcome != WriteOutcome.Failed);
    }

    private static async Task<List<Order>> OrdersAsync(DeliveryHarness harness)
    {
        var orders = new List<Order>();
        using var pages = harness.Get<CosmosDatabase>().Container(CustomerStore.ContainerName).GetItemQueryStreamIterator("SELECT * FROM c WHERE c.type = 'order'");
        while (pages.HasMoreResults)
        {
            orders.AddRange((await CosmosPages.ReadAsync<Order>(pages, default)).Select(o => o.Value));
        }

        return orders;
    }
}
