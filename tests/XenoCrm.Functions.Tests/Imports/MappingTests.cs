using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

public class MappingTests(ImportStorage storage)
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("emial", "email")]
    [InlineData("Custmer Number", "externalId")]
    [InlineData("Primary Phone 2", "phone")]
    [InlineData("shipping city", "city")]
    [InlineData("Frist Name", "firstName")]
    [InlineData("Contact Title", null)]
    [InlineData("Fax", null)]
    [InlineData("x", null)]
    public void An_unknown_column_comes_with_the_field_it_may_be(string header, string? field)
    {
        var column = ColumnMap.Create(ImportKind.Customers, [header]).ShouldHaveSingleItem();

        (column.Field, column.Basis, column.Suggestion).ShouldBe((null, ColumnBasis.Unknown, field));
    }

    [Fact]
    public void What_a_column_is_taken_for_has_a_reason()
    {
        var mapping = new Dictionary<string, string?> { ["Kunde"] = "externalId", ["Notes"] = null };
        var columns = ColumnMap.Create(ImportKind.Customers, ["Kunde", "E-Mail", "email", "e_mail", "Notes", "Shoe size", "Mail", "Import errors", ""], mapping, attributes: true);

        columns.Select(c => $"{c.Field} {c.Basis}").ShouldBe(
        [
            "externalId Mapping", "email Name", " Duplicate", " Duplicate", " Mapping", "attributes.shoeSize Attribute", " Duplicate", " Report", " Unknown",
        ]);
    }

    [Theory]
    [InlineData("a", "a", 0)]
    [InlineData("email", "emial", 1)]
    [InlineData("email", "emil", 1)]
    [InlineData("email", "e_mail", 1)]
    [InlineData("", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    public void Names_have_a_distance(string a, string b, int distance) =>
        (NearestName.Distance(a, b), NearestName.Distance(b, a)).ShouldBe((distance, distance));

    [Fact]
    public async Task A_mapping_that_was_used_is_used_again_for_the_same_headers_in_any_order()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        const string Mapping = """?mapping={"Kunde":"externalId","Notes":"attributes.note"}""";
        (await PostAsync(system, "Kunde,Notes\nC1,first\n", "")).Body.GetProperty("code").GetString().ShouldBe("import.no_usable_column");
        (await PostAsync(system, "Kunde,Notes\nC1,first\n", Mapping)).Status.ShouldBe(200);

        var again = await PostAsync(system, "notes,KUNDE\nsecond,C2\n", "");
        again.Status.ShouldBe(200, again.Text);
        again.Body.GetProperty("columns").EnumerateArray().Select(c => c.GetProperty("field").GetString() + " " + c.GetProperty("basis").GetString())
            .ShouldBe(["attributes.note remembered", "externalId remembered"]);

        // The same by a file dropped into the container.
        var job = await system.FinishAsync(await system.DropAsync("customers/remembered.csv", "KUNDE;notes\nC3;third\n"u8.ToArray()));
        job.Counts.ShouldBe(new ImportCounts(1, 1));
        (await system.QueryAsync<Customer>("SELECT * FROM c ORDER BY c.externalId")).Select(c => c.Attributes["note"].GetString()).ShouldBe(["first", "second", "third"]);

        // An empty mapping goes by name, this once; other headers and other kinds know nothing of it.
        (await PostAsync(system, "Kunde,Notes\nC1,first\n", "?mapping={}")).Status.ShouldBe(422);
        (await PostAsync(system, "Kunde,Notes,Fax\nC1,first,1\n", "")).Status.ShouldBe(422);
        (await PostAsync(system, "Kunde,Notes\nC1,first\n", "", ImportKind.Orders)).Status.ShouldBe(422);

        var memory = system.Get<MappingMemory>();
        var remembered = (await memory.PageAsync(null, 10, Cancellation)).ShouldHaveSingleItem();
        (remembered.Kind, remembered.UsedBy).ShouldBe((ImportKind.Customers, "u1"));
        await memory.ForgetAsync(remembered.Id, Cancellation);
        (await PostAsync(system, "Kunde,Notes\nC1,first\n", "")).Status.ShouldBe(422);
        (await Should.ThrowAsync<Platform.Errors.ProblemException>(() => memory.ForgetAsync(remembered.Id, Cancellation))).Problem.Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_mapping_that_brought_nothing_is_not_remembered_and_a_later_one_takes_its_place()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var memory = system.Get<MappingMemory>();
        (await PostAsync(system, "Kunde,Mail\nC1,nonsense\n", """?mapping={"Kunde":"externalId"}""")).Status.ShouldBe(422);
        (await PostAsync(system, "Kunde,Mail\nC1,a@example.com\n", """?dryRun=true&mapping={"Kunde":"externalId"}""")).Status.ShouldBe(200);
        (await memory.PageAsync(null, 10, Cancellation)).ShouldBeEmpty();

        (await PostAsync(system, "Kunde,Mail\nC1,a@example.com\n", """?mapping={"Kunde":"externalId"}""")).Status.ShouldBe(200);
        var job = await system.FinishAsync(await system.DropAsync("customers/mapped.csv", "Kunde,Mail\nC2,b@example.com\n"u8.ToArray(), new() { ["mapping"] = """{"Kunde":"attributes.code"}""" }));
        job.Counts.Failed.ShouldBe(0);
        (await memory.PageAsync(null, 10, Cancellation)).ShouldHaveSingleItem().Mapping["Kunde"].ShouldBe("attributes.code");
    }

    [Fact]
    public async Task A_preview_shows_columns_samples_and_suggestions_and_imports_nothing()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var answer = await PreviewAsync(system, "\uFEFFKundennr;E-Mial;Name;Name;Notes\nC1;a@example.com;Maria Anders;x;\nC2;b@example.com;Maria Anders;y;\n", "?kind=customers");

        answer.Status.ShouldBe(200, answer.Text);
        var body = answer.Body;
        (body.GetProperty("separator").GetString(), body.GetProperty("encoding").GetString()).ShouldBe((";", "utf-8"));
        var columns = body.GetProperty("columns").EnumerateArray().ToList();
        columns.Select(c => $"{Text(c, "header")}={Text(c, "field")} {Text(c, "basis")} {Text(c, "suggestion")}").ShouldBe(
            ["Kundennr= unknown ", "E-Mial= unknown email", "Name=fullName name ", "Name= duplicate ", "Notes= unknown "]);
        columns.Select(c => string.Join('|', c.GetProperty("samples").EnumerateArray())).ShouldBe(["C1|C2", "a@example.com|b@example.com", "Maria Anders", "x|y", ""]);
        body.GetProperty("missing").EnumerateArray().Select(m => m.GetString()).ShouldBe(["externalId", "email", "phone"]);
        body.GetProperty("mapping").EnumerateObject().Select(p => $"{p.Name}:{p.Value}").ShouldBe(["Kundennr:", "E-Mial:", "Name:fullName", "Notes:"]);
        (await system.QueryAsync<Customer>("SELECT * FROM c")).ShouldBeEmpty();
        (await system.Jobs.PageAsync(null, 10, Cancellation)).ShouldBeEmpty();

        (await PreviewAsync(system, "id\n", "?kind=customers")).Status.ShouldBe(200);
        (await PreviewAsync(system, "id\n1\n", "?kind=0")).Status.ShouldBe(400);
        (await PreviewAsync(system, "id\n1\n", "")).Status.ShouldBe(400);
        (await PreviewAsync(system, "", "?kind=orders")).Status.ShouldBe(422);
    }

    [Theory]
    [InlineData("?dryRun=yes", "/dryRun")]
    [InlineData("?dryRun", "/dryRun")]
    [InlineData("?dry_run=true", "/dry_run")]
    [InlineData("?attributes=1", "/attributes")]
    [InlineData("?decimalSeparator=x", "/decimalSeparator")]
    public async Task A_mistyped_parameter_imports_nothing(string query, string pointer)
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var answer = await PostAsync(system, "id\nC1\n", query);

        answer.Status.ShouldBe(400, answer.Text);
        answer.Body.GetProperty("errors").EnumerateObject().ShouldHaveSingleItem().Name.ShouldBe(pointer);
        (await system.QueryAsync<Customer>("SELECT * FROM c")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_missing_column_is_named_with_what_it_may_be()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var answer = await PostAsync(system, "E-Mial,First name\na@example.com,A\n", "");

        answer.Body.GetProperty("code").GetString().ShouldBe("import.required_column_missing");
        answer.Body.GetProperty("detail").GetString()!.ShouldContain("'E-Mial' may be email");
    }

    private static string? Text(JsonElement body, string name) => body.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static Task<(int Status, JsonElement Body, string Text)> PostAsync(ImportSystem system, string csv, string query, ImportKind kind = ImportKind.Customers) =>
        system.AnswerAsync(r => system.Get<UploadImport>().HandleAsync(r, kind, Cancellation), Csv(csv, query));

    private static Task<(int Status, JsonElement Body, string Text)> PreviewAsync(ImportSystem system, string csv, string query) =>
        system.AnswerAsync(async r => Platform.Http.Reply.Ok(await system.Get<PreviewMapping>().HandleAsync(r, Cancellation)), Csv(csv, query));

    private static Action<HttpRequest> Csv(string csv, string query) => request =>
    {
        var bytes = Encoding.UTF8.GetBytes(csv);
        (request.ContentType, request.ContentLength, request.Body, request.QueryString) = ("text/csv", bytes.Length, new MemoryStream(bytes), new(query));
    };
}
