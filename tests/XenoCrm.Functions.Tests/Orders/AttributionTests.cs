using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

public sealed class AttributionTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private CrmHarness crm = null!;

    public async ValueTask InitializeAsync() => crm = await CrmHarness.StartAsync();

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A message by hours: sent, delivered an hour later, and clicked then.</summary>
    private static CustomerMessage Message(string campaign, int index, int sent, bool delivered = true, bool compared = false, params int[] clicks) => new(
        $"{campaign}.0.{index}", "email", delivered ? "delivered" : "sent", Start.AddHours(delivered ? sent + 1 : sent), Start.AddHours(sent), null, clicks.Length > 0 ? Start.AddHours(clicks[0]) : null)
    {
        LaterClicks = clicks.Length > 1 ? [.. clicks[1..].Select(c => Start.AddHours(c))] : null, IsCompared = compared,
    };

    private static CustomerMessage HeldOut(string campaign, int index, int at) =>
        new($"{campaign}.0.{index}", "email", CustomerMessage.HeldOut, Start.AddHours(at)) { IsCompared = true };

    private static OrderDraft Draft(string customer, string number, double hours, OrderStatus? status = null, decimal amount = 10, decimal? refunded = null)
    {
        var issues = new List<FieldIssue>();
        var draft = OrderNormalizer.Normalize(
            new() { OrderNumber = number, Customer = new() { ExternalId = customer }, Amount = amount, RefundedAmount = refunded, Status = status, PlacedAt = Start.AddHours(hours) }, "USD", issues);
        issues.ShouldBeEmpty();
        return draft!;
    }

    private async Task WriteAsync(params OrderDraft[] drafts) =>
        (await crm.Orders.UpsertAsync([.. drafts.Select((d, i) => new OrderRow(d, i + 2))], new("test", null, CreateMissingCustomers: true), Cancellation))
            .ShouldAllBe(r => r.Outcome != WriteOutcome.Failed);

    private async Task<string> IdAsync(string externalId)
    {
        var key = crm.Hasher.External(externalId);
        return (await crm.Writer.FindAsync([key], Cancellation))[key].Value.Id;
    }

    /// <summary>As recording does: under the customer's ETag, until it is stored.</summary>
    private async Task NoteAsync(string customerId, params CustomerMessage[] messages)
    {
        while (true)
        {
            var before = (await crm.Customers.ReadFollowingAsync(customerId, Cancellation))!;
            var after = messages.Aggregate(before.Value, (c, m) => CustomerMessage.Note(c, m, default));
            if (ReferenceEquals(after, before.Value) || (await crm.Get<CreditOrders>().SetMessagesAsync([(before, after)], Cancellation)).Count == 0)
            {
                return;
            }
        }
    }

    private async Task<Dictionary<string, Order>> OrdersAsync(string customerId) =>
        (await crm.OrderStore.ReadAllAsync(customerId, Cancellation))!.Orders.ToDictionary(o => o.Key, o => o.Value.Value);

    private static string? CreditOf(Order order) => order.Credit is { } c ? $"{c.MessageId} {c.Basis} {(c.At - Start).TotalHours}" : null;

    [Fact]
    public async Task The_last_click_before_an_order_gets_it_and_else_the_last_delivery_each_in_its_window()
    {
        await WriteAsync(Draft("A", "first", -1));
        var id = await IdAsync("A");
        await NoteAsync(id, Message("old", 0, 0, true, false, 5, 20), Message("new", 1, 10), Message("lost", 2, 15, delivered: false));
        await WriteAsync(
            Draft("A", "before delivery", 0.5), Draft("A", "delivered", 2), Draft("A", "first click", 19), Draft("A", "second click", 21),
            Draft("A", "end of click", 20 + (24 * 7)), Draft("A", "over", 20.1 + (24 * 7)));
        var orders = await OrdersAsync(id);
        orders.ToDictionary(o => o.Key, o => CreditOf(o.Value)).ShouldBe(new Dictionary<string, string?>
        {
            ["first"] = null, ["before delivery"] = null, ["delivered"] = "old.0.0 Delivery 1", ["first click"] = "old.0.0 Click 5", ["second click"] = "old.0.0 Click 20",
            ["end of click"] = "old.0.0 Click 20", ["over"] = null,
        }, ignoreOrder: true);

        // Deliveries: the last one, within its three days.
        await WriteAsync(Draft("B", "first", -1));
        await NoteAsync(await IdAsync("B"), Message("x", 0, 0), Message("y", 1, 10));
        await WriteAsync(Draft("B", "both", 12), Draft("B", "end", 11 + 72), Draft("B", "over", 11.1 + 72));
        (await OrdersAsync(await IdAsync("B"))).Values.Select(o => (o.OrderNumber, CreditOf(o))).OrderBy(o => o.OrderNumber, StringComparer.Ordinal)
            .ShouldBe([("both", "y.0.1 Delivery 11"), ("end", "y.0.1 Delivery 11"), ("first", null), ("over", null)]);
    }

    [Fact]
    public async Task A_click_that_becomes_known_later_takes_over_orders_and_one_that_was_a_programs_gives_them_back()
    {
        await WriteAsync(Draft("A", "1", 30));
        var id = await IdAsync("A");
        var updated = (await OrdersAsync(id))["1"].UpdatedAt;
        var customer = (await crm.Customers.ReadAsync(id, Cancellation))!.Value;
        await NoteAsync(id, Message("a", 0, 0), Message("b", 0, 1, delivered: false));
        CreditOf((await OrdersAsync(id))["1"]).ShouldBe("a.0.0 Delivery 1");
        await NoteAsync(id, Message("b", 0, 1, true, false, 20, 40));
        CreditOf((await OrdersAsync(id))["1"]).ShouldBe("b.0.0 Click 20");
        await NoteAsync(id, Message("b", 0, 1, true, false, 40));
        CreditOf((await OrdersAsync(id))["1"]).ShouldBe("b.0.0 Delivery 2");
        await NoteAsync(id, Message("b", 0, 1, true) with { Status = "bounced" }, Message("a", 0, 0) with { Status = "bounced" });
        (await OrdersAsync(id))["1"].Credit.ShouldBeNull();

        // Nobody has edited anything.
        (await OrdersAsync(id))["1"].UpdatedAt.ShouldBe(updated);
        (await crm.Customers.ReadAsync(id, Cancellation))!.Value.UpdatedAt.ShouldBe(customer.UpdatedAt);
    }

    [Fact]
    public async Task What_an_order_was_put_down_to_stays_when_the_customer_has_no_room_for_the_message_any_more()
    {
        await WriteAsync(Draft("A", "0", -1));
        var id = await IdAsync("A");
        await NoteAsync(id, Message("m", 0, 0, true, false, 2));
        await WriteAsync(Draft("A", "1", 3));
        await NoteAsync(id, [.. Enumerable.Range(1, CustomerMessage.MaxKept).Select(i => Message("n", i, (24 * 31) + i))]);
        (await crm.Customers.ReadAsync(id, Cancellation))!.Value.Messages.ShouldNotContain(m => m.Id == "m.0.0");
        await WriteAsync(Draft("A", "1", 3, OrderStatus.Paid));
        var paid = (await OrdersAsync(id))["1"];
        (paid.Status, CreditOf(paid)).ShouldBe((OrderStatus.Paid, "m.0.0 Click 2"));

        // Something new of it: it counts as it is now.
        await NoteAsync(id, Message("m", 0, 0));
        CreditOf((await OrdersAsync(id))["1"]).ShouldBe("m.0.0 Delivery 1");
    }

    [Fact]
    public async Task However_many_messages_came_since_an_order_is_put_down_to_the_last_click_or_delivery_before_it()
    {
        // Twenty-five messages in two days; only the first was clicked, and of the last twelve none has arrived.
        await WriteAsync(Draft("A", "0", -1));
        var id = await IdAsync("A");
        await NoteAsync(id, [Message("m", 0, 0, true, false, 2), .. Enumerable.Range(1, 24).Select(i => Message("m", i, i * 2, delivered: i <= 12))]);
        await WriteAsync(Draft("A", "after the click", 60), Draft("A", "after the click, late", 5), Draft("A", "before the click", 1.5));
        (await OrdersAsync(id)).Values.Select(o => (o.OrderNumber, CreditOf(o))).OrderBy(o => o.OrderNumber, StringComparer.Ordinal)
            .ShouldBe([("0", null), ("after the click", "m.0.0 Click 2"), ("after the click, late", "m.0.0 Click 2"), ("before the click", "m.0.0 Delivery 1")]);
        await WriteAsync(Draft("B", "0", -1));
        await NoteAsync(await IdAsync("B"), [.. Enumerable.Range(0, 25).Select(i => Message("m", i, i * 2, delivered: i <= 12))]);
        await WriteAsync(Draft("B", "now", 50), Draft("B", "in between", 10));
        (await OrdersAsync(await IdAsync("B"))).Values.Select(o => (o.OrderNumber, CreditOf(o))).OrderBy(o => o.OrderNumber, StringComparer.Ordinal)
            .ShouldBe([("0", null), ("in between", "m.0.4 Delivery 9"), ("now", "m.0.12 Delivery 25")]);
    }

    [Fact]
    public void A_customer_carries_a_bounded_number_of_messages_and_those_that_orders_need_first()
    {
        IReadOnlyList<CustomerMessage> messages = [];
        foreach (var i in Enumerable.Range(0, 200))
        {
            // One a day, then fifty an hour apart; every fifth is clicked.
            var at = i < 150 ? 24 * i : (24 * 150) + (i - 150);
            messages = CustomerMessage.Keep([.. messages, i % 5 == 0 ? Message("m", i, at, true, false, at + 1) : Message("m", i, at)]);
            messages.Count.ShouldBeLessThanOrEqualTo(CustomerMessage.MaxKept + CustomerMessage.MaxTouching);
            if (i == 149)
            {
                // The clicked ones of thirty days beside the last ten.
                messages.Count.ShouldBe(CustomerMessage.MaxKept + 4);
            }
        }

        messages.Select(m => m.Id).ShouldBe([.. messages.Select(m => m.Id).Distinct()]);
        messages.TakeLast(CustomerMessage.MaxKept).Select(m => m.Id).ShouldBe(Enumerable.Range(190, 10).Select(i => $"m.0.{i}"));
        Enumerable.Range(150, 40).Where(i => i % 5 == 0).Select(i => $"m.0.{i}").ShouldBeSubsetOf(messages.Select(m => m.Id));
    }

    [Fact]
    public async Task Both_groups_of_a_comparison_are_counted_alike_whatever_was_clicked_else()
    {
        await WriteAsync(Draft("A", "0", -1), Draft("B", "0", -1));
        var (a, b) = (await IdAsync("A"), await IdAsync("B"));
        await NoteAsync(a, Message("t", 0, 0, true, compared: true), Message("other", 0, 1, true, false, 2));
        await NoteAsync(b, HeldOut("t", 1, 0), Message("other", 1, 1, true, false, 2));
        await WriteAsync(Draft("A", "1", 24 * 7), Draft("B", "1", 24 * 7), Draft("A", "2", (24 * 7) + 0.1), Draft("B", "2", (24 * 7) + 0.1));
        foreach (var (id, index, heldOut) in new[] { (a, 0, false), (b, 1, true) })
        {
            var orders = await OrdersAsync(id);
            orders["1"].Compared.ShouldNotBeNull().ShouldHaveSingleItem().ShouldBe(new("t", $"t.0.{index}", Start, heldOut));
            orders["1"].Credit!.MessageId.ShouldBe($"other.0.{index}");
            (orders["0"].Compared, orders["2"].Compared).ShouldBe((null, null));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task More_orders_than_a_transaction_takes_are_put_down_to_a_message_however_often_it_is_killed(bool after)
    {
        await WriteAsync([.. Enumerable.Range(0, 230).Select(i => Draft("A", $"{i}", 30 + (i / 100.0)))]);
        var id = await IdAsync("A");
        for (var write = 1; ; write++)
        {
            var message = Message($"m{write}", 0, write, true, false, write + 2);
            crm.Log.Reset();
            crm.Log.CrashBeforeWrite = after ? null : write;
            crm.Log.CrashAfterWrite = after ? write : null;
            var isDone = await Task.Run(() => NoteAsync(id, message), Cancellation).ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default);
            crm.Log.Reset();
            await NoteAsync(id, message);
            (await OrdersAsync(id)).Values.ShouldAllBe(o => o.Credit!.MessageId == message.Id);
            if (isDone)
            {
                write.ShouldBe(4);
                break;
            }
        }
    }

    /// <summary>
    /// Random news of messages, orders by single writes, bulk and import (taken back or not), moved in time, refunded and
    /// cancelled, from two records that are merged at some point, several of these at a time: what is stored is always what
    /// follows from all messages, by a reckoning that shares nothing with the product's.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Credits_as_stored_are_credits_reckoned_anew(int seed)
    {
        var random = new Random(seed);
        await WriteAsync(Draft("A", "a", 0), Draft("B", "b", 0));
        var people = new[] { await IdAsync("A"), await IdAsync("B") };
        var known = new Dictionary<string, CustomerMessage>[] { [], [] };
        var imports = 0;
        for (var round = 0; round < 25; round++)
        {
            // News of one message come one after the other; the rest at once.
            var news = new HashSet<(int, int)>();
            var steps = Enumerable.Range(0, random.Next(1, 4)).Select(_ =>
            {
                var who = random.Next(2);
                var name = "AB"[who].ToString();
                switch (random.Next(5))
                {
                    case 0 or 1:
                        var index = random.Next(5);
                        if (!news.Add((who, index)))
                        {
                            return () => Task.CompletedTask;
                        }

                        var message = Make(random, $"c{index % 3}", (who * 5) + index, index * 40);
                        known[who][message.Id] = message;
                        return (Func<Task>)(() => NoteAsync(people[who], message));
                    case 2:
                        var drafts = Enumerable.Range(0, random.Next(1, 5)).Select(_ => Random(random, name)).DistinctBy(d => d.OrderNumber).ToArray();
                        return () => crm.Orders.UpsertAsync([.. drafts.Select((d, i) => new OrderRow(d, i + 2))], new("bulk"), Cancellation);
                    case 3:
                        var one = Random(random, name);
                        return () => crm.Orders.UpsertAsync([new(one, 2)], new("test"), Cancellation);
                    default:
                        var import = $"i{imports++}";
                        var (rows, isUndone) = (Enumerable.Range(0, random.Next(1, 5)).Select(_ => Random(random, name)).DistinctBy(d => d.OrderNumber).ToArray(), random.Next(2) == 0);
                        return () => ImportAsync(import, rows, isUndone);
                }
            }).ToList();

            await Task.WhenAll(steps.Select(s => Task.Run(s, Cancellation)));
            if (round == 15)
            {
                await crm.Get<MergeCustomers>().HandleAsync(new(people[0], people[1]), Cancellation);
                people[1] = people[0];
            }

            for (var who = 0; who < 2; who++)
            {
                var messages = people[0] == people[1] ? known[0].Concat(known[1]).ToDictionary() : known[who];
                foreach (var order in (await OrdersAsync(people[who])).Values.Where(o => OrderFlow.Counts(o.Status)))
                {
                    var about = $"seed {seed}, round {round}, order {order.OrderNumber} of {order.PlacedAt:O}";
                    CreditOf(order).ShouldBe(Reckon(order.PlacedAt, messages.Values), about);
                    (order.Compared ?? []).Select(e => (e.MessageId, e.HeldOut)).ShouldBe(
                        messages.Values.Where(m => m.IsCompared && (m.SentAt ?? m.At) <= order.PlacedAt && order.PlacedAt - (m.SentAt ?? m.At) <= TimeSpan.FromDays(7))
                            .Select(m => (m.Id, m.Status == "holdout")), ignoreOrder: true, about);
                }
            }
        }
    }

    private async Task ImportAsync(string import, OrderDraft[] drafts, bool isUndone)
    {
        await crm.Orders.UpsertAsync([.. drafts.Select((d, i) => new OrderRow(d, i + 2))], new("import", crm.Journal(import)), Cancellation);
        if (isUndone)
        {
            var lines = crm.ReadJournal(import).SelectMany(j => j.Lines).Where(l => l.Items is { Count: > 0 }).ToList();
            foreach (var line in lines)
            {
                await crm.Orders.UndoAsync([line], crm.Journal($"{import}-undone", lines.IndexOf(line) + 1), Cancellation);
            }
        }
    }

    private static CustomerMessage Make(Random random, string campaign, int index, int sent)
    {
        if (index % 5 == 4)
        {
            return HeldOut(campaign, index, sent);
        }

        var clicks = random.Next(2) == 0 ? [] : Enumerable.Range(0, random.Next(1, 4)).Select(_ => sent + 2 + random.Next(200)).Distinct().Order().ToArray();
        var isDelivered = clicks.Length > 0 || random.Next(3) > 0;
        var message = Message(campaign, index, sent, isDelivered, index % 3 == 1, clicks);
        return clicks.Length == 0 && random.Next(5) == 0 ? message with { Status = "bounced" } : message;
    }

    private static OrderDraft Random(Random random, string customer)
    {
        OrderStatus? status = random.Next(6) switch { 0 => OrderStatus.Paid, 1 => OrderStatus.Cancelled, 2 => OrderStatus.Refunded, _ => null };
        return Draft(customer, $"{customer}{random.Next(12)}", random.Next(-10, 500), status, 10, status == OrderStatus.Paid && random.Next(2) == 0 ? 3 : null);
    }

    private static string? Reckon(DateTimeOffset placedAt, IEnumerable<CustomerMessage> messages)
    {
        var touches = new List<(bool IsClick, DateTimeOffset At, string Id)>();
        foreach (var message in messages)
        {
            if (message.ClickedAt is { } first)
            {
                touches.Add((true, first, message.Id));
                touches.AddRange((message.LaterClicks ?? []).Select(c => (true, c, message.Id)));
            }

            if (message.Status == "delivered")
            {
                touches.Add((false, message.At, message.Id));
            }
        }

        var hours = touches.Select(t => (t.IsClick, t.At, t.Id, Age: (placedAt - t.At).TotalHours)).Where(t => t.Age >= 0).ToList();
        var click = hours.Where(t => t.IsClick && t.Age <= 168).OrderByDescending(t => t.At).ThenByDescending(t => t.Id, StringComparer.Ordinal).ToList();
        var delivery = hours.Where(t => !t.IsClick && t.Age <= 72).OrderByDescending(t => t.At).ThenByDescending(t => t.Id, StringComparer.Ordinal).ToList();
        return click.Count > 0 ? $"{click[0].Id} Click {(click[0].At - Start).TotalHours}" : delivery.Count > 0 ? $"{delivery[0].Id} Delivery {(delivery[0].At - Start).TotalHours}" : null;
    }
}
