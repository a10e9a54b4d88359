using System.Text;
using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

public class DryRunTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    private static readonly Accounts.Caller Caller = new("u1", "Test", Accounts.Role.Manager);

    [Fact]
    public async Task A_dry_run_says_what_each_row_would_do_and_the_token_does_it()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        await system.PostAsync("id,email,city,tags\nC1,a@example.com,Bonn,vip\nC2,b@example.com,,\n");
        const string Csv = "id,email,city,tags,Fax\nC1,A@example.com,Köln,\"vip;new\",\nC2,b@example.com,,,\nC3,c@example.com,,,1\nC3,d@example.com,,,1\nC4,bad,,,\nC2,a@example.com,,,\n";

        var dry = await system.PostAsync(Csv, "?dryRun=true&attributes=true");

        dry.Status.ShouldBe(207, dry.Text);
        dry.Body.GetProperty("changes").EnumerateArray().Select(Show).ShouldBe(
        [
            "2 updated city:\"Bonn\">\"Köln\" email:\"a@example.com\">\"A@example.com\" tags:[\"vip\"]>[\"vip\",\"new\"]",
            "3 unchanged",
            "4 created attributes.fax:>1 email:>\"c@example.com\" externalId:>\"C3\" source:>\"import\"",
            "5 updated email:\"c@example.com\">\"d@example.com\" import.duplicate_in_file",
            "6 failed customer.email_invalid",
            "7 failed import.duplicate_in_file customer.identity_conflict",
        ]);
        dry.Body.GetProperty("changes")[2].TryGetProperty("customerId", out _).ShouldBeFalse("it does not exist yet");
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([2]);

        var token = "?token=" + dry.Body.GetProperty("token").GetString();
        async Task Refused(string csv, string query, string what, ImportKind kind = ImportKind.Customers)
        {
            var answer = await system.PostAsync(csv, query, kind);
            (answer.Status, answer.Body.GetProperty("code").GetString()).ShouldBe((409, "import.token_mismatch"), answer.Text);
            answer.Body.GetProperty("detail").GetString()!.ShouldContain(what);
        }

        await Refused(Csv.Replace("Köln", "Kehl"), token, "file");
        await Refused(Csv, token + "&dateFormat=dd/MM/yyyy", "dateFormat");
        await Refused(Csv, token + "&attributes=false", "attributes");
        await Refused(Csv, token + "&mapping={\"Fax\":null}", "mapping");
        await Refused(Csv, token, "kind", ImportKind.Orders);
        (await system.PostAsync(Csv, token + "x")).Body.GetProperty("code").GetString().ShouldBe("import.token_invalid");
        (await system.PostAsync(Csv, token + "&dryRun=true")).Status.ShouldBe(400);
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([2]);

        // The options are the dry run's without being said again.
        var done = await system.PostAsync(Csv, token);
        done.Status.ShouldBe(207, done.Text);
        foreach (var count in new[] { "rows", "created", "updated", "unchanged", "failed", "warnings" })
        {
            done.Body.GetProperty(count).GetInt64().ShouldBe(dry.Body.GetProperty(count).GetInt64(), count);
            done.Body.GetProperty("expected").GetProperty(count).GetInt64().ShouldBe(dry.Body.GetProperty(count).GetInt64(), count);
        }

        (await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.externalId = 'C3'")).ShouldHaveSingleItem().Attributes["fax"].GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Rows_are_decided_again_at_the_commit_and_say_where_that_differs()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        const string Csv = "id,email\nC1,a@example.com\nC2,b@example.com\nC3,c@example.com\n";
        var dry = await system.PostAsync(Csv, "?dryRun=true");
        await system.PostAsync("id,email,city\nC1,a@example.com,\nC2,,Bonn\nC9,c@example.com,\n");

        var done = await system.PostAsync(Csv, "?token=" + dry.Body.GetProperty("token").GetString());

        (done.Status, Count(done.Body, "created"), Count(done.Body, "updated"), Count(done.Body, "unchanged"), Count(done.Body, "failed")).ShouldBe((207, 0, 1, 1, 1), done.Text);
        done.Body.GetProperty("issues").EnumerateArray().Where(i => i.GetProperty("code").GetString() == "import.changed_since_dry_run")
            .Select(i => i.GetProperty("message").GetString()!.Split("it is ")[1]).ShouldBe(["unchanged.", "updated.", "failed."]);
    }

    [Theory]
    [InlineData(1, ImportKind.Customers)]
    [InlineData(2, ImportKind.Customers)]
    [InlineData(3, ImportKind.Customers)]
    [InlineData(4, ImportKind.Orders)]
    [InlineData(5, ImportKind.Orders)]
    public async Task An_import_does_what_the_dry_run_said(int seed, ImportKind kind)
    {
        var random = new Random(seed);
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 40);
        string Row(int i) => kind == ImportKind.Customers
            ? random.Next(8) switch
            {
                0 => $",u{random.Next(60)}@example.com,,Town {i}",
                1 => $",,+4930{random.Next(60):D7},Hamlet {i}",
                2 => $"C{i},nonsense,,",
                _ => $"C{random.Next(60)},u{random.Next(60)}@example.com,{(random.Next(3) == 0 ? $"+4930{random.Next(60):D7}" : "")},City {random.Next(3)}",
            }
            : $"O{random.Next(9)},{(random.Next(3) > 0 ? $"C{random.Next(40)}," : $",u{random.Next(40)}@example.com")},{random.Next(3)}.50,{(random.Next(9) == 0 ? "cancelled" : random.Next(9) == 1 ? "paid" : "")}";
        var header = kind == ImportKind.Customers ? "id,email,phone,city\n" : "orderNumber,customerId,email,amount,status\n";
        string File(int rows) => header + string.Concat(Enumerable.Range(1, rows).Select(i => Row(i) + "\n"));
        var query = kind == ImportKind.Orders && random.Next(2) == 0 ? "&createMissingCustomers=true" : "";
        if (kind == ImportKind.Orders)
        {
            await system.PostAsync("id,email\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"C{i},u{i}@example.com\n")));
        }

        for (var round = 0; round < 3; round++)
        {
            var csv = File(150);
            var dry = await system.PostAsync(csv, "?dryRun=true" + query, kind);
            dry.Body.GetProperty("changes").GetArrayLength().ShouldBe(150);
            var done = await system.PostAsync(csv, "?token=" + dry.Body.GetProperty("token").GetString(), kind);

            done.Body.GetProperty("issues").EnumerateArray().Where(i => i.GetProperty("code").GetString() == "import.changed_since_dry_run").Select(i => i.ToString()).ShouldBeEmpty();
            done.Body.GetProperty("failed").GetInt64().ShouldBe(dry.Body.GetProperty("failed").GetInt64());
            dry.Body.GetProperty("updated").GetInt64().ShouldBeGreaterThan(0);
        }
    }

    [Fact]
    public async Task A_file_with_several_steps_of_an_order_can_be_imported_again()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        await system.PostAsync("id\nC1\n");
        const string Csv = "orderNumber,customerId,amount,status\nO1,C1,5,placed\nO1,C1,5,paid\nO1,C1,5,shipped\n";
        var first = await system.PostAsync(Csv, kind: ImportKind.Orders);
        (Count(first.Body, "created"), Count(first.Body, "updated"), Count(first.Body, "failed")).ShouldBe((1, 2, 0), first.Text);

        var dry = await system.PostAsync(Csv, "?dryRun=true", ImportKind.Orders);
        var again = await system.PostAsync(Csv, "?token=" + dry.Body.GetProperty("token").GetString(), ImportKind.Orders);

        (Count(dry.Body, "unchanged"), Count(again.Body, "unchanged")).ShouldBe((3, 3), again.Text);
        (await system.QueryAsync<Order>("SELECT * FROM c WHERE c.type = 'order'")).ShouldHaveSingleItem().Status.ShouldBe(OrderStatus.Shipped);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(2)]
    public async Task Orders_of_customers_that_cannot_be_created_fail_in_the_dry_run_too(int rowsPerRun)
    {
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = rowsPerRun);
        await system.PostAsync("id,email\nE1,erased@example.com\nC1,c1@example.com\n");
        var erased = (await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.externalId = 'E1'")).ShouldHaveSingleItem();
        await system.Get<CustomerWriter>().EraseKeysAsync([.. system.Get<AddressHasher>().KeysOf(erased).All], new HashSet<string> { erased.Id }, DateTimeOffset.UnixEpoch, Cancellation);
        await system.Get<DeleteCustomer>().HandleAsync(erased.Id, null, Cancellation);

        // Somebody erased; two that would be created with one email; the second is found by it once the first exists.
        const string Csv = "orderNumber,customerId,email,amount\n1,N1,erased@example.com,5\n2,E1,,5\n3,N2,n@example.com,5\n4,N3,n@example.com,5\n5,N2,,5\n6,,n@example.com,5\n7,C1,,5\n8,N9,,5\n";
        var dry = await system.PostAsync(Csv, "?dryRun=true&createMissingCustomers=true", ImportKind.Orders);
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c WHERE c.type = 'order'")).Sum().ShouldBe(0);
        var done = await system.PostAsync(Csv, "?token=" + dry.Body.GetProperty("token").GetString(), ImportKind.Orders);

        Failures(dry).ShouldBe(Failures(done));
        Failures(dry).Take(2).ShouldBe(["2 customer.erased", "3 customer.erased"]);
        foreach (var count in new[] { "created", "updated", "unchanged", "failed" })
        {
            Count(dry.Body, count).ShouldBe(Count(done.Body, count), $"{count}: {dry.Text} {done.Text}");
        }

        Count(done.Body, "created").ShouldBeGreaterThan(4);

        static List<string> Failures((int Status, JsonElement Body, string Text) answer) =>
            [.. answer.Body.GetProperty("issues").EnumerateArray().Select(i => $"{i.GetProperty("row")} {i.GetProperty("code").GetString()}")];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_first_values_of_an_attribute_decide_its_type_in_the_dry_run_too(bool interrupted)
    {
        // In a slice of a tick each run is an invocation of its own, which knows of the earlier ones only what was stored.
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.TimeSlice) = (2, interrupted ? TimeSpan.FromTicks(1) : o.TimeSlice));
        const string Csv = "id,Size,Day,Late\nC1,38,2026-01-31,\nC2,39,2026-02-01,\nC3,XL,2026-02-02,7\nC4,40,soon,8\nC5,41,2026-03-01,nine\n";
        var dry = await system.FinishAsync(await system.DropAsync("customers/typed.csv", Encoding.UTF8.GetBytes(Csv), new() { ["dryRun"] = "true", ["attributes"] = "true" }));
        (await system.Get<AttributeSchema>().ReadNowAsync(Cancellation)).Keys.ShouldBeEmpty("a dry run registers nothing");

        var commit = await CommitAsync(system, dry.Id);
        var done = await system.FinishAsync(commit.Body.GetProperty("id").GetString()!);

        (dry.Counts.Created, dry.Counts.Failed).ShouldBe((2, 3));
        done.Counts.ShouldBe(dry.Counts);
        (await IssuesAsync(dry)).ShouldBe(["4 Size customer.attribute_type", "5 Day customer.attribute_type", "6 Late customer.attribute_type"]);
        (await IssuesAsync(done)).ShouldBe(await IssuesAsync(dry));

        async Task<List<string>> IssuesAsync(ImportJob job) => [.. (await system.ReportAsync(job)).SelectMany(r => r.Issues).Select(i => $"{i.Row} {i.Column} {i.Code}")];
    }

    [Fact]
    public async Task A_large_file_is_dry_run_as_a_job_and_carried_out_once()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.TimeSlice) = (10, TimeSpan.FromTicks(1)));
        await system.PostAsync("id,city\n" + string.Concat(Enumerable.Range(1, 10).Select(i => $"C{i},Bonn\n")));
        var csv = "Kunde,city\n" + string.Concat(Enumerable.Range(1, 30).Select(i => $"C{i},{(i % 2 == 0 ? "Bonn" : "Ulm")}\n")) + "C25,Graz\nC5,Graz\n";
        var metadata = new Dictionary<string, string> { ["dryRun"] = "true", ["mapping"] = """{"Kunde":"externalId"}""" };
        var id = await system.DropAsync("customers/rehearsed.csv", Encoding.UTF8.GetBytes(csv), metadata);

        (await CommitAsync(system, id)).Body.GetProperty("code").GetString().ShouldBe("import.not_a_dry_run");
        var dry = await system.FinishAsync(id);

        // Each run was an invocation of its own: C5 is compared with what is stored, C25 would have been created by then.
        dry.Counts.ShouldBe(new ImportCounts(32, 20, 7, 5, 0, 2));
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([10]);
        var all = await ChangesAsync(system, id, "?limit=20");
        all.Body.GetProperty("items").GetArrayLength().ShouldBe(20);
        var rest = await ChangesAsync(system, id, $"?limit=20&cursor={all.Body.GetProperty("next").GetString()}");
        rest.Body.GetProperty("items").EnumerateArray().Select(Show).TakeLast(2).ShouldBe(["32 updated import.duplicate_in_file", "33 updated city:\"Bonn\">\"Graz\" import.duplicate_in_file"]);
        (await ChangesAsync(system, id, "?outcome=unchanged")).Body.GetProperty("items").EnumerateArray().Select(c => Count(c, "row")).ShouldBe([3, 5, 7, 9, 11]);
        (await ChangesAsync(system, id, "?outcome=nonsense")).Status.ShouldBe(400);

        // What happened to the remembered mapping since does not matter.
        var commit = await CommitAsync(system, id);
        commit.Status.ShouldBe(202, commit.Text);
        var importId = commit.Body.GetProperty("id").GetString()!;
        var job = await system.FinishAsync(importId);
        (job.State, job.DryRunId, job.Counts.Created, job.Counts.Failed).ShouldBe((ImportState.Completed, id, 20, 0));
        (await system.ReportAsync(job)).SelectMany(r => r.Issues).ShouldAllBe(i => i.Code == RowCodes.DuplicateInFile);
        (await CommitAsync(system, id)).Body.GetProperty("id").GetString().ShouldBe(importId);
        (await CommitAsync(system, importId)).Status.ShouldBe(409);
        (await ChangesAsync(system, importId, "")).Status.ShouldBe(409);
        (await CommitAsync(system, "unknown")).Status.ShouldBe(404);
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([30]);
    }

    [Fact]
    public async Task Another_version_of_the_file_is_not_carried_out()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var metadata = new Dictionary<string, string> { ["dryRun"] = "true" };
        var id = await system.DropAsync("customers/replaced.csv", "id\nC1\n"u8.ToArray(), metadata);
        await system.FinishAsync(id);
        await system.DropAsync("customers/replaced.csv", "id\nC2\n"u8.ToArray(), metadata);

        var refused = await CommitAsync(system, id);
        (refused.Status, refused.Body.GetProperty("code").GetString()).ShouldBe((409, "import.token_mismatch"));

        var upload = await system.PostAsync("id\nC1\n", "?dryRun=true");
        (await CommitAsync(system, upload.Body.GetProperty("id").GetString()!)).Body.GetProperty("code").GetString().ShouldBe("import.file_not_kept");
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([0]);
    }

    [Fact]
    public async Task A_commit_that_is_interrupted_goes_on_with_the_same_import()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => (o.RunRows, o.TimeSlice) = (10, TimeSpan.FromTicks(1)));
        var id = await system.DropAsync("customers/interrupted.csv", Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(1, 35).Select(i => $"C{i}\n"))), new() { ["dryRun"] = "true" });
        await system.FinishAsync(id);

        // As if the process had ended after the id was settled, and before the import was stored.
        await system.Jobs.UpdateAsync(id, j => j with { CommitId = "0199aaaabbbbccccddddeeeeffff0000" }, Cancellation);
        var commit = await CommitAsync(system, id);
        commit.Body.GetProperty("id").GetString().ShouldBe("0199aaaabbbbccccddddeeeeffff0000");

        // One customer of the third run appears between two runs of the commit.
        await system.RunAsync("0199aaaabbbbccccddddeeeeffff0000", Cancellation);
        await system.PostAsync("id\nC25\n");
        var job = await system.FinishAsync("0199aaaabbbbccccddddeeeeffff0000");
        job.Counts.ShouldBe(new ImportCounts(35, 34, 0, 1, 0, 1));
        var issue = (await system.ReportAsync(job)).ShouldHaveSingleItem().Issues.ShouldHaveSingleItem();
        (issue.Row, issue.Code).ShouldBe((26, RowCodes.ChangedSinceDryRun));
    }

    [Fact]
    public async Task A_dry_run_whose_findings_are_deleted_says_so()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var dry = await system.PostAsync("id\nC1\n", "?dryRun=true");
        var id = dry.Body.GetProperty("id").GetString()!;
        var job = await system.FinishAsync(await system.DropAsync("customers/expired.csv", "id\nC1\n"u8.ToArray(), new() { ["dryRun"] = "true" }));
        foreach (var over in new[] { id, job.Id })
        {
            await system.Jobs.UpdateAsync(over, j => j with { FilesDeletedAt = j.FinishedAt }, Cancellation);
        }

        (await system.PostAsync("id\nC1\n", "?token=" + dry.Body.GetProperty("token").GetString())).Body.GetProperty("code").GetString().ShouldBe("import.dry_run_expired");
        (await ChangesAsync(system, id, "")).Status.ShouldBe(410);
        (await CommitAsync(system, job.Id)).Status.ShouldBe(410);
    }

    private static string Show(JsonElement change) =>
        $"{Count(change, "row")} {change.GetProperty("outcome").GetString()}"
        + (change.TryGetProperty("fields", out var fields)
            ? string.Concat(fields.EnumerateArray().Select(f => $" {f.GetProperty("field").GetString()}:{Raw(f, "before")}>{Raw(f, "after")}")) : "")
        + (change.TryGetProperty("issues", out var issues) ? string.Concat(issues.EnumerateArray().Select(i => " " + i.GetProperty("code").GetString())) : "");

    private static string Raw(JsonElement body, string name) => body.TryGetProperty(name, out var value) ? value.GetRawText() : "";

    private static long Count(JsonElement body, string name) => body.GetProperty(name).GetInt64();

    private static Task<(int Status, JsonElement Body, string Text)> CommitAsync(ImportSystem system, string id) =>
        system.AnswerAsync(async _ => Reply.Accepted(await system.Get<CommitImport>().HandleAsync(id, Caller, Cancellation)), _ => { });

    private static Task<(int Status, JsonElement Body, string Text)> ChangesAsync(ImportSystem system, string id, string query) =>
        system.AnswerAsync(async r => Reply.Ok(await system.Get<ReadImportChanges>().HandleAsync(r, id, Cancellation)), r => r.QueryString = new(query));
}
