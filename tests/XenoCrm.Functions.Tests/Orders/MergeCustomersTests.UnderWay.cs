using System.Text;
using System.Text.Json.Nodes;
using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Orders;

/// <summary>Merges that take their time, and what becomes of imports whose orders a merge has moved.</summary>
public sealed partial class MergeCustomersTests
{
    [Fact]
    public async Task While_it_is_merged_a_customer_is_neither_itself_nor_the_other()
    {
        var (into, from) = (await CustomerAsync(new() { ExternalId = "A" }), await CustomerAsync(new() { ExternalId = "B" }));
        await OrdersAsync("B", ("1", 1, 1, null, null));
        crm.Log.Reset();
        crm.Log.CrashBeforeWrite = 3;
        await Should.ThrowAsync<Exception>(() => MergeAsync(into, from));
        crm.Log.Reset();

        var api = new OrderApi(crm);
        foreach (var answer in new[] { await new CustomerApi(crm).GetAsync(from), await api.OverviewAsync(from), await api.TimelineAsync(from), await api.VisitAsync(from, "{}"), await api.DeleteCustomerAsync(from) })
        {
            answer.ShouldBeProblem(409, "customer.merging");
            answer.Headers.RetryAfter.ToString().ShouldBe("2");
        }

        await MergeAsync(into, from);
        (await new CustomerApi(crm).GetAsync(from)).ShouldBeProblem(308, "customer.merged");
    }

    /// <summary>By a clock that makes every turn the shortest.</summary>
    [Fact]
    public async Task A_merge_of_many_orders_goes_on_turn_by_turn()
    {
        var (into, from) = (await CustomerAsync(new() { ExternalId = "A" }), await CustomerAsync(new() { ExternalId = "B" }));
        await OrdersAsync("B", [.. Enumerable.Range(0, 130).Select(n => ($"{n}", 1m, n % 28, (string?)null, (OrderStatus?)null))]);
        MergeCustomers Hasty(int minutes) => new(crm.OrderStore, crm.Get<CreditOrders>(), crm.Customers, crm.Writer, crm.Get<CustomerViews>(), crm.Hasher, new Hasty(TimeSpan.FromMinutes(minutes)));

        Should.Throw<ProblemException>(() => Hasty(0).HandleAsync(new(into, from), Cancellation)).Problem.ShouldBe(new CustomerMerging(from) { RetryAfterSeconds = 15 });
        (await crm.OrderStore.CountAsync(into, Cancellation)).ShouldBe(40);
        var turns = 0;
        for (; (await crm.Customers.ReadSlotAsync(from, Cancellation))!.IsFrozen; turns++)
        {
            await Hasty(1).FinishAbandonedAsync(Cancellation);
        }

        turns.ShouldBe(4);
        (await CheckedAsync(into)).Customer.OrderCount.ShouldBe(130);
        (await Hasty(0).HandleAsync(new(into, from), Cancellation)).Orders.ShouldBe(0);
    }

