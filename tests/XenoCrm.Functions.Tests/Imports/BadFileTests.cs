using System.Text;
using XenoCrm.Customers;
using XenoCrm.Orders;

namespace XenoCrm.Imports;

/// <summary>Files and circumstances that go wrong in practice: an answer with a code, and the data are right.</summary>
public class BadFileTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_file_several_times_at_once_is_there_once()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 40);
        var csv = "id,email,phone\n" + string.Concat(Enumerable.Range(1, 200).Select(i => $"C{i},u{i}@example.com,+4930{i:D7}\n"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => system.PostAsync(csv)));

        answers.ShouldAllBe(a => a.Status == 200);
        answers.Sum(a => a.Body.GetProperty("created").GetInt64()).ShouldBe(200);
        answers.Sum(a => a.Body.GetProperty("unchanged").GetInt64()).ShouldBe(600);
        var customers = await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.type = 'customer'");
        customers.Select(c => c.ExternalId).Order().ShouldBe(Enumerable.Range(1, 200).Select(i => $"C{i}").Order());

        var orders = "orderNumber,customerId,amount\n" + string.Concat(Enumerable.Range(1, 200).Select(i => $"O{i},C{i % 20 + 1},1.50\n"));
        (await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => system.PostAsync(orders, kind: ImportKind.Orders)))).ShouldAllBe(a => a.Status == 200);
        (await system.QueryAsync<long>("SELECT VALUE SUM(c.totalSpend) FROM c WHERE c.type = 'customer'")).ShouldBe([200 * 150]);
    }

    [Fact]
    public async Task Emails_that_differ_only_in_case_are_one_customer()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var answer = await system.PostAsync("email,city\nMaria@Example.com,Bonn\nmaria@example.COM,Ulm\n");

        (answer.Status, answer.Body.GetProperty("created").GetInt64(), answer.Body.GetProperty("updated").GetInt64()).ShouldBe((200, 1, 1), answer.Text);
        answer.Body.GetProperty("issues").EnumerateArray().ShouldHaveSingleItem().GetProperty("code").GetString().ShouldBe(RowCodes.DuplicateInFile);
        (await system.QueryAsync<Customer>("SELECT * FROM c")).ShouldHaveSingleItem().City.ShouldBe("Ulm");
    }

    [Fact]
    public async Task Two_files_that_swap_the_emails_of_two_customers_leave_each_email_with_one()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        await system.PostAsync("id,email\nC1,a@example.com\nC2,b@example.com\n");

        // By itself a swap is a conflict of both rows: an email is not taken from whom it belongs to.
        var swap = await system.PostAsync("id,email\nC1,b@example.com\nC2,a@example.com\n");
        (swap.Status, swap.Body.GetProperty("report").GetProperty("failed").GetInt64()).ShouldBe((422, 2));
        swap.Body.GetProperty("report").GetProperty("issues").EnumerateArray().Where(i => !i.TryGetProperty("warning", out var w) || !w.GetBoolean())
            .ShouldAllBe(i => i.GetProperty("code").GetString() == "customer.identity_conflict");

        await Task.WhenAll(
            system.PostAsync("id,email\nC1,x@example.com\nC1,b@example.com\n"), system.PostAsync("id,email\nC2,y@example.com\nC2,a@example.com\n"));
        var customers = await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.type = 'customer'");
        customers.Count.ShouldBe(2);
        customers.Select(c => c.Email).Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task A_customer_that_is_deleted_while_its_orders_arrive_leaves_no_orphan()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 20);
        await system.PostAsync("id\nC1\nC2\n");
        var id = (await system.QueryAsync<string>("SELECT VALUE c.id FROM c WHERE c.externalId = 'C1'")).ShouldHaveSingleItem();
        var csv = "orderNumber,customerId,amount\n" + string.Concat(Enumerable.Range(1, 400).Select(i => $"O{i},C{2 - (i % 2)},1\n"));
        var open = ImportFile.InMemory(Encoding.UTF8.GetBytes(csv));
        var file = await ImportFile.InspectAsync(ImportKind.Orders, new(), open, system.Get<MappingMemory>(), Cancellation);
        var (counts, issues) = (new ImportCounts(), new List<RowIssue>());
        await system.Get<ImportPipeline>().RunAsync(
            new("i1", ImportKind.Orders, new(), file, open, RunStart.At(file.Start), 1) { Cut = ReadRuns.Whole(20) }, null, null,
            async run =>
            {
                counts += run.Counts;
                issues.AddRange(run.Issues);
                if (run.Number == 5)
                {
                    await system.Get<DeleteCustomer>().HandleAsync(id, null, Cancellation);
                }

                return true;
            },
            Cancellation);

        // Its rows come first: five of their ten runs were written before it was deleted.
        counts.ShouldBe(new ImportCounts(400, Created: 300, Failed: 100));
        issues.ShouldAllBe(i => i.Code == "order.customer_unknown");
        (await system.QueryAsync<long>($"SELECT VALUE COUNT(1) FROM c WHERE c.customerId = '{id}' AND c.type != 'void'")).ShouldBe([0]);
        (await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.externalId = 'C2'")).ShouldHaveSingleItem().OrderCount.ShouldBe(200);
    }

    [Fact]
    public async Task A_cell_of_10_MB_is_one_bad_row_of_a_job()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var job = await system.FinishAsync(await system.DropAsync("customers/cell.csv", Encoding.UTF8.GetBytes($"id,city\nC1,Bonn\nC2,{new string('x', 10_000_000)}\nC3,\"{new string('y', 10_000_000)}\"\nC4,Ulm\n")));

        (job.State, job.Counts).ShouldBe((ImportState.Completed, new ImportCounts(4, 2, Failed: 2)));
        (await system.ReportAsync(job)).SelectMany(r => r.Issues).Select(i => $"{i.Row} {i.Code}").ShouldBe(["3 import.row_too_long", "4 import.row_too_long"]);
    }

    [Theory]
    [InlineData("customers/columns.csv", "import.header_unreadable")]
    [InlineData("customers/nul.csv", "import.header_unreadable")]
    [InlineData("customers/gzip.csv", "import.file_compressed")]
    [InlineData("customers/zip.csv", "import.file_compressed")]
    [InlineData("customers/zip-with-bom.csv", "import.not_csv")]
    [InlineData("customers/workbook.csv", "import.file_workbook")]
    [InlineData("customers/utf32.csv", "import.not_csv")]
    [InlineData("customers/blank.csv", "import.file_empty")]
    public async Task A_file_that_is_not_to_be_read_fails_as_a_whole(string name, string code)
    {
        byte[] file = name switch
        {
            "customers/columns.csv" => Encoding.UTF8.GetBytes("id," + string.Join(',', Enumerable.Range(1, 2000).Select(i => $"c{i}")) + "\nC1\n"),
            "customers/nul.csv" => "id\0,name\nC1,x\n"u8.ToArray(),
            "customers/gzip.csv" => [0x1F, 0x8B, 8, 0, 1, 2, 3, 4],
            "customers/zip.csv" => Zip("customers.csv"),
            "customers/zip-with-bom.csv" => [0xEF, 0xBB, 0xBF, .. Zip("customers.csv")],
            "customers/workbook.csv" => Zip("[Content_Types].xml"),
            "customers/utf32.csv" => [.. Encoding.UTF32.GetPreamble(), .. Encoding.UTF32.GetBytes("id,city\nC1,Bonn\n")],
            _ => " \r\n;;;\r\n\r\n"u8.ToArray(),
        };
        await using var system = await ImportSystem.StartAsync(storage);
        var job = await system.FinishAsync(await system.DropAsync(name, file));

        (job.State, job.Failure!.Code).ShouldBe((ImportState.Failed, code));
    }

    /// <summary>Each of these rows fails for itself, and the others are taken: bytes that are no text, NUL, a mark in the middle of the file.</summary>
    [Fact]
    public async Task Tricks_with_the_encoding_cost_the_row_they_are_in()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        byte[] file =
        [
            0xEF, 0xBB, 0xBF, .. "id,city\nC1,Bonn\nC2,"u8, 0xC3, 0x28, .. "\nC3,"u8, 0xED, 0xA0, 0x80, .. "\nC4,"u8, 0xC0, 0xAF, .. "\nC5,a\0b\n"u8,
            0xEF, 0xBB, 0xBF, .. "C6,Ulm\nC7,"u8, 0xEF, 0xBB, 0xBF, .. "Trier\nC8,"u8, 0xF5, 0x80, 0x80, 0x80, .. "\nC9,Mainz\n"u8,
        ];
        var answer = await system.PostAsync(file);

        answer.Body.GetProperty("issues").EnumerateArray().Where(i => !i.TryGetProperty("warning", out var w) || !w.GetBoolean()).Select(i => $"{i.GetProperty("row")} {i.GetProperty("code")}")
            .ShouldBe(["3 import.encoding_invalid", "4 import.encoding_invalid", "5 import.encoding_invalid", "6 import.nul_character", "9 import.encoding_invalid"], answer.Text);
        var stored = await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.type = 'customer' ORDER BY c.externalId");
        stored.Select(c => $"{c.ExternalId} {c.City}").ShouldBe(["C1 Bonn", "C6 Ulm", "C7 Trier", "C9 Mainz"], "a mark in the middle is no part of a key or a name");
    }

    private static byte[] Zip(string entry)
    {
        var bytes = new MemoryStream();
        using (var archive = new System.IO.Compression.ZipArchive(bytes, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        {
            using var content = archive.CreateEntry(entry).Open();
            content.Write("id,city\nC1,Bonn\n"u8);
        }

        return bytes.ToArray();
    }

    [Fact]
    public async Task Latin_1_and_UTF_16_arrive_whole()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var latin = CsvFormat.Decoder(CsvFormat.Windows1252).GetBytes("id,city\nC1,Köln\nC2,Bonn\n");
        (await system.PostAsync(latin)).Body.GetProperty("issues").EnumerateArray().Select(i => $"{i.GetProperty("row")} {i.GetProperty("code")}").ShouldBe(["2 import.encoding_invalid"]);
        (await system.PostAsync(latin, "?encoding=iso-8859-1")).Status.ShouldBe(200);
        (await system.PostAsync(latin, "?encoding=klingon")).Body.GetProperty("code").GetString().ShouldBe("import.encoding_unsupported");
        var job = await system.FinishAsync(await system.DropAsync("customers/unicode.csv", [0xFF, 0xFE, .. Encoding.Unicode.GetBytes("id\tcity\r\nC3\tŁódź\r\n")]));
        job.Counts.Created.ShouldBe(1);
        ImportView.Of(job).BytesDone.ShouldBe(job.Size);
        (await system.QueryAsync<string>("SELECT VALUE c.city FROM c ORDER BY c.externalId")).ShouldBe(["Köln", "Bonn", "Łódź"]);
    }

    [Fact]
    public async Task A_charset_in_the_content_type_is_heard()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var file = CsvFormat.Decoder(CsvFormat.Windows1252).GetBytes("id,city\nC1,Köln\n");
        var answer = await system.AnswerAsync(
            r => system.Get<UploadImport>().HandleAsync(r, ImportKind.Customers, Cancellation),
            r => (r.ContentType, r.ContentLength, r.Body) = ("text/csv; charset=ISO-8859-1", file.Length, new MemoryStream(file)));

        answer.Status.ShouldBe(200, answer.Text);
        (await system.QueryAsync<string>("SELECT VALUE c.city FROM c")).ShouldBe(["Köln"]);
    }
}
