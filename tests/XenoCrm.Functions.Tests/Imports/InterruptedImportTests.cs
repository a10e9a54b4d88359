using System.Text;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

/// <summary>Processes that end anywhere in an import. A class of its own: it takes as long as all the others of imports.</summary>
public class InterruptedImportTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    /// <summary>Files of runs of six rows: rows that are found by a key which a later row takes from their customer or gives to another.</summary>
    private static readonly Dictionary<string, string> Interrupted = new()
    {
        ["customers"] =
            "C1,a@example.com,+49300000001,\nC2,b@example.com,,\n,b@example.com,+49300000003,\nC1,a@example.com,+49300000002,\nC3,bad,,\n"
            + "C2,c@example.com,,\nC4,d@example.com,5,\n",
        ["customers: keys change hands"] = Known
            + ",e@example.com,,Bern\n,,+49300000002,Basel\nC2,e@example.com,,Conflict\nC1,f@example.com,,\nC2,,+49300000009,\nC7,e@example.com,+49300000002,\n"
            + ",e@example.com,,Thun\n",
        ["customers: emails go round"] = Known
            + ",e@example.com,,Bern\nC1,f@example.com,,\nC2,e@example.com,,Olten\nC2,i@example.com,,\nC1,e@example.com,,\n,g@example.com,,Zug\n",
        ["customers: all in one run"] = "C1,e@example.com,,\n,e@example.com,,Bern\nC1,f@example.com,,\nC2,e@example.com,,\n,e@example.com,,Thun\n",
        ["orders"] = "1,C1,,1.50\n2,C1,,2\n3,C2,,x\n1,C1,,1.75\n4,C2,,4\n5,C3,,5\n4,C2,,4\n",
        ["orders: in passes"] = "1,C1,,1.50\n2,C2,,2\n3,C3,,x\n4,C1,,4\n1,C1,,1.75\n5,C4,,5\n6,C2,,6\n7,C4,,7\n8,C1,,8\n5,C4,,5\n9,C5,,9\n2,C2,,2.50\n",
        ["orders: email is taken"] = "1,,e@example.com,1\n2,C1,e@example.com,2\n3,C1,f@example.com,3\n4,,e@example.com,4\n5,C2,e@example.com,5\n",
    };

    private const string Known =
        "C1,e@example.com,,\nC2,g@example.com,+49300000002,\nC3,h@example.com,,\nC4,,+49300000004,\nC5,,,\nC6,,,\n";

    public static TheoryData<string, bool> Interruptions =>
        [.. Interrupted.Keys.SelectMany(name => new TheoryDataRow<string, bool>[] { (name, false), (name, true) })];

    [Theory]
    [MemberData(nameof(Interruptions))]
    public async Task A_process_that_ends_at_any_of_its_requests_leaves_nothing_to_repair(string name, bool answerLost)
    {
        var kind = name.Split(':')[0];
        var csv = (kind == "customers" ? "id,email,phone,city\n" : "OrderID,CustomerID,Email,Total\n") + Interrupted[name];
        var select = kind == "customers"
            ? "SELECT c.externalId, c.email, c.phone, c.city FROM c WHERE c.type = 'customer'"
            : "SELECT c.orderNumber, c.amount, c.externalId, c.email, c.totalSpend, c.orderCount FROM c WHERE c.type IN ('customer', 'order')";
        var metadata = new Dictionary<string, string> { ["createMissingCustomers"] = "true" };

        // In passes a file is read so many times that each holds a few rows, and those in parts.
        void Cut(ImportOptions options)
        {
            options.RunRows = 6;
            if (name == "orders: in passes")
            {
                (options.RunRows, options.HeldBytes) = (3, 150);
            }
        }

        // Once without an interruption: that is how it must end, and how many requests there are to end at.
        var (expected, counts, requests) = await InterruptAsync(kind, Cut, csv, metadata, select, answerLost, 0);
        requests.ShouldBeGreaterThan(12);
        await Parallel.ForEachAsync(
            Enumerable.Range(1, requests),
            new ParallelOptions { MaxDegreeOfParallelism = 3, CancellationToken = Cancellation },
            async (at, _) =>
            {
                var (stored, counted, _) = await InterruptAsync(kind, Cut, csv, metadata, select, answerLost, at);
                stored.ShouldBe(expected, $"interrupted at request {at}");
                counted.ShouldBe(counts, $"interrupted at request {at}");
            });
    }

    private async Task<(string[] Stored, ImportCounts Counts, int Requests)> InterruptAsync(
        string kind, Action<ImportOptions> cut, string csv, Dictionary<string, string> metadata, string select, bool answerLost, int at)
    {
        var database = "t" + Guid.NewGuid().ToString("N");
        using var breaker = new Breaker(answerLost);
        string id;
        await using (var system = await ImportSystem.StartAsync(storage, cut, database, breaker))
        {
            id = await system.DropAsync($"{kind}/{database}.csv", Encoding.UTF8.GetBytes(csv), metadata);
            breaker.BreakAt(at);
            try
            {
                await system.RunAsync(id, breaker.Broken);
            }
            catch (Exception) when (breaker.Broken.IsCancellationRequested)
            {
            }

            await breaker.QuietAsync();
        }

        await using var next = await ImportSystem.StartAsync(storage, cut, database);
        var job = await next.FinishAsync(id);
        job.State.ShouldBe(ImportState.Completed);
        return ([.. (await next.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order()], job.Counts, breaker.Requests);
    }
}
