using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

public sealed class OrderWriterTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private CrmHarness crm = null!;

    public async ValueTask InitializeAsync() => crm = await CrmHarness.StartAsync();

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static OrderDraft Draft(string number, string customer, decimal amount, OrderStatus? status = null, int day = 0, string? category = null)
    {
        var issues = new List<FieldIssue>();
        var draft = OrderNormalizer.Normalize(
            new()
            {
                OrderNumber = number, Customer = new() { ExternalId = customer }, Amount = amount, Status = status, PlacedAt = Start.AddDays(day),
                Items = category is null ? null : [new("thing", category, 1, amount)],
            }, "USD", issues);
        issues.ShouldBeEmpty();
        return draft!;
    }

    private Task<IReadOnlyList<WriteResult>> UpsertAsync(params OrderDraft[] drafts) => UpsertAsync(null, true, drafts);

    private Task<IReadOnlyList<WriteResult>> UpsertAsync(string? import, bool create, params OrderDraft[] drafts) =>
        crm.Orders.UpsertAsync([.. drafts.Select((d, i) => new OrderRow(d, i + 2))], new("test", import is null ? null : crm.Journal(import), create), Cancellation);

    private static WriteOutcome[] Outcomes(IEnumerable<WriteResult> results) => [.. results.Select(r => r.Outcome)];

    /// <summary>The customer, after a check that its totals are those of its orders as they are stored.</summary>
    private async Task<Customer> CheckedAsync(string externalId)
    {
        var key = crm.Hasher.External(externalId);
        var found = (await crm.Writer.FindAsync([key], Cancellation))[key].Value;
        var all = await crm.OrderStore.ReadAllAsync(found.Id, Cancellation);
        var sum = OrderTotals.Of(all!.Customer.Value, all.Orders.Values.Select(o => o.Value));
        var customer = all.Customer.Value;
        (customer.TotalSpend, customer.OrderCount, customer.FirstOrderAt, customer.LastOrderAt).ShouldBe((sum.TotalSpend, sum.OrderCount, sum.FirstOrderAt, sum.LastOrderAt));
        customer.Categories.OrderBy(c => c.Key).ShouldBe(sum.Categories.OrderBy(c => c.Key));
        return customer;
    }

    [Fact]
    public async Task Orders_and_totals_go_together()
    {
        Outcomes(await UpsertAsync(Draft("1", "A", 10.10m, day: 1, category: "Tea"), Draft("2", "A", 20.20m, day: 3), Draft("1", "B", 5)))
            .ShouldBe([WriteOutcome.Created, WriteOutcome.Created, WriteOutcome.Created]);
        var customer = await CheckedAsync("A");
        (customer.TotalSpend, customer.OrderCount, customer.AverageOrderValue, customer.LastOrderAt, customer.LastActiveAt)
            .ShouldBe((3030, 2, 1515, Start.AddDays(3), Start.AddDays(3)));
        customer.Categories["Tea"].ShouldBe(new(1, 1010, Start.AddDays(1)));
        customer.Source.ShouldBe("order");
    }

    [Fact]
    public async Task The_same_order_again_changes_nothing_and_a_changed_one_is_updated()
    {
        await UpsertAsync(Draft("1", "A", 10, day: 1), Draft("2", "A", 20, day: 2));
        Outcomes(await UpsertAsync(Draft("1", "A", 10, day: 1), Draft("2", "A", 25, day: 2), Draft("3", "A", 1, day: 5), Draft("3", "A", 1, day: 5)))
            .ShouldBe([WriteOutcome.Unchanged, WriteOutcome.Updated, WriteOutcome.Created, WriteOutcome.Unchanged]);
        (await CheckedAsync("A")).TotalSpend.ShouldBe(3600);

        Outcomes(await UpsertAsync(Draft("3", "A", 1, OrderStatus.Cancelled, 5))).ShouldBe([WriteOutcome.Updated]);
        var customer = await CheckedAsync("A");
        (customer.TotalSpend, customer.OrderCount, customer.LastOrderAt).ShouldBe((3500, 2, Start.AddDays(2)));
        var refused = (await UpsertAsync(Draft("3", "A", 1, OrderStatus.Paid, 5)))[0];
        (refused.Outcome, refused.Code).ShouldBe((WriteOutcome.Failed, "order.status_invalid"));
    }

    [Fact]
    public async Task A_customer_has_so_many_categories_and_no_more()
    {
        OrderDraft With(string number, int from, int count) => OrderNormalizer.Normalize(
            new() { OrderNumber = number, Customer = new() { ExternalId = "A" }, PlacedAt = Start, Items = [.. Enumerable.Range(from, count).Select(i => new OrderItemInput("thing", $"c{i}", 1, 1))] },
            "USD", [])!;
        Outcomes(await UpsertAsync(With("1", 0, 200), With("2", 200, 200), With("3", 400, 99), With("4", 499, 2), With("5", 499, 1), With("6", 0, 2)))
            .ShouldBe([WriteOutcome.Created, WriteOutcome.Created, WriteOutcome.Created, WriteOutcome.Failed, WriteOutcome.Created, WriteOutcome.Created]);
        (await UpsertAsync(With("4", 500, 1)))[0].Code.ShouldBe("order.too_many_categories");
        (await CheckedAsync("A")).Categories.Count.ShouldBe(OrderTotals.MaxCategories);

        // In place of an order the totals are only known anew from all.
        (await UpsertAsync(With("6", 0, 1), With("6", 500, 1)))[1].Code.ShouldBe("order.too_many_categories");
        var api = new OrderApi(crm);
        (await api.CreateAsync("""{ "customer": { "externalId": "A" }, "orderNumber": "7", "items": [ { "product": "x", "category": "new", "unitPrice": 1 } ] }""")).ShouldBeProblem(400, "order.too_many_categories");
        (await CheckedAsync("A")).Categories.Count.ShouldBe(OrderTotals.MaxCategories);

        // Two with too many together stay two.
        var b = (await UpsertAsync(Draft("1", "B", 1, category: "new")))[0].CustomerId!;
        var a = (await UpsertAsync(With("1", 0, 200)))[0].CustomerId!;
        Should.Throw<Platform.Errors.ProblemException>(() => crm.Get<MergeCustomers>().HandleAsync(new(a, b), Cancellation)).Problem.Code.ShouldBe("order.too_many_categories");
        (await crm.Customers.ReadAsync(b, Cancellation))!.Value.OrderCount.ShouldBe(1);
    }

    [Fact]
    public async Task An_unknown_customer_is_an_error_unless_it_is_to_be_created()
    {
        var results = await UpsertAsync(null, false, Draft("1", "A", 10));
        (results[0].Outcome, results[0].Code).ShouldBe((WriteOutcome.Failed, "order.customer_unknown"));
        Outcomes(await UpsertAsync(Draft("1", "A", 10))).ShouldBe([WriteOutcome.Created]);
    }

    [Fact]
    public async Task Many_orders_of_one_customer_are_split_and_repeated_without_effect()
    {
        var drafts = Enumerable.Range(0, 450).Select(i => Draft($"N/{i}", "A", i, day: i % 40)).ToArray();
        Outcomes(await UpsertAsync("i", true, drafts)).ShouldAllBe(o => o == WriteOutcome.Created);
        (await CheckedAsync("A")).OrderCount.ShouldBe(450);
        Outcomes(await UpsertAsync("i", true, drafts)).ShouldAllBe(o => o == WriteOutcome.Created, "the same rows of the same import");
        Outcomes(await UpsertAsync("j", true, drafts)).ShouldAllBe(o => o == WriteOutcome.Unchanged);
        (await CheckedAsync("A")).TotalSpend.ShouldBe(450L * 449 / 2 * 100);
    }

    [Fact]
    public async Task After_a_crash_at_any_write_a_repeat_ends_the_same()
    {
        static OrderDraft[] Rows(string n) =>
            [Draft("1", $"A{n}", 10), Draft("2", $"B{n}", 20), Draft("1", $"A{n}", 15), Draft("3", $"A{n}", 30, OrderStatus.Paid)];
        WriteOutcome[] expected = [WriteOutcome.Created, WriteOutcome.Created, WriteOutcome.Updated, WriteOutcome.Created];
        var points = 0;
        foreach (var after in new[] { false, true })
        {
            for (var write = 1; ; write++, points++)
            {
                var n = $"{(after ? "a" : "b")}{write}";
                crm.Log.Reset();
                crm.Log.CrashBeforeWrite = after ? null : write;
                crm.Log.CrashAfterWrite = after ? write : null;
                var isDone = true;
                try
                {
                    await UpsertAsync("i" + n, true, Rows(n));
                }
                catch (Exception exception) when (exception is CrashException || exception.InnerException is CrashException)
                {
                    isDone = false;
                }

                crm.Log.Reset();
                Outcomes(await UpsertAsync("i" + n, true, Rows(n))).ShouldBe(expected, $"crash {(after ? "after" : "before")} write {write}");
                (await CheckedAsync($"A{n}")).TotalSpend.ShouldBe(4500);
                (await CheckedAsync($"B{n}")).TotalSpend.ShouldBe(2000);
                if (isDone)
                {
                    break;
                }
            }
        }

        points.ShouldBeGreaterThan(8);
    }

    [Fact]
    public async Task Totals_are_exact_with_64_writers()
    {
        await UpsertAsync(Draft("first", "A", 1), Draft("first", "B", 1));
        var results = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(
            () => UpsertAsync(Draft($"{i}", "A", i), Draft($"{i}", "B", i, i % 7 == 0 ? OrderStatus.Cancelled : null), Draft("shared", "A", 100 + i)), Cancellation)));
        results.SelectMany(r => r).ShouldAllBe(r => r.Outcome != WriteOutcome.Failed);
        results.Count(r => r[2].Outcome == WriteOutcome.Created).ShouldBe(1);
        (await CheckedAsync("A")).OrderCount.ShouldBe(66);
        (await CheckedAsync("B")).OrderCount.ShouldBe(65 - 10);
    }

    [Fact]
    public async Task A_customer_deleted_meanwhile_is_created_again_and_its_orders_are_whole()
    {
        await UpsertAsync([.. Enumerable.Range(0, 250).Select(i => Draft($"old{i}", "A", 1))]);
        var key = crm.Hasher.External("A");
        var id = (await crm.Writer.FindAsync([key], Cancellation))[key].Value.Id;
        var writing = Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => UpsertAsync([.. Enumerable.Range(0, 20).Select(j => Draft($"{i}-{j}", "A", 1))]), Cancellation)));
        await crm.Get<DeleteCustomer>().HandleAsync(id, null, Cancellation);
        (await writing).SelectMany(r => r).ShouldAllBe(r => r.Outcome == WriteOutcome.Created);

        (await crm.Customers.ReadAsync(id, Cancellation)).ShouldBeNull();
        (await crm.OrderStore.ReadAllAsync(id, Cancellation)).ShouldBeNull();
        Outcomes(await UpsertAsync(Draft("last", "A", 7))).ShouldBe([WriteOutcome.Created]);
        await CheckedAsync("A");
        await crm.CheckedCustomersAsync();
    }

    [Fact]
    public async Task A_customer_deleted_between_its_creation_for_an_order_and_the_order_is_created_again()
    {
        // The id's claim, then the customer; there the process ends.
        crm.Log.CrashAfterWrite = 2;
        await Should.ThrowAsync<Exception>(() => UpsertAsync("i", true, Draft("1", "A", 10)));
        crm.Log.Reset();
        var key = crm.Hasher.External("A");
        var id = (await crm.Writer.FindAsync([key], Cancellation))[key].Value.Id;
        await crm.Get<DeleteCustomer>().HandleAsync(id, null, Cancellation);

        for (var time = 0; time < 2; time++)
        {
            Outcomes(await UpsertAsync("i", true, Draft("1", "A", 10))).ShouldBe([WriteOutcome.Created]);
            (await CheckedAsync("A")).TotalSpend.ShouldBe(1000);
        }

        (await crm.CheckedCustomersAsync()).Single().Id.ShouldNotBe(id);
    }

    [Fact]
    public async Task An_order_is_patched_and_deleted_with_its_totals()
    {
        await UpsertAsync(Draft("a/1", "A", 10, day: 1), Draft("2", "A", 20, day: 2));
        var save = crm.Get<SaveOrder>();
        var page = await crm.OrderStore.PageAsync(new(), null, 10, Cancellation);
        page.Select(o => o.OrderNumber).ShouldBe(["2", "a/1"]);
        var id = crm.Get<OrderViews>().Of(page[1]).Id;
        id.ShouldEndWith("-a~2f1");
        (await save.PatchAsync(id, JsonElement.Parse("""{ "amount": 12.34 }"""), null, Cancellation)).Value.Amount.ShouldBe(1234);
        (await CheckedAsync("A")).TotalSpend.ShouldBe(3234);
        await Should.ThrowAsync<Platform.Errors.ProblemException>(() => save.PatchAsync(id, JsonElement.Parse("""{ "amount": 1 }"""), "\"old\"", Cancellation));
        await save.DeleteAsync(id, null, Cancellation);
        var customer = await CheckedAsync("A");
        (customer.TotalSpend, customer.FirstOrderAt).ShouldBe((2000, Start.AddDays(2)));
    }

    [Fact]
    public async Task One_request_per_customer_and_a_few_for_the_run()
    {
        await crm.Writer.UpsertAsync([.. Enumerable.Range(0, 200).Select(i => new UpsertRow(new() { ExternalId = $"E{i}" }, i))], new("test"), Cancellation);
        crm.Log.Reset();
        var drafts = Enumerable.Range(0, 600).Select(i => Draft($"{i}", $"E{i * 7 % 200}", i)).ToArray();
        Outcomes(await UpsertAsync(drafts)).ShouldAllBe(o => o == WriteOutcome.Created);

        // Two reads for the run, and what the SDK asks about the container when it meets it.
        crm.Log.Count.ShouldBeInRange(202, 215);
    }
}