    [Fact]
    public async Task The_timer_finishes_what_it_can_and_says_what_it_could_not()
    {
        var people = new List<(string Into, string From)>();
        for (var i = 0; i < 3; i++)
        {
            people.Add((await CustomerAsync(new() { ExternalId = $"A{i}" }), await CustomerAsync(new() { ExternalId = $"B{i}" })));
            crm.Log.Reset();
            crm.Log.CrashBeforeWrite = 3;
            await Should.ThrowAsync<Exception>(() => MergeAsync(people[i].Into, people[i].From));
            crm.Log.Reset();
        }

        // The second one's counterpart cannot be read as what it is.
        await Broken(people[1].Into, c => c["totalSpend"] = "much");
        var timer = new MergeCustomers(crm.OrderStore, crm.Get<CreditOrders>(), crm.Customers, crm.Writer, crm.Get<CustomerViews>(), crm.Hasher, new Later(TimeSpan.FromMinutes(1)));
        (await Should.ThrowAsync<AggregateException>(() => timer.FinishAbandonedAsync(Cancellation))).InnerExceptions.ShouldHaveSingleItem().Message.ShouldContain(people[1].From);
        foreach (var (_, from) in people.Where((_, i) => i != 1))
        {
            (await crm.Customers.ReadSlotAsync(from, Cancellation))!.ShouldSatisfyAllConditions(s => s.IsFrozen.ShouldBeFalse(), s => s.Into.ShouldNotBeNull());
        }

        await Broken(people[1].Into, c => c["totalSpend"] = 0);
        await timer.FinishAbandonedAsync(Cancellation);
        (await crm.Customers.ReadSlotAsync(people[1].From, Cancellation))!.IsFrozen.ShouldBeFalse();

        async Task Broken(string id, Action<JsonObject> change)
        {
            var container = crm.Database.Container(CustomerStore.ContainerName);
            var item = (JsonObject)JsonNode.Parse(
                await new StreamReader((await container.ReadItemStreamAsync(id, new(id), cancellationToken: Cancellation)).Content).ReadToEndAsync(Cancellation))!;
            change(item);
            using var answer = await container.ReplaceItemStreamAsync(new MemoryStream(Encoding.UTF8.GetBytes(item.ToJsonString())), id, new(id), cancellationToken: Cancellation);
            answer.EnsureSuccessStatusCode();
        }
    }

    [Fact]
    public async Task An_import_is_undone_where_its_orders_are_now()
    {
        var (a, b, c) = (await CustomerAsync(new() { ExternalId = "A" }), await CustomerAsync(new() { ExternalId = "B" }), await CustomerAsync(new() { ExternalId = "C" }));
        await OrdersAsync("A", ("own", 7, 1, null, null), ("old", 1, 1, null, null));
        await OrdersAsync("B", ("both", 3, 2, null, null));
        OrderRow Row(string number, decimal amount, int row, string customer = "A") =>
            new(OrderNormalizer.Normalize(new() { OrderNumber = number, Customer = new() { ExternalId = customer }, Amount = amount, PlacedAt = Start.AddDays(row) }, "USD", [])!, row);
        await crm.Orders.UpsertAsync([Row("new", 5, 2), Row("both", 6, 3), Row("old", 2, 4), Row("b", 1, 5, "B")], new("import", crm.Journal("i")), Cancellation);

        // Into one where a number is taken, and with that into a third.
        await MergeAsync(b, a);
        await MergeAsync(c, b);
        var lines = WriteJournal.Standing(crm.ReadJournal("i")).Select(l => l.Line).Where(l => l.Scope is null).ToList();
        var undone = await crm.Orders.UndoAsync(lines, crm.Journal("i-undo"), Cancellation);

        undone.OrderBy(u => u.Row).Select(u => (u.Row, u.Result.Outcome, u.Result.Code)).ShouldBe(
            [(2, WriteOutcome.Updated, UndoCodes.Deleted), (3, WriteOutcome.Updated, UndoCodes.Deleted), (4, WriteOutcome.Updated, null), (5, WriteOutcome.Updated, UndoCodes.Deleted)]);
        undone.ShouldAllBe(u => u.Result.CustomerId == c);
        var (customer, orders) = await CheckedAsync(c);
        orders.Select(o => (o.OrderNumber, o.Amount)).ShouldBe([("own", 700), ("old", 100), ("both", 300)], ignoreOrder: true);
        customer.OrderCount.ShouldBe(3);

        // And again: nothing is there any more, and it is known why.
        (await crm.Orders.UndoAsync(lines, crm.Journal("i-undo"), Cancellation)).OrderBy(u => u.Row).Select(u => u.Result.Code).ShouldBe(undone.OrderBy(u => u.Row).Select(u => u.Result.Code));
    }

    private sealed class Hasty(TimeSpan by) : TimeProvider
    {
        private long now;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;

        public override long GetTimestamp() => Interlocked.Add(ref now, TimestampFrequency * 60);
    }
}
