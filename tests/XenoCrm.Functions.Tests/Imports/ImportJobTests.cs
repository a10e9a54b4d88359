using System.Text;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

public class ImportJobTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Northwind_arrives_as_it_is_and_a_second_time_changes_nothing()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 40);
        var customers = await system.FinishAsync(await system.DropAsync("customers/northwind.csv", Northwind("customers")));
        var orders = await system.FinishAsync(await system.DropAsync("orders/northwind.csv", Northwind("orders")));

        customers.Failure.ShouldBeNull();
        customers.State.ShouldBe(ImportState.Completed);
        (customers.Counts.Rows, customers.Counts.Created, customers.Counts.Failed).ShouldBe((91, 91, 0));
        customers.Counts.Warnings.ShouldBeGreaterThan(0);
        (await system.ReportAsync(customers)).ShouldAllBe(r => r.Issues.All(i => i.Warning && i.Column == "Phone"));
        orders.Counts.ShouldBe(new ImportCounts(830, 830));
        (await system.QueryAsync<long>("SELECT VALUE SUM(c.totalSpend) FROM c WHERE c.type = 'customer'")).ShouldBe([126_579_298]);
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c WHERE c.type = 'order'")).ShouldBe([830]);

        var again = await system.FinishAsync(await system.DropAsync("customers/northwind.csv", Northwind("customers")));
        again.Id.ShouldNotBe(customers.Id);
        again.Counts.Unchanged.ShouldBe(91);
        (await system.FinishAsync(await system.DropAsync("orders/northwind-again.csv", Northwind("orders")))).Counts.ShouldBe(new ImportCounts(830, Unchanged: 830));
        (await system.QueryAsync<long>("SELECT VALUE SUM(c.totalSpend) FROM c WHERE c.type = 'customer'")).ShouldBe([126_579_298]);
    }

    [Fact]
    public async Task A_file_announced_twice_is_one_job_and_a_changed_file_another()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var first = await system.DropAsync("customers/same.csv", "id\nA1\n"u8.ToArray());
        await system.Get<RegisterImport>().HandleAsync("customers/same.csv", Cancellation);
        (await system.Jobs.PageAsync(null, 10, Cancellation)).ShouldHaveSingleItem();

        var second = await system.DropAsync("customers/same.csv", "id\nA2\nA3\n"u8.ToArray());
        second.ShouldNotBe(first);
        (await system.FinishAsync(first)).Failure!.Code.ShouldBe("import.file_changed");
        (await system.FinishAsync(second)).Counts.Created.ShouldBe(2);
    }

    [Theory]
    [InlineData("pictures/x.csv", "id\n1\n", "import.kind_unknown")]
    [InlineData("0/x.csv", "id\n1\n", "import.kind_unknown")]
    [InlineData("customers/empty.csv", "", "import.file_empty")]
    [InlineData("customers/header.csv", "id,name\r\n", "import.file_empty")]
    [InlineData("customers/other.csv", "foo,bar\n1,2\n", "import.no_usable_column")]
    [InlineData("orders/nocustomer.csv", "OrderID,Total\n1,2\n", "import.required_column_missing")]
    [InlineData("customers/zip.csv", "PK\u0003\u0004\u0000\u0000", "import.file_compressed")]
    public async Task A_file_without_use_fails_with_a_code(string name, string csv, string code)
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var job = await system.FinishAsync(await system.DropAsync(name, Encoding.UTF8.GetBytes(csv)));

        job.State.ShouldBe(ImportState.Failed);
        job.Failure!.Code.ShouldBe(code);
    }

    [Fact]
    public async Task A_deleted_file_fails_with_a_code()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var id = await system.DropAsync("customers/gone.csv", "id\n1\n"u8.ToArray());
        await system.Get<Azure.Storage.Blobs.BlobServiceClient>().GetBlobContainerClient(ImportBlobs.ContainerName).DeleteBlobAsync("customers/gone.csv", cancellationToken: Cancellation);

        (await system.FinishAsync(id)).Failure!.Code.ShouldBe("import.file_gone");
    }

    [Fact]
    public async Task Settings_come_from_the_metadata_of_the_blob()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var job = await system.FinishAsync(await system.DropAsync("customers/meta.csv", "Kunde,dob,Fax\nC1,31/12/1980,007\n"u8.ToArray(), new()
        {
            ["mapping"] = """{"Kunde":"externalId"}""", ["dateFormat"] = "dd/MM/yyyy", ["attributes"] = "true",
        }));

        job.Counts.ShouldBe(new ImportCounts(1, 1));
        var customer = (await system.QueryAsync<Customer>("SELECT * FROM c")).ShouldHaveSingleItem();
        customer.Birthday.ShouldBe(new DateOnly(1980, 12, 31));
        customer.Attributes["fax"].GetString().ShouldBe("007");

        (await system.FinishAsync(await system.DropAsync("customers/bad-meta.csv", "id\n1\n"u8.ToArray(), new() { ["dateFormat"] = "nonsense" })))
            .Failure!.Code.ShouldBe("import.date_format_unsupported");
    }

    [Fact]
    public async Task A_job_goes_on_over_many_time_slices()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.TimeSlice) = (10, TimeSpan.FromTicks(1)));
        var id = await system.DropAsync("customers/slices.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 35).Select(i => $"C{i}\n"))));
        await system.RunAsync(id, Cancellation);

        var job = await system.JobAsync(id);
        (job.State, job.Runs, job.Counts.Created, job.Next!.Row).ShouldBe((ImportState.Running, 1, 10, 12));
        (await system.FinishAsync(id)).Counts.ShouldBe(new ImportCounts(35, 35));
    }

    [Fact]
    public async Task A_message_that_is_given_up_without_progress_ends_the_job()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.TimeSlice) = (10, TimeSpan.FromTicks(1)));
        var id = await system.DropAsync("customers/poison.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 35).Select(i => $"C{i}\n"))));
        var run = system.Get<RunImport>();
        await run.GiveUpAsync(new(id), Cancellation);
        (await system.JobAsync(id)).IsOver.ShouldBeFalse("the first time may be bad luck");
        await system.RunAsync(id, Cancellation);
        await run.GiveUpAsync(new(id), Cancellation);
        (await system.JobAsync(id)).IsOver.ShouldBeFalse("there was progress");
        await run.GiveUpAsync(new(id), Cancellation);

        var job = await system.JobAsync(id);
        (job.State, job.Failure!.Code).ShouldBe((ImportState.Failed, "import.gave_up"));
        await run.GiveUpAsync(new("unknown"), Cancellation);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Customers_interrupted_anywhere_end_as_if_never_interrupted(int seed)
    {
        var random = new Random(seed);
        var rows = Enumerable.Range(1, 1500).Select(i => random.Next(20) switch
        {
            0 => $"C{i},broken,+4930{i:D7},\n",
            1 => $"C{random.Next(1, i + 1)},again{i}@example.com,,Town {i}\n",
            2 => $",user{random.Next(1, i + 1)}@example.com,,Village {i}\n",
            3 => $"C{i},user{i}@example.com,555 {i},\n",
            _ => $"C{i},user{i}@example.com,+4930{i:D7},City {i % 7}\n",
        }).ToList();
        await InterruptAsync("customers", "id,email,phone,city\n" + string.Concat(rows), random, "SELECT c.externalId, c.email, c.phone, c.city FROM c", o => o.RunRows = 100);
    }

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    public async Task Orders_interrupted_anywhere_end_as_if_never_interrupted(int seed)
    {
        var random = new Random(seed);
        string Again(int order, int row) => $"O{order},C{order % 90},{row}.10,2026-01-31\n";
        var rows = Enumerable.Range(1, 1500).Select(i => random.Next(20) switch
        {
            0 => $"O{i},C{i % 90},oops,2026-01-31\n",
            1 => Again(random.Next(1, i + 1), i),
            _ => $"O{i},C{i % 90},{i}.25,2026-01-{(i % 28) + 1:D2}\n",
        }).ToList();
        await InterruptAsync("orders", "OrderID,CustomerID,Total,OrderDate\n" + string.Concat(rows), random,
            "SELECT c.orderNumber, c.amount, c.placedAt, c.externalId, c.totalSpend, c.orderCount FROM c", o => o.RunRows = 100);
    }

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
            ? "SELECT c.externalId, c.email, c.phone, c.city FROM c"
            : "SELECT c.orderNumber, c.amount, c.externalId, c.email, c.totalSpend, c.orderCount FROM c";
        var metadata = new Dictionary<string, string> { ["createMissingCustomers"] = "true" };
        string[]? expected = null;
        ImportCounts? counts = null;
        for (var at = 0; ; at++)
        {
            var database = "t" + Guid.NewGuid().ToString("N");
            using var breaker = new Breaker(answerLost);
            string id;
            await using (var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 6, database, breaker))
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
            }

            await using var next = await ImportSystem.StartAsync(storage, o => o.RunRows = 6, database);
            var job = await next.FinishAsync(id);
            job.State.ShouldBe(ImportState.Completed);
            var stored = (await next.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order().ToArray();

            // The first round is the one that is not interrupted.
            expected ??= stored;
            counts ??= job.Counts;
            stored.ShouldBe(expected, $"interrupted at request {at}");
            job.Counts.ShouldBe(counts, $"interrupted at request {at}");
            if (at > 0 && !breaker.Broken.IsCancellationRequested)
            {
                at.ShouldBeGreaterThan(12);
                return;
            }
        }
    }

    [Fact]
    public async Task Two_deliveries_at_once_count_every_row_once()
    {
        var csv = Encoding.UTF8.GetBytes("id,email\n" + string.Concat(Enumerable.Range(1, 1000).Select(i => $"C{i},u{i % 900}@example.com\n")));
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 100);
        var id = await system.DropAsync("customers/twice.csv", csv);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async i =>
        {
            await Task.Delay(i * 40, Cancellation);
            await system.RunAsync(id, Cancellation);
        }));

        var job = await system.FinishAsync(id);
        job.State.ShouldBe(ImportState.Completed);
        var counts = job.Counts;
        counts.Rows.ShouldBe(1000);
        (counts.Created + counts.Updated + counts.Unchanged + counts.Failed).ShouldBe(1000);

        await using var quiet = await ImportSystem.StartAsync(storage, o => o.RunRows = 100);
        (await quiet.FinishAsync(await quiet.DropAsync("customers/twice-quiet.csv", csv))).Counts.ShouldBe(counts);
    }

    /// <summary>The same file twice: undisturbed, and in a process that is stopped at random moments until it is through.</summary>
    private async Task InterruptAsync(string kind, string csv, Random random, string select, Action<ImportOptions> options)
    {
        var file = Encoding.UTF8.GetBytes(csv);
        var metadata = new Dictionary<string, string> { ["createMissingCustomers"] = "true" };
        await using var quiet = await ImportSystem.StartAsync(storage, options);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var expected = await quiet.FinishAsync(await quiet.DropAsync($"{kind}/quiet-{random.Next()}.csv", file, metadata));
        var duration = clock.Elapsed.TotalMilliseconds;
        expected.State.ShouldBe(ImportState.Completed);
        expected.Counts.ShouldSatisfyAllConditions(c => c.Rows.ShouldBe(1500), c => c.Created.ShouldBeGreaterThan(1000), c => c.Updated.ShouldBeGreaterThan(20), c => c.Failed.ShouldBeGreaterThan(20));

        var database = "t" + Guid.NewGuid().ToString("N");
        string? id = null;
        var interruptions = 0;
        while (true)
        {
            // A new process each time: nothing is left in memory.
            await using var system = await ImportSystem.StartAsync(storage, options, database);
            id ??= await system.DropAsync($"{kind}/disturbed-{random.Next()}.csv", file, metadata);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            stop.CancelAfter(TimeSpan.FromMilliseconds(1 + (random.NextDouble() * duration / 5)));
            try
            {
                await system.RunAsync(id, stop.Token);
            }
            catch (Exception) when (stop.IsCancellationRequested && !Cancellation.IsCancellationRequested)
            {
                interruptions++;
            }

            var job = await system.JobAsync(id);
            if (!job.IsOver)
            {
                continue;
            }

            job.State.ShouldBe(ImportState.Completed);
            job.Counts.ShouldBe(expected.Counts, $"after {interruptions} interruptions");
            (await system.ReportAsync(job)).Select(r => (r.Row, r.Issues[0].Code)).ShouldBe((await quiet.ReportAsync(expected)).Select(r => (r.Row, r.Issues[0].Code)));
            var stored = (await system.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order();
            stored.ShouldBe((await quiet.QueryAsync<System.Text.Json.JsonElement>(select)).Select(e => e.ToString()).Order());
            break;
        }

        interruptions.ShouldBeGreaterThan(2);
    }

    private static byte[] Northwind(string kind) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, $"Imports/data/northwind-{kind}.csv"));
}
