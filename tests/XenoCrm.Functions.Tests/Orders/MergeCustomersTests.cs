using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Orders;

public sealed partial class MergeCustomersTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private CrmHarness crm = null!;

    public async ValueTask InitializeAsync() => crm = await CrmHarness.StartAsync();

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private async Task<string> CustomerAsync(CustomerInput input)
    {
        var issues = new List<FieldIssue>();
        var draft = CustomerNormalizer.Normalize(input, issues);
        issues.ShouldBeEmpty();
        return (await crm.Writer.UpsertAsync(draft, "test", Cancellation)).Value.Id;
    }

    private async Task<IReadOnlyList<WriteResult>> OrdersAsync(string externalId, params (string Number, decimal Amount, int Day, string? Category, OrderStatus? Status)[] orders)
    {
        var issues = new List<FieldIssue>();
        var drafts = orders.Select(o => OrderNormalizer.Normalize(
            new()
            {
                OrderNumber = o.Number, Customer = new() { ExternalId = externalId }, Amount = o.Amount, Status = o.Status, PlacedAt = Start.AddDays(o.Day),
                Items = o.Category is null ? null : [new("thing", o.Category, 1, o.Amount)],
            }, "USD", issues)!).ToList();
        issues.ShouldBeEmpty();
        return await crm.Orders.UpsertAsync([.. drafts.Select((d, i) => new OrderRow(d, i + 2))], new("test", null, true), Cancellation);
    }

    private Task<MergeResult> MergeAsync(string into, string from) => crm.Get<MergeCustomers>().HandleAsync(new(into, from), Cancellation);

    private async Task<(Customer Customer, IReadOnlyList<Order> Orders)> CheckedAsync(string id)
    {
        var all = (await crm.OrderStore.ReadAllAsync(id, Cancellation))!;
        var customer = all.Customer.Value;
        var sum = OrderTotals.Of(customer, all.Orders.Values.Select(o => o.Value));
        (customer.TotalSpend, customer.OrderCount, customer.FirstOrderAt, customer.LastOrderAt).ShouldBe((sum.TotalSpend, sum.OrderCount, sum.FirstOrderAt, sum.LastOrderAt));
        customer.Categories.OrderBy(c => c.Key).ShouldBe(sum.Categories.OrderBy(c => c.Key));
        customer.Merging.ShouldBeNull();
        all.Orders.Values.ShouldAllBe(o => o.Value.CustomerId == id);
        return (customer, [.. all.Orders.Values.Select(o => o.Value)]);
    }

    private static Problem ProblemOf(Func<Task> act) => Should.Throw<ProblemException>(act).Problem;

    [Fact]
    public async Task Everything_of_the_one_becomes_the_others()
    {
        var into = await CustomerAsync(new()
        {
            ExternalId = "A", Email = "a@x.org", City = "Bern", Tags = ["vip", "old"],
            Attributes = new Dictionary<string, System.Text.Json.JsonElement> { ["plan"] = Json("gold"), ["only"] = Json(1) },
            Consent = new Dictionary<string, ConsentInput> { ["email"] = new(ConsentState.Granted), ["sms"] = new(ConsentState.Withdrawn) },
        });
        var from = await CustomerAsync(new()
        {
            ExternalId = "B", Email = "b@x.org", Phone = "+41446681800", City = "Basel", FirstName = "Maria", Tags = ["new", "old"],
            Attributes = new Dictionary<string, System.Text.Json.JsonElement> { ["plan"] = Json("silver"), ["mine"] = Json(true) },
            Consent = new Dictionary<string, ConsentInput> { ["email"] = new(ConsentState.Withdrawn), ["sms"] = new(ConsentState.Granted), ["whatsapp"] = new(ConsentState.Granted) },
        });
        var visits = crm.Get<RecordVisit>();
        await visits.HandleAsync(into, new(Start.AddDays(1)), Cancellation);
        await visits.HandleAsync(from, new(Start.AddDays(2)), Cancellation);
        await visits.HandleAsync(from, new(Start.AddDays(3)), Cancellation);
        await OrdersAsync("A", ("1", 10, 1, "Tea", null), ("same", 5, 9, null, OrderStatus.Placed), ("other", 7, 9, null, null));
        await OrdersAsync("B", ("2", 20, 2, "Tea", null), ("same", 5, 9, null, OrderStatus.Shipped), ("other", 8, 9, "Cake", null), ("gone", 99, 20, null, OrderStatus.Cancelled));

        var result = await MergeAsync(into, from);
        result.Orders.ShouldBe(4);
        result.Conflicts.Select(c => c.Field).ShouldBe(["externalId", "email", "city", "attributes.plan", "consent.email", "consent.sms"], ignoreOrder: true);

        var (customer, orders) = await CheckedAsync(into);
        (customer.ExternalId, customer.Email, customer.Phone, customer.PhoneUsable, customer.City, customer.FirstName).ShouldBe(("A", "a@x.org", "+41446681800", true, "Bern", "Maria"));
        customer.Tags.ShouldBe(["vip", "old", "new"], ignoreOrder: true);
        customer.Attributes.Select(a => (a.Key, a.Value.ToString())).ShouldBe([("plan", "gold"), ("only", "1"), ("mine", "True")], ignoreOrder: true);
        customer.Consent.Select(c => (c.Key, c.Value.State)).ShouldBe(
            [("email", ConsentState.Withdrawn), ("sms", ConsentState.Withdrawn), ("whatsapp", ConsentState.Granted)], ignoreOrder: true);
        (customer.Visits, customer.LastVisitAt).ShouldBe((3, Start.AddDays(3)));
        customer.Past.Count(p => p.Channel is null).ShouldBe(2);
        orders.Select(o => (o.OrderNumber, o.Status)).ShouldBe(
            [("1", OrderStatus.Placed), ("2", OrderStatus.Placed), ("same", OrderStatus.Shipped), ("other", OrderStatus.Placed), (MergeOrders.Rename("other", from), OrderStatus.Placed), ("gone", OrderStatus.Cancelled)],
            ignoreOrder: true);
        customer.TotalSpend.ShouldBe(1000 + 2000 + 500 + 700 + 800);
        (await crm.OrderStore.ReadOrphansAsync(from, 10, Cancellation)).ShouldBeEmpty();

        // The same again, and what the old id answers.
        var again = await MergeAsync(into, from);
        (again.Orders, again.Customer.TotalSpend).ShouldBe((0, result.Customer.TotalSpend));
        ProblemOf(() => crm.Customers.ReadAsync(from, Cancellation)).ShouldSatisfyAllConditions(p => p.Code.ShouldBe("customer.merged"), p => p.Status.ShouldBe(308), p => p.Moved.ShouldBe((from, into)));
        ProblemOf(() => crm.Get<SaveCustomer>().PatchAsync(from, [], null, Cancellation)).Code.ShouldBe("customer.merged");
        ProblemOf(() => crm.Get<ReadOverview>().HandleAsync(from, Cancellation)).Code.ShouldBe("customer.merged");
        ProblemOf(() => crm.Get<DeleteCustomer>().HandleAsync(from, null, Cancellation)).Code.ShouldBe("customer.merged");
        (await crm.Customers.ReadFollowingAsync(from, Cancellation))!.Value.Id.ShouldBe(into);
    }

    [Fact]
    public async Task Rows_that_mean_the_old_customer_reach_the_new_one_and_leave_its_keys()
    {
        var into = await CustomerAsync(new() { ExternalId = "A", Email = "a@x.org" });
        var from = await CustomerAsync(new() { ExternalId = "B", Email = "b@x.org", Phone = "+41446681800" });
        await MergeAsync(into, from);

        (await CustomerAsync(new() { ExternalId = "B", Email = "b@x.org", City = "Chur" })).ShouldBe(into);
        (await CustomerAsync(new() { Email = "B@x.org", Company = "X" })).ShouldBe(into);
        (await CustomerAsync(new() { Phone = "+41446681800", FirstName = "Maria" })).ShouldBe(into);
        (await OrdersAsync("B", ("1", 5, 1, null, null)))[0].CustomerId.ShouldBe(into);
        var byId = OrderNormalizer.Normalize(new() { OrderNumber = "2", Customer = new() { Id = from }, Amount = 5 }, "USD", [])!;
        (await crm.Orders.UpsertAsync([new(byId, 1)], new("test"), Cancellation))[0].CustomerId.ShouldBe(into);
        var (customer, _) = await CheckedAsync(into);
        (customer.ExternalId, customer.Email, customer.City, customer.Company, customer.FirstName, customer.OrderCount).ShouldBe(("A", "a@x.org", "Chur", "X", "Maria", 2));

        // A row that joins both is no conflict, and a customer of its own cannot have the old keys.
        (await CustomerAsync(new() { ExternalId = "A", Email = "b@x.org" })).ShouldBe(into);
        ProblemOf(() => crm.Writer.CreateAsync(CustomerNormalizer.Normalize(new() { Email = "b@x.org" }, []), "test", Cancellation)).Code.ShouldBe("customer.exists");

        // The customer may take the other's keys for its own, and they stay its.
        await crm.Get<SaveCustomer>().PatchAsync(into, new() { ["email"] = "b@x.org" }, null, Cancellation);
        (await CustomerAsync(new() { Email = "b@x.org" })).ShouldBe(into);
        await crm.CheckedCustomersAsync();

        // With the customer all of them are free.
        await crm.Get<DeleteCustomer>().HandleAsync(into, null, Cancellation);
        var fresh = await CustomerAsync(new() { ExternalId = "B", Email = "b@x.org", Phone = "+41446681800" });
        fresh.ShouldNotBe(into);
        (await CustomerAsync(new() { ExternalId = "A", Email = "a@x.org" })).ShouldNotBe(fresh);
        await crm.CheckedCustomersAsync();
    }

    [Fact]
    public async Task What_cannot_be_merged_is_said_clearly()
    {
        var (a, b, c) = (await CustomerAsync(new() { ExternalId = "A" }), await CustomerAsync(new() { ExternalId = "B" }), await CustomerAsync(new() { ExternalId = "C" }));
        (await new MergeValidator().ValidateAsync(new MergeRequest(a, a), Cancellation)).Errors.ShouldHaveSingleItem().ErrorMessage.ShouldBe("A customer is not merged into itself.");
        ProblemOf(() => MergeAsync(a, "nobody")).Code.ShouldBe("customer.not_found");
        ProblemOf(() => MergeAsync("nobody", a)).Code.ShouldBe("customer.not_found");

        await MergeAsync(a, b);
        ProblemOf(() => MergeAsync(b, a)).ShouldSatisfyAllConditions(p => p.Status.ShouldBe(409), p => p.Code.ShouldBe("customer.merged"));
        ProblemOf(() => MergeAsync(b, c)).Code.ShouldBe("customer.merged");
        ProblemOf(() => MergeAsync(c, b)).Code.ShouldBe("customer.merged");

        // A chain: who is merged takes along what was merged into them.
        await OrdersAsync("B", ("1", 5, 1, null, null));
        await MergeAsync(c, a);
        (await CustomerAsync(new() { ExternalId = "B", City = "Chur" })).ShouldBe(c);
        (await CustomerAsync(new() { ExternalId = "A" })).ShouldBe(c);
        (await MergeAsync(c, b)).Orders.ShouldBe(0);
        var (customer, orders) = await CheckedAsync(c);
        orders.ShouldHaveSingleItem();
        customer.Merged!.Select(m => m.Id).ShouldBe([b, a]);
        (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Killed_between_any_two_writes_it_is_finished_by_whoever_comes(bool byTimer)
    {
        for (var write = 1; ; write++)
        {
            await using var world = await CrmHarness.StartAsync();
            var into = await world.Writer.UpsertAsync(CustomerNormalizer.Normalize(new() { ExternalId = "A" }, []), "test", Cancellation);
            var from = await world.Writer.UpsertAsync(CustomerNormalizer.Normalize(new() { ExternalId = "B", Email = "b@x.org" }, []), "test", Cancellation);
            OrderDraft Order(string customer, int i) => OrderNormalizer.Normalize(new() { OrderNumber = $"{i}", Customer = new() { ExternalId = customer }, Amount = i + (customer == "B" ? 0.5m : 0), PlacedAt = Start.AddDays(i) }, "USD", [])!;
            await world.Orders.UpsertAsync([.. Enumerable.Range(0, 50).Select(i => new OrderRow(Order("B", i), i)), .. Enumerable.Range(0, 5).Select(i => new OrderRow(Order("A", i), 100 + i))], new("test"), Cancellation);
            await world.Get<RecordVisit>().HandleAsync(from.Value.Id, new(Start), Cancellation);

            world.Log.Reset();
            world.Log.CrashAfterWrite = write;
            var merge = world.Get<MergeCustomers>();
            var isDone = await Task.Run(() => merge.HandleAsync(new(into.Value.Id, from.Value.Id), Cancellation), Cancellation).ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default);
            world.Log.Reset();

            if (byTimer)
            {
                // A later time for the timer, which leaves alone what has just begun.
                await new MergeCustomers(
                    world.OrderStore, world.Get<CreditOrders>(), world.Customers, world.Writer, world.Get<CustomerViews>(), world.Hasher, new Later(TimeSpan.FromMinutes(1))).FinishAbandonedAsync(Cancellation);
            }

            await merge.HandleAsync(new(into.Value.Id, from.Value.Id), Cancellation);
            var all = (await world.OrderStore.ReadAllAsync(into.Value.Id, Cancellation))!;
            var sum = OrderTotals.Of(all.Customer.Value, all.Orders.Values.Select(o => o.Value));
            var customer = all.Customer.Value;
            (customer.TotalSpend, customer.OrderCount, customer.FirstOrderAt, customer.LastOrderAt, customer.Visits, customer.Email, customer.Merging)
                .ShouldBe((sum.TotalSpend, 55, sum.FirstOrderAt, sum.LastOrderAt, 1, "b@x.org", null), $"killed after write {write}");
            customer.Merged!.ShouldHaveSingleItem();
            (await world.OrderStore.ReadOrphansAsync(from.Value.Id, 1, Cancellation)).ShouldBeEmpty();
            (await world.Customers.ReadSlotAsync(from.Value.Id, Cancellation))!.Into.ShouldBe(into.Value.Id);
            await world.CheckedCustomersAsync();
            if (isDone)
            {
                write.ShouldBeGreaterThan(8);
                return;
            }
        }
    }

    [Fact]
    public async Task Orders_that_are_too_large_for_one_transaction_are_written_and_merged_in_several()
    {
        var into = await CustomerAsync(new() { ExternalId = "A" });
        var from = await CustomerAsync(new() { ExternalId = "B" });

        // JSON escapes them: 370 KB an order, 3 MB together.
        var items = Enumerable.Repeat(new OrderItemInput(new('\u0001', 200), new('\u0001', 100), 1, 1), OrderNormalizer.MaxItems).ToList();
        var drafts = Enumerable.Range(0, 8).Select(i => OrderNormalizer.Normalize(new() { OrderNumber = $"{i}", Customer = new() { ExternalId = "B" }, Items = items, PlacedAt = Start.AddDays(i) }, "USD", [])!).ToList();

        // The second time they are small at first, and grow within their transaction.
        var small = drafts.Select(d => d with { OrderNumber = d.OrderNumber + "s", Items = [d.Items![0]] });
        var grown = drafts.Select(d => d with { OrderNumber = d.OrderNumber + "s" });
        var rows = drafts.Concat(small).Concat(grown).Select((d, i) => new OrderRow(d, i + 2)).ToList();
        (await crm.Orders.UpsertAsync(rows, new("test"), Cancellation)).Count(r => r.Outcome == WriteOutcome.Failed).ShouldBe(0);

        (await MergeAsync(into, from)).Orders.ShouldBe(16);
        (await CheckedAsync(into)).Orders.Count.ShouldBe(16);
    }

    [Fact]
    public async Task Numbers_that_are_taken_lose_no_order()
    {
        for (var write = 3; ; write++)
        {
            await using var world = await CrmHarness.StartAsync();
            var into = (await world.Writer.UpsertAsync(CustomerNormalizer.Normalize(new() { ExternalId = "A" }, []), "test", Cancellation)).Value.Id;
            var from = (await world.Writer.UpsertAsync(CustomerNormalizer.Normalize(new() { ExternalId = "B" }, []), "test", Cancellation)).Value.Id;
            var stem = new string('x', OrderNormalizer.MaxOrderNumber - 1);

            // The name that "1" would get is in use here, that of "2" there; two long ones differ only where they are cut.
            string[] here = ["1", MergeOrders.Rename("1", from), "2", stem + "1", stem + "2"];
            string[] there = ["1", "2", MergeOrders.Rename("2", from), stem + "1", stem + "2"];
            var rows = here.Select((n, i) => ("A", n, 1m + i)).Concat(there.Select((n, i) => ("B", n, 100m + i)))
                .Select((r, i) => new OrderRow(OrderNormalizer.Normalize(new() { OrderNumber = r.n, Customer = new() { ExternalId = r.Item1 }, Amount = r.Item3, PlacedAt = Start.AddDays(i) }, "USD", [])!, i));
            (await world.Orders.UpsertAsync([.. rows], new("test"), Cancellation)).ShouldAllBe(r => r.Outcome == WriteOutcome.Created);

            world.Log.Reset();
            world.Log.CrashAfterWrite = write;
            var merge = world.Get<MergeCustomers>();
            var isDone = await Task.Run(() => merge.HandleAsync(new(into, from), Cancellation), Cancellation).ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default);
            world.Log.Reset();
            await merge.HandleAsync(new(into, from), Cancellation);

            var all = (await world.OrderStore.ReadAllAsync(into, Cancellation))!;
            all.Orders.Values.Select(o => o.Value.Amount).Order().ToList().ShouldBe([100L, 200, 300, 400, 500, 10_000, 10_100, 10_200, 10_300, 10_400], $"killed after write {write}");
            (all.Customer.Value.OrderCount, all.Customer.Value.TotalSpend).ShouldBe((10, 52_500));
            all.Orders.Keys.ShouldAllBe(n => n.Length <= OrderNormalizer.MaxOrderNumber);
            if (isDone)
            {
                return;
            }
        }
    }

    [Fact]
    public async Task Writers_of_both_customers_meanwhile_lose_nothing()
    {
        var people = new List<(string Into, string From)>();
        for (var i = 0; i < 6; i++)
        {
            people.Add((await CustomerAsync(new() { ExternalId = $"A{i}" }), await CustomerAsync(new() { ExternalId = $"B{i}" })));
            await OrdersAsync($"B{i}", [.. Enumerable.Range(0, 60).Select(n => ($"old{n}", 1m, n % 28, (string?)"Tea", (OrderStatus?)null))]);
        }

        var writers = Enumerable.Range(0, 16).Select(w => Task.Run(
            async () =>
            {
                for (var n = 0; n < 6; n++)
                {
                    var results = await OrdersAsync($"{(w % 2 == 0 ? "A" : "B")}{(n + w) % 6}", ($"{w}-{n}", 2, 1, null, null), ($"{w}-{n}b", 3, 1, "Cake", null));
                    results.ShouldAllBe(r => r.Outcome == WriteOutcome.Created);
                    await CustomerAsync(new() { ExternalId = $"B{(n + w) % 6}", Tags = [$"t{w}"] });
                }
            }, Cancellation)).ToList();
        var merges = people.SelectMany(p => new[] { MergeAsync(p.Into, p.From), MergeAsync(p.Into, p.From) }).ToList();
        await Task.WhenAll([.. writers, .. merges]);

        foreach (var (into, from) in people)
        {
            var (customer, orders) = await CheckedAsync(into);
            orders.Count.ShouldBe(60 + 32);
            customer.Merged!.ShouldHaveSingleItem();
            (await crm.OrderStore.ReadOrphansAsync(from, 1, Cancellation)).ShouldBeEmpty();
        }

        (await crm.CheckedCustomersAsync()).Count.ShouldBe(6);
    }

    [Fact]
    public async Task Two_that_are_merged_into_each_other_at_once_become_one_and_a_deletion_waits()
    {
        var (a, b) = (await CustomerAsync(new() { ExternalId = "A" }), await CustomerAsync(new() { ExternalId = "B" }));
        await OrdersAsync("A", ("1", 1, 1, null, null));
        await OrdersAsync("B", ("2", 2, 1, null, null));
        var outcomes = await Task.WhenAll(new[] { MergeAsync(a, b), MergeAsync(b, a) }.Select(t => t.ContinueWith(x => x.IsCompletedSuccessfully, TaskScheduler.Default)));
        outcomes.ShouldBe([true, false], ignoreOrder: true);
        var left = (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem();
        (await CheckedAsync(left.Id)).Customer.TotalSpend.ShouldBe(300);

        var c = await CustomerAsync(new() { ExternalId = "C" });
        await OrdersAsync("C", [.. Enumerable.Range(0, 120).Select(n => ($"c{n}", 1m, 1, (string?)null, (OrderStatus?)null))]);
        await Task.WhenAll(MergeAsync(left.Id, c).ContinueWith(_ => { }, TaskScheduler.Default), crm.Get<DeleteCustomer>().HandleAsync(left.Id, null, Cancellation));
        (await crm.Customers.ReadSlotAsync(left.Id, Cancellation))!.ShouldSatisfyAllConditions(s => s.Customer.ShouldBeNull(), s => s.Into.ShouldBeNull());

        // Whichever came first: merged and gone with the other, or never merged and whole.
        var rest = await crm.CheckedCustomersAsync();
        if (rest.Count > 0)
        {
            (await CheckedAsync(rest.ShouldHaveSingleItem().Id)).Customer.OrderCount.ShouldBe(120);
        }
        else
        {
            (await crm.OrderStore.ReadOrphansAsync(c, 1, Cancellation)).ShouldBeEmpty();
        }
    }

    private static System.Text.Json.JsonElement Json<T>(T value) => System.Text.Json.JsonSerializer.SerializeToElement(value);

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
