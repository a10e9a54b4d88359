using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

public class UploadImportTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_is_answered_with_200_207_or_422()
    {
        await using var system = await ImportSystem.StartAsync(storage);

        var good = await PostAsync(system, "id,email\nC1,a@example.com\nC2,b@example.com\n");
        good.Status.ShouldBe(200, good.Text);
        (Count(good.Body, "rows"), Count(good.Body, "created"), Count(good.Body, "failed")).ShouldBe((2, 2, 0));

        var partly = await PostAsync(system, "id,email,Fax\nC1,changed@example.com,1\nC3,nobody,2\n");
        partly.Status.ShouldBe(207, partly.Text);
        (Count(partly.Body, "updated"), Count(partly.Body, "failed")).ShouldBe((1, 1));
        var issue = partly.Body.GetProperty("issues").EnumerateArray().ShouldHaveSingleItem();
        (Count(issue, "row"), issue.GetProperty("column").GetString(), issue.GetProperty("code").GetString(), issue.GetProperty("value").GetString())
            .ShouldBe((3, "email", "customer.email_invalid", "nobody"));
        partly.Body.GetProperty("columns").EnumerateArray().Single(c => c.GetProperty("header").GetString() == "Fax").TryGetProperty("field", out _).ShouldBeFalse();

        var none = await PostAsync(system, "id,email\nC3,nobody\nC4,\"x\"y\n");
        none.Status.ShouldBe(422, none.Text);
        none.Body.GetProperty("code").GetString().ShouldBe("import.no_row_usable");
        Count(none.Body.GetProperty("report"), "failed").ShouldBe(2);
        (await system.QueryAsync<Customer>("SELECT * FROM c")).Count.ShouldBe(2);
    }

    [Fact]
    public async Task What_cannot_be_imported_is_a_problem()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        async Task Expect(int status, string code, Action<HttpRequest> prepare)
        {
            var answer = await system.AnswerAsync(r => system.Get<UploadImport>().HandleAsync(r, ImportKind.Customers, Cancellation), prepare);
            (answer.Status, answer.Body.GetProperty("code").GetString()).ShouldBe((status, code), answer.Text);
        }

        byte[] png = [0x89, .. "PNG\r\n\u001A\n"u8, 0, 0, 0, 13, .. "IHDR"u8];
        await Expect(422, "import.file_empty", Csv(""));
        await Expect(422, "import.no_usable_column", Csv("foo,bar\n1,2\n"));
        await Expect(413, "request.too_large", Body("text/csv", new byte[(5 * 1024 * 1024) + 1]));
        await Expect(413, "request.too_large", r => Body("text/csv", new byte[6_000_000])(Chunked(r)));
        await Expect(415, "request.media_type", Body("image/png", png));
        await Expect(415, "import.not_csv", Body("text/csv", png));
        await Expect(415, "request.media_type", r => (r.Body, r.ContentLength) = (new MemoryStream("id\n1\n"u8.ToArray()), 5));
        await Expect(400, "import.file_missing", _ => { });
        await Expect(400, "import.file_missing", Multipart(("note", null, "text/plain", "hello"u8.ToArray())));
        await Expect(415, "request.media_type", Multipart(("file", "customers.csv", "image/png", png)));
        await Expect(415, "import.not_csv", Multipart(("file", "customers.csv", "text/csv", png)));
        await Expect(413, "request.too_large", Multipart(("file", "customers.csv", "text/csv", new byte[6_000_000])));
        await Expect(400, "import.multipart_malformed", Body("multipart/form-data; boundary=x", "--x\r\nnonsense"u8.ToArray()));
        await Expect(400, "import.multipart_malformed", Body("multipart/form-data", "--x"u8.ToArray()));
        await Expect(400, "import.mapping_invalid", Csv("id\n1\n", "?mapping=nonsense"));
        await Expect(400, "import.date_format_unsupported", Csv("id\n1\n", "?dateFormat=xx"));

        // What the kind has no use for is refused and not ignored.
        await Expect(400, "request.invalid", Csv("id\n1\n", "?createMissingCustomers=true"));
        (await PostAsync(system, "orderNumber,customerId,amount\nO1,C1,1\n", "?attributes=true", ImportKind.Orders)).Body.GetProperty("errors").TryGetProperty("/attributes", out _).ShouldBeTrue();
        var dropped = await system.FinishAsync(await system.DropAsync("orders/attributes.csv", "orderNumber,customerId,amount\nO1,C1,1\n"u8.ToArray(), new() { ["attributes"] = "true" }));
        dropped.Failure.ShouldNotBeNull().Code.ShouldBe("request.invalid");
    }

    [Fact]
    public async Task A_file_that_comes_again_subscribes_nobody_who_has_left_since()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        const string Csv = "id,email,Newsletter\nC1,a@example.com,yes\nC2,b@example.com,yes\n";
        const string Query = "?mapping={\"Newsletter\":\"consent.email\"}";
        (await PostAsync(system, Csv, Query)).Status.ShouldBe(200);
        var left = (await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.externalId = 'C1'")).ShouldHaveSingleItem();
        await system.Get<SaveCustomer>().PatchAsync(left.Id, new() { ["consent"] = new System.Text.Json.Nodes.JsonObject { ["email"] = new System.Text.Json.Nodes.JsonObject { ["state"] = "withdrawn" } } }, null, Cancellation);

        // Also in the dry run, which counts as the import does.
        foreach (var query in new[] { Query + "&dryRun=true", Query })
        {
            var again = await PostAsync(system, Csv, query);
            (again.Status, Count(again.Body, "unchanged"), Count(again.Body, "warnings")).ShouldBe((200, 2, 1), again.Text);
            var issue = again.Body.GetProperty("issues").EnumerateArray().ShouldHaveSingleItem();
            (Count(issue, "row"), issue.GetProperty("column").GetString(), issue.GetProperty("code").GetString(), issue.GetProperty("warning").GetBoolean())
                .ShouldBe((2, "Newsletter", "customer.consent_kept", true));
        }

        (await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.externalId = 'C1'")).ShouldHaveSingleItem().Consent["email"].State.ShouldBe(ConsentState.Withdrawn);
    }

    [Fact]
    public async Task A_multipart_file_is_found_among_other_parts()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var answer = await system.AnswerAsync(
            r => system.Get<UploadImport>().HandleAsync(r, ImportKind.Customers, Cancellation),
            Multipart(("note", null, "text/plain", "hello"u8.ToArray()), ("file", "customers.csv", "application/octet-stream", "\uFEFFid;email\nC1;a@example.com\n"u8.ToArray())));

        answer.Status.ShouldBe(200, answer.Text);
        Count(answer.Body, "created").ShouldBe(1);
    }

    [Fact]
    public async Task A_dry_run_counts_and_writes_nothing()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        await PostAsync(system, "id,email\nC1,a@example.com\nC2,b@example.com\n");
        var customers = await PostAsync(system, "id,email\nC1,a@example.com\nC2,new@example.com\nC3,c@example.com\nC3,d@example.com\nC4,bad\n", "?dryRun=true");
        customers.Status.ShouldBe(207);
        (Count(customers.Body, "unchanged"), Count(customers.Body, "updated"), Count(customers.Body, "created"), Count(customers.Body, "failed")).ShouldBe((1, 2, 1, 1));

        await PostAsync(system, "orderNumber,customerId,amount\nO1,C1,5\n", kind: ImportKind.Orders);
        var orders = await PostAsync(system, "orderNumber,customerId,amount\nO1,C1,5\nO1,C1,6\nO2,C1,7\nO3,C9,8\n", "?dryRun=true", ImportKind.Orders);
        (Count(orders.Body, "unchanged"), Count(orders.Body, "updated"), Count(orders.Body, "created"), Count(orders.Body, "failed")).ShouldBe((1, 1, 1, 1));
        (await system.QueryAsync<long>("SELECT VALUE COUNT(1) FROM c")).ShouldBe([3]);
        (await system.Jobs.PageAsync(null, 10, Cancellation)).Count(j => !j.Value.DryRun).ShouldBe(2);
    }

    [Fact]
    public async Task Unknown_columns_become_attributes_with_the_type_of_their_values()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 3);
        const string Csv = "id,Shoe size,Member,Since,Note\nC1,42,true,2026-01-31,x\nC2,,false,,7\nC3,39.5,,2025-02-28,\nC4,large,true,,\nC5,40,true,yesterday,\n";
        var dry = await system.PostAsync("id,Shoe size\nC1,42\n", "?dryRun=true&attributes=true");
        dry.Body.GetProperty("changes")[0].GetProperty("fields").EnumerateArray().Single(f => f.GetProperty("field").GetString() == "attributes.shoeSize")
            .GetProperty("after").ValueKind.ShouldBe(JsonValueKind.Number);

        var answer = await PostAsync(system, Csv, "?attributes=true");

        answer.Status.ShouldBe(207, answer.Text);
        answer.Body.GetProperty("issues").EnumerateArray().Select(i => $"{Count(i, "row")} {i.GetProperty("column")} {i.GetProperty("code")} {i.GetProperty("value")}")
            .ShouldBe(["5 Shoe size customer.attribute_type large", "6 Since customer.attribute_type yesterday"]);
        var first = (await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.externalId = 'C1'")).ShouldHaveSingleItem().Attributes;
        (first["shoeSize"].GetDouble(), first["member"].GetBoolean(), first["since"].GetString(), first["note"].GetString()).ShouldBe((42, true, "2026-01-31", "x"));
    }

    [Fact]
    public async Task Rejected_rows_come_back_as_a_CSV_that_can_be_corrected_and_imported()
    {
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 2);
        var answer = await PostAsync(system, "id,email,phone,company\n-1,nobody,+49300074321,\"=cmd|' /C calc'!A0\"\nC2,b@example.com,555,ok\nC3,\"quo\"te,,\nC4,also bad,,\"Two\nlines\"\n");
        answer.Status.ShouldBe(207);
        var id = answer.Body.GetProperty("id").GetString()!;

        HttpResponse? response = null;
        var csv = await ErrorsAsync(system, id, r => response = r.HttpContext.Response);
        response!.Headers.CacheControl.ToString().ShouldBe("no-store");
        csv.Text.ShouldBe(
            "\uFEFFid,email,phone,company,Import row,Import error codes,Import errors\r\n"
            + "\"'-1\",nobody,\"'+49300074321\",\"'=cmd|' /C calc'!A0\",2,customer.email_invalid,email: This is not an email address.\r\n"
            + "C3,quote,,,4,import.quote_malformed,Text follows a closing quote. Quotes within a value are doubled.\r\n"
            + "C4,also bad,,\"Two\nlines\",5,customer.email_invalid,email: This is not an email address.\r\n");

        var corrected = await PostAsync(system, csv.Text.Replace("nobody", "a@example.com").Replace("quote,", "c@example.com,").Replace("also bad", "d@example.com"), "?attributes=true");
        corrected.Status.ShouldBe(200, corrected.Text);
        Count(corrected.Body, "created").ShouldBe(3);
        var first = (await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.externalId = '-1'")).ShouldHaveSingleItem();
        (first.Phone, first.Company).ShouldBe(("+49300074321", "=cmd|' /C calc'!A0"));
        first.Attributes.ShouldBeEmpty();

        var page = await ErrorsAsync(system, id, r => (r.Headers.Accept, r.QueryString) = ("application/json", new("?limit=3")));
        page.Body.GetProperty("items").EnumerateArray().Select(i => Count(i, "row")).ShouldBe([2, 3, 4]);
        var next = page.Body.GetProperty("next").GetString();
        var last = await ErrorsAsync(system, id, r => r.QueryString = new($"?format=json&cursor={next}"));
        last.Body.GetProperty("items").EnumerateArray().Select(i => Count(i, "row")).ShouldBe([5]);
        last.Body.TryGetProperty("next", out _).ShouldBeFalse();
        (await ErrorsAsync(system, "unknown", _ => { })).Status.ShouldBe(404);
    }

    [Fact]
    public async Task An_upload_address_takes_the_file_of_the_job_it_was_made_for()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var started = await system.Get<StartImport>().HandleAsync(
            new() { Kind = ImportKind.Customers, DateFormat = "dd/MM/yyyy" }, new("u1", "Test", Accounts.Role.Manager), Cancellation);
        started.Import.State.ShouldBe(ImportState.AwaitingUpload);
        await system.RunAsync(started.Import.Id, Cancellation);
        (await system.JobAsync(started.Import.Id)).State.ShouldBe(ImportState.AwaitingUpload);

        using var http = new HttpClient();
        using var content = new ByteArrayContent("id,dob\nC1,31/12/1980\n"u8.ToArray());
        foreach (var (name, value) in started.Upload.Headers)
        {
            content.Headers.TryAddWithoutValidation(name, value);
        }

        (await http.PutAsync(started.Upload.Url, content, Cancellation)).EnsureSuccessStatusCode();
        await system.Get<RegisterImport>().HandleAsync(started.Import.Blob!, Cancellation);
        var job = await system.FinishAsync(started.Import.Id);

        (job.State, job.Counts.Created, job.Ttl).ShouldBe((ImportState.Completed, 1, null));
        (await system.Jobs.PageAsync(null, 10, Cancellation)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task The_samples_can_be_imported()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var functions = new DataFunctions(system.Get<UploadImport>());
        var customers = await system.AnswerAsync(r => Task.FromResult(functions.CustomerSample(r)), _ => { });
        (await PostAsync(system, customers.Text)).Status.ShouldBe(200);
        var orders = await system.AnswerAsync(r => Task.FromResult(functions.OrderSample(r)), _ => { });
        var answer = await PostAsync(system, orders.Text, kind: ImportKind.Orders);
        answer.Status.ShouldBe(200, answer.Text);
        Count(answer.Body, "created").ShouldBe(2);
    }

    private static long Count(JsonElement body, string name) => body.GetProperty(name).GetInt64();

    private static Task<(int Status, JsonElement Body, string Text)> PostAsync(ImportSystem system, string csv, string query = "", ImportKind kind = ImportKind.Customers) =>
        system.AnswerAsync(r => system.Get<UploadImport>().HandleAsync(r, kind, Cancellation), Csv(csv, query));

    private static Task<(int Status, JsonElement Body, string Text)> ErrorsAsync(ImportSystem system, string id, Action<HttpRequest> prepare) =>
        system.AnswerAsync(r => system.Get<ReadImportErrors>().HandleAsync(r, id, Cancellation), prepare);

    private static Action<HttpRequest> Csv(string csv, string query = "") => request =>
    {
        Body("text/csv", Encoding.UTF8.GetBytes(csv))(request);
        request.QueryString = new(query);
    };

    private static Action<HttpRequest> Body(string type, byte[] bytes) => request =>
    {
        request.ContentType = type;
        request.ContentLength ??= request.Headers.TransferEncoding.Count > 0 ? null : bytes.Length;
        request.Body = new MemoryStream(bytes);
    };

    private static HttpRequest Chunked(HttpRequest request)
    {
        request.Headers.TransferEncoding = "chunked";
        return request;
    }

    private static Action<HttpRequest> Multipart(params (string Name, string? File, string Type, byte[] Bytes)[] parts) => request =>
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, file, type, bytes) in parts)
        {
            var part = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
            if (file is null)
            {
                form.Add(part, name);
            }
            else
            {
                form.Add(part, name, file);
            }
        }

        var body = new MemoryStream();
        form.CopyTo(body, null, Cancellation);
        body.Position = 0;
        request.ContentType = form.Headers.ContentType!.ToString();
        request.ContentLength = body.Length;
        request.Body = body;
    };
}
