using System.Text.Json;
using XenoCrm.Imports;
using XenoCrm.Orders;

namespace XenoCrm.Customers;

/// <summary>What is exported can be imported again, and then changes nothing.</summary>
public sealed class ExportCustomersTests : IAsyncLifetime
{
    private CrmHarness crm = null!;
    private CustomerApi api = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        api = new(crm);
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    [Fact]
    public async Task An_export_imported_again_changes_nothing()
    {
        await api.AddAsync("""{ "externalId": "A", "firstName": "=1+1", "lastName": "O'Neil, \"X\"", "email": "a@x.org", "phone": "+41446681800", "city": "-", "company": "@home", "language": "de-CH", "timeZone": "Europe/Zurich", "birthday": "1990-04-01", "tags": ["vip", "a b"], "source": "shop", "consent": { "email": { "state": "granted" }, "push": { "state": "withdrawn" } }, "attributes": { "shoe": -38.50, "big": 1e300, "note": "two\nlines; 'quoted'", "fan": true, "seen": "2026-01-31T10:00:00+02:00", "joined": "2020-02-29", "zip": "007" } }""");
        await api.AddAsync("""{ "externalId": "B", "phone": "(5) 555-4729", "country": "Mexico", "attributes": { "note": "=cmd|' /C calc'!A0" } }""");
        await api.AddAsync("""{ "email": "only@x.org" }""");
        await api.AddAsync("""{ "phone": "+41446681801" }""");
        await new OrderApi(crm).CreateAsync("A", "1", 12.5m);

        var export = (await api.ExportAsync()).ShouldBe(200);
        export.Headers.ContentType.ToString().ShouldBe("text/csv; charset=utf-8");
        var text = export.Text;
        foreach (var cell in new[] { "'=1+1", "'@home", "'+41446681800", "'=cmd|", "12.50" })
        {
            text.ShouldContain(cell);
        }

        var before = (await crm.CheckedCustomersAsync()).Select(c => JsonSerializer.Serialize(c, Platform.Json.Options)).ToList();
        foreach (var attributes in new[] { false, true })
        {
            var runs = await ReadRuns.OfAsync(ImportKind.Customers, text, new() { Attributes = attributes });
            runs.SelectMany(r => r.Issues).Where(i => !i.Warning).ShouldBeEmpty();
            var rows = runs.SelectMany(r => r.Customers).ToList();
            rows.Count.ShouldBe(4);
            (await crm.Writer.UpsertAsync(rows, new("import", crm.Journal($"i{attributes}")), default)).ShouldAllBe(r => r.Outcome == WriteOutcome.Unchanged);
        }

        (await crm.CheckedCustomersAsync()).Select(c => JsonSerializer.Serialize(c, Platform.Json.Options)).ShouldBe(before);
    }

    [Fact]
    public async Task An_export_has_the_filters_of_the_list_and_is_read_in_pages()
    {
        await crm.Writer.UpsertAsync([.. Enumerable.Range(0, 1100).Select(i => new UpsertRow(new() { ExternalId = $"E{i:0000}", City = i % 2 == 0 ? "Bern" : "Chur" }, i))], new("test"), default);
        string[] Lines(string text) => text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Lines((await api.ExportAsync()).Text).Length.ShouldBe(1101);
        var some = Lines((await api.ExportAsync("?city=bern&q=e00")).Text);
        some.Length.ShouldBe(51);
        some[1..].ShouldAllBe(line => line.Contains("Bern"));
        Lines((await api.ExportAsync("?externalId=nobody")).Text).Length.ShouldBe(1);
        (await api.ExportAsync("?town=bern")).ShouldBeProblem(400, "request.invalid", "/town");
        (await api.ExportAsync("?limit=5")).ShouldBeProblem(400, "request.invalid", "/limit");
    }
}
