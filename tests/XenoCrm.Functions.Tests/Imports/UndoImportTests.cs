using System.Text;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

public class UndoImportTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;
    private static readonly Caller Admin = new("u1", "Test", Role.Admin);

    private const string Before = "id,email,city,tags,fax\nA,a@x.org,Bern,old,1\nB,b@x.org,Bern,,\nC,c@x.org,Bern,,\n";
    private const string Import =
        "id,email,city,tags,fax\nA,a2@x.org,Basel,new,2\nB,,Basel,,3\nC,,Basel,,\nN1,n1@x.org,Chur,,\nN2,n2@x.org,Chur,,\nN3,a@x.org,Chur,,\nA,,Genf,,\nN1,,Zug,,\nC,,Bern,,\nB,,Basel,,\nbad,no,,,\n";

    private static readonly Dictionary<string, string> Attributes = new() { ["attributes"] = "true" };

    [Fact]
    public async Task Values_come_back_and_what_was_touched_since_stays()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 3);
        await system.FinishAsync(await system.DropAsync("customers/before.csv", Encoding.UTF8.GetBytes(Before), Attributes));
        var id = await system.DropAsync("customers/import.csv", Encoding.UTF8.GetBytes(Import), Attributes);
        var undo = system.Get<UndoImport>();
        (await Should.ThrowAsync<ProblemException>(() => undo.RequestAsync(id, Admin, Cancellation))).Problem.Code.ShouldBe("import.not_over");
        var job = await system.FinishAsync(id);
        (job.Counts with { Warnings = 0 }).ShouldBe(new ImportCounts(11, 3, 6, 1, 1));

        var byId = (await CustomersAsync(system)).ToDictionary(c => c.ExternalId!);
        await system.Get<CustomerWriter>().UpsertAsync(new CustomerDraft { ExternalId = "B", City = "Thun" }, "api", Cancellation);
        await system.Get<RecordVisit>().HandleAsync(byId["N2"].Id, new(null), Cancellation);

        (await undo.RequestAsync(id, Admin, Cancellation)).State.ShouldBe(ImportState.Undoing);
        await undo.HandleAsync(new(id), Cancellation);
        job = await system.JobAsync(id);
        job.State.ShouldBe(ImportState.Undone);

        // A twice (run by run), N1 and C too; B in part: its city is the API's by now.
        job.Undo!.Counts.ShouldBe(new UndoCounts(Restored: 6, Deleted: 2, Left: 1));
        var left = new List<UndoIssue>();
        await foreach (var issue in system.Get<UndoReport>().ReadAsync(id, Cancellation))
        {
            left.Add(issue);
        }

        left.Select(i => (i.Row, i.Code)).ShouldBe([(6L, "undo.changed_later"), (3L, "undo.partly_changed_later")]);
        var after = (await CustomersAsync(system)).ToDictionary(c => c.ExternalId!);
        after.Keys.ShouldBe(["A", "B", "C", "N2"], ignoreOrder: true);
        (after["A"].City, after["A"].Tags.Single(), after["A"].Attributes["fax"].ToString()).ShouldBe(("Bern", "old", "1"));
        after["A"].Email.ShouldBe("a@x.org", "N3, which had taken it, is gone again");
        (after["B"].City, after["B"].Attributes.Count).ShouldBe(("Thun", 0));
        (after["C"].City, after["N2"].City).ShouldBe(("Bern", "Chur"));

        // The keys lead where they led; those of what was deleted are free.
        var writer = system.Get<CustomerWriter>();
        (await writer.UpsertAsync([new(new() { Email = "a@x.org", City = "Bern" }, 1), new(new() { Email = "a2@x.org" }, 2), new(new() { ExternalId = "N1" }, 3)], new("test"), Cancellation))
            .Select(r => r.Outcome).ShouldBe([WriteOutcome.Unchanged, WriteOutcome.Created, WriteOutcome.Created]);

        (await undo.RequestAsync(id, Admin, Cancellation)).State.ShouldBe(ImportState.Undone);
        await undo.HandleAsync(new(id), Cancellation);
        (await system.JobAsync(id)).Undo.ShouldBe(job.Undo, "asking again has no effect");
    }

    [Fact]
    public async Task Orders_go_and_come_back_and_totals_are_right()
    {
        const string First = "OrderID,CustomerID,Total,OrderDate\n1,A,10,2026-01-01\n2,A,20,2026-01-02\n3,B,5,2026-01-03\n";
        const string Second = "OrderID,CustomerID,Total,OrderDate\n2,A,25,2026-01-02\n4,A,40,2026-01-04\n5,New,50,2026-01-05\n6,New2,60,2026-01-05\n3,B,7,2026-01-03\n7,B,70,2026-01-03\n1,A,10,2026-01-01\n";
        var create = new Dictionary<string, string> { ["createMissingCustomers"] = "true" };
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 4);
        await system.FinishAsync(await system.DropAsync("orders/first.csv", Encoding.UTF8.GetBytes(First), create));
        var id = await system.DropAsync("orders/second.csv", Encoding.UTF8.GetBytes(Second), create);
        (await system.FinishAsync(id)).Counts.ShouldBe(new ImportCounts(7, 4, 2, 1));

        // Order 3 is changed and New2 orders again after the import.
        await system.Get<Orders.OrderWriter>().UpsertAsync(
            [new(new() { OrderNumber = "3", Currency = "USD", Amount = 900, Customer = new() { ExternalId = "B" } }, 1), new(new() { OrderNumber = "9", Currency = "USD", Amount = 900, Customer = new() { ExternalId = "New2" } }, 2)],
            new("api"), Cancellation);

        var undo = system.Get<UndoImport>();
        await undo.RequestAsync(id, Admin, Cancellation);
        await undo.HandleAsync(new(id), Cancellation);
        var job = await system.JobAsync(id);
        job.Undo!.Counts.ShouldBe(new UndoCounts(Restored: 1, Deleted: 5, Left: 2));
        var customers = (await CustomersAsync(system)).ToDictionary(c => c.ExternalId!);
        customers.Values.Select(c => (c.ExternalId!, c.TotalSpend, c.OrderCount)).ShouldBe([("A", 3000, 2), ("B", 900, 1), ("New2", 900, 1)], ignoreOrder: true);
        (await system.QueryAsync<string>("SELECT VALUE c.orderNumber FROM c WHERE c.type = 'order'")).ShouldBe(["1", "2", "3", "9"], ignoreOrder: true);

        var (status, _, text) = await system.AnswerAsync(_ => system.Get<UndoReport>().HandleAsync(id, Cancellation), _ => { });
        status.ShouldBe(200);
        text.ShouldContain("undo.changed_later");
        text.ShouldContain("undo.has_orders");
    }

    [Theory]
    [InlineData("customers", false)]
    [InlineData("customers", true)]
    [InlineData("orders", false)]
    public async Task An_undo_that_ends_at_any_of_its_requests_ends_the_same(string kind, bool answerLost)
    {
        var (first, second) = kind == "customers" ? (Before, Import)
            : ("OrderID,CustomerID,Total\n1,A,10\n2,A,20\n3,B,5\n", "OrderID,CustomerID,Total\n2,A,25\n4,A,40\n5,New,50\n3,B,7\n");
        var select = kind == "customers" ? "SELECT c.externalId, c.email, c.city, c.tags, c.attributes FROM c WHERE c.type = 'customer'"
            : "SELECT c.orderNumber, c.amount, c.externalId, c.totalSpend, c.orderCount FROM c WHERE c.type != 'void'";
        var metadata = new Dictionary<string, string> { ["attributes"] = kind == "customers" ? "true" : "false", ["createMissingCustomers"] = "true" };
        string[]? expected = null;
        UndoCounts? counts = null;
        for (var at = 0; ; at++)
        {
            var database = "t" + Guid.NewGuid().ToString("N");
            using var breaker = new Breaker(answerLost);
            string id;
            string[] original;
            await using (var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 6, database, breaker))
            {
                await system.FinishAsync(await system.DropAsync($"{kind}/a{database}.csv", Encoding.UTF8.GetBytes(first), metadata));
                original = [.. (await system.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order()];
                id = await system.DropAsync($"{kind}/b{database}.csv", Encoding.UTF8.GetBytes(second), metadata);
                await system.FinishAsync(id);
                await system.Get<UndoImport>().RequestAsync(id, Admin, Cancellation);
                breaker.BreakAt(at);
                try
                {
                    await system.Get<UndoImport>().HandleAsync(new(id), breaker.Broken);
                }
                catch (Exception) when (breaker.Broken.IsCancellationRequested)
                {
                }

                await breaker.QuietAsync();
            }

            await using var next = await ImportSystem.StartAsync(storage, o => o.RunRows = 6, database);
            await next.Get<UndoImport>().HandleAsync(new(id), Cancellation);
            var job = await next.JobAsync(id);
            job.State.ShouldBe(ImportState.Undone);
            var stored = (await next.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order().ToArray();
            stored.ShouldBe(original, $"interrupted at request {at}");

            // The first round is the one that is not interrupted.
            expected ??= stored;
            counts ??= job.Undo!.Counts;
            stored.ShouldBe(expected, $"interrupted at request {at}");
            job.Undo!.Counts.ShouldBe(counts, $"interrupted at request {at}");
            if (at > 0 && !breaker.Broken.IsCancellationRequested)
            {
                at.ShouldBeGreaterThan(8);
                return;
            }
        }
    }

    [Fact]
    public async Task An_import_that_failed_is_undone_with_what_it_had_not_counted()
    {
        for (var at = 20; ; at++)
        {
            var database = "t" + Guid.NewGuid().ToString("N");
            using var breaker = new Breaker(answerLost: false);
            string id;
            await using (var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 6, database, breaker))
            {
                id = await system.DropAsync($"customers/{database}.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 12).Select(i => $"C{i}\n"))));
                breaker.BreakAt(at);
                await Should.ThrowAsync<Exception>(() => system.RunAsync(id, breaker.Broken));
                await breaker.QuietAsync();
            }

            await using var next = await ImportSystem.StartAsync(storage, o => o.RunRows = 6, database);
            await next.Get<RunImport>().GiveUpAsync(new(id), Cancellation);
            await next.Get<RunImport>().GiveUpAsync(new(id), Cancellation);
            (await next.JobAsync(id)).State.ShouldBe(ImportState.Failed);
            var written = await CustomersAsync(next);
            var counted = (await next.JobAsync(id)).Counts.Created;
            if (written.Count == counted)
            {
                continue;
            }

            await next.Get<UndoImport>().RequestAsync(id, Admin, Cancellation);
            await next.Get<UndoImport>().HandleAsync(new(id), Cancellation);
            (await next.JobAsync(id)).Undo!.Counts.ShouldBe(new UndoCounts(Deleted: written.Count), $"{counted} were counted");
            (await CustomersAsync(next)).ShouldBeEmpty();
            return;
        }
    }

    private static Task<List<Customer>> CustomersAsync(ImportSystem system) => system.QueryAsync<Customer>("SELECT * FROM c WHERE c.type = 'customer'");
}
