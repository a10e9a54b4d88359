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

    private static byte[] Northwind(string kind) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, $"Imports/data/northwind-{kind}.csv"));
}
