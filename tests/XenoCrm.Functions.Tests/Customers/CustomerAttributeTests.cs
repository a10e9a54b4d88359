using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Orders;
using XenoCrm.Segments;

namespace XenoCrm.Customers;

/// <summary>Custom attributes have types, whatever the way their values come in.</summary>
public sealed class CustomerAttributeTests : IAsyncLifetime
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
    public async Task The_first_value_decides_and_another_type_is_an_error_on_every_way()
    {
        var id = await api.AddAsync("""{ "externalId": "A", "attributes": { "shoe": 38, "hat": "L", "fan": true, "joined": "2020-02-29", "seen": "2026-01-31T10:00:00+02:00", "gone": null } }""");
        (await api.AttributesAsync())["items"].EnumerateArray().Select(a => $"{a.GetProperty("key")}:{a.GetProperty("type")}").ShouldBe(["fan:boolean", "hat:string", "joined:date", "seen:dateTime", "shoe:number"]);
        (await api.GetAsync(id))["attributes"].GetProperty("seen").GetString().ShouldBe("2026-01-31T08:00:00.000Z");

        foreach (var (key, value) in new[] { ("shoe", "\"38\""), ("hat", "5"), ("fan", "\"true\""), ("joined", "\"29/02/2020\""), ("joined", "\"2023-02-29\""), ("joined", "\"2020-02-29T00:00:00Z\""), ("seen", "\"soon\""), ("seen", "0"), ("shoe", "12345678901234567890") })
        {
            var attributes = $$"""{ "{{key}}": {{value}} }""";
            (await api.CreateAsync($$"""{ "externalId": "B", "attributes": {{attributes}} }""")).ShouldBeProblem(400, "customer.attribute_type", $"/attributes/{key}");
            (await api.PutAsync(id, $$"""{ "externalId": "A", "attributes": {{attributes}} }""")).ShouldBeProblem(400, "customer.attribute_type", $"/attributes/{key}");
            (await api.PatchAsync(id, $$"""{ "attributes": {{attributes}} }""")).ShouldBeProblem(400, "customer.attribute_type", $"/attributes/{key}");
            var bulk = (await api.BulkAsync($$"""{ "items": [ { "externalId": "C{{key}}" }, { "externalId": "D", "attributes": {{attributes}} } ] }""")).ShouldBe(207);
            bulk["items"][1].GetProperty("code").GetString().ShouldBe("customer.attribute_type");
            bulk["items"][1].GetProperty("errors").TryGetProperty($"/attributes/{key}", out _).ShouldBeTrue();
        }

        // What a file says is text, and read as the type.
        async Task<WriteResult> ImportAsync(string key, string text) => (await crm.Writer.UpsertAsync(
            [new(new() { ExternalId = "I", Attributes = new Dictionary<string, JsonElement> { [key] = JsonSerializer.SerializeToElement(text) } }, 2)], new("import", crm.Journal("i-" + key + text)), default))[0];
        (await ImportAsync("shoe", "41.5")).Outcome.ShouldBe(WriteOutcome.Created);
        (await ImportAsync("fan", "no")).Outcome.ShouldBe(WriteOutcome.Updated);
        (await ImportAsync("seen", "2026-01-31")).Outcome.ShouldBe(WriteOutcome.Updated);
        foreach (var (key, text) in new[] { ("shoe", "1.234,56"), ("shoe", "1e400"), ("shoe", "NaN"), ("shoe", "big"), ("fan", "perhaps"), ("joined", "31.1.2020") })
        {
            var failed = await ImportAsync(key, text);
            (failed.Outcome, failed.Code).ShouldBe((WriteOutcome.Failed, "customer.attribute_type"), text);
        }

        var imported = (await crm.CheckedCustomersAsync()).Single(c => c.ExternalId == "I").Attributes;
        imported["shoe"].GetDouble().ShouldBe(41.5);
        imported["fan"].GetBoolean().ShouldBeFalse();
        imported["seen"].GetString().ShouldBe("2026-01-31T00:00:00.000Z");

        // A customer that an order brings has none, and null removes one.
        var patched = await api.PatchAsync(id, """{ "attributes": { "shoe": null, "hat": "XL" } }""");
        patched["attributes"].TryGetProperty("shoe", out _).ShouldBeFalse();
        patched["attributes"].GetProperty("joined").GetString().ShouldBe("2020-02-29");
    }

    [Fact]
    public async Task A_run_of_text_decides_by_all_its_values()
    {
        CustomerDraft Row(int i, params (string Key, string Text)[] attributes) =>
            new() { ExternalId = $"E{i}", Attributes = attributes.ToDictionary(a => a.Key, a => JsonSerializer.SerializeToElement(a.Text)) };
        UpsertRow[] rows =
        [
            new(Row(0, ("size", "38"), ("zip", "01234"), ("points", "10"), ("day", "2026-01-31"), ("phone", "+41446681800"), ("flag", "true")), 2),
            new(Row(1, ("size", "XL"), ("zip", "80331"), ("points", "-2.5"), ("day", "2026-01-31T10:00Z"), ("flag", "false")), 3),
        ];
        (await crm.Writer.UpsertAsync(rows, new("import", crm.Journal("i1")), default)).ShouldAllBe(r => r.Outcome == WriteOutcome.Created);
        (await api.AttributesAsync())["items"].EnumerateArray().Select(a => $"{a.GetProperty("key")}:{a.GetProperty("type")}")
            .ShouldBe(["day:dateTime", "flag:boolean", "phone:string", "points:number", "size:string", "zip:string"]);
    }

    [Fact]
    public async Task Two_processes_that_meet_a_new_key_at_once_agree()
    {
        await using var other = await crm.AnotherAsync();
        var runs = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? crm : other).Writer.UpsertAsync(
            [new(new() { ExternalId = $"E{i}", Attributes = new Dictionary<string, JsonElement> { ["k"] = JsonElement.Parse(i % 2 == 0 ? "1" : "true"), [$"own{i}"] = JsonElement.Parse("1") } }, 1)], new("api"), default)));
        var type = (await api.AttributesAsync())["items"].EnumerateArray().Single(a => a.GetProperty("key").GetString() == "k").GetProperty("type").GetString();
        var right = type == "number" ? 0 : 1;
        runs.Select((r, i) => (r[0].Outcome == WriteOutcome.Created) == (i % 2 == right)).ShouldAllBe(ok => ok);
        (await api.AttributesAsync())["items"].GetArrayLength().ShouldBe(21);
        (await crm.CheckedCustomersAsync()).Count.ShouldBe(10);
    }

    [Fact]
    public async Task An_attribute_is_declared_and_keeps_its_type_while_it_is_used()
    {
        (await api.DeclareAsync("tier", """{ "type": "number", "label": " Tier " }""")).ShouldBe(200)["label"].GetString().ShouldBe("Tier");

        // Nobody carries it yet, and nobody may until the change is made.
        (await api.DeclareAsync("tier", """{ "type": "string" }""")).ShouldBe(202)["change"].GetProperty("to").GetString().ShouldBe("string");
        (await api.CreateAsync("""{ "externalId": "B", "attributes": { "tier": "gold" } }""")).Text.ShouldContain("customer.attribute_changing");
        await FinishAsync(TimeSpan.Zero);
        (await api.DeclareAsync("tier", """{ "type": "string" }""")).ShouldBe(202);
        await FinishAsync(ChangeAttribute.Settling);
        (await api.DeclareAsync("tier", """{ "type": "string" }""")).ShouldBe(200);
        var id = await api.AddAsync("""{ "externalId": "A", "attributes": { "tier": "gold" } }""");
        (await api.DeclareAsync("tier", """{ "type": "number" }""")).ShouldBeProblem(409, "customer.attribute_in_use");
        (await api.RemoveAsync("tier")).ShouldBeProblem(409, "customer.attribute_in_use");
        (await api.DeclareAsync("tier", """{ "type": "string", "label": "Level" }""")).ShouldBe(200)["label"].GetString().ShouldBe("Level");
        await api.PatchAsync(id, """{ "attributes": null }""");
        (await api.RemoveAsync("tier")).ShouldBe(202)["change"].TryGetProperty("to", out _).ShouldBeFalse();
        await FinishAsync(ChangeAttribute.Settling);
        (await api.RemoveAsync("tier")).ShouldBeProblem(404, "customer.attribute_not_found");
        (await api.DeclareAsync("no spaces", """{ "type": "string" }""")).ShouldBeProblem(400, "request.invalid", "/key");
        (await api.DeclareAsync("x", """{ "type": "text" }""")).ShouldBeProblem(400, "request.invalid", "/type");
        (await api.DeclareAsync("x", """{ "label": "X" }""")).ShouldBeProblem(400, "request.invalid", "/type");
    }

    [Fact]
    public async Task A_change_that_another_process_did_not_know_of_is_not_made()
    {
        await using var other = await crm.AnotherAsync();
        (await api.DeclareAsync("tier", """{ "type": "string" }""")).ShouldBe(200);
        await other.Get<AttributeSchema>().RefreshAsync(TestContext.Current.CancellationToken);
        (await api.DeclareAsync("tier", """{ "type": "number" }""")).ShouldBe(202);

        var id = await new CustomerApi(other).AddAsync("""{ "externalId": "A", "attributes": { "tier": "gold" } }""");
        await FinishAsync(ChangeAttribute.Settling);

        var now = (await api.AttributesAsync())["items"].EnumerateArray().Single();
        (now.GetProperty("type").GetString(), now.TryGetProperty("change", out _)).ShouldBe(("string", false));
        (await api.PatchAsync(id, """{ "attributes": { "tier": "silver" } }""")).ShouldBe(200);

        // One that is asked for again with the type it has is called off.
        await api.PatchAsync(id, """{ "attributes": null }""");
        (await api.DeclareAsync("tier", """{ "type": "number" }""")).ShouldBe(202);
        (await api.DeclareAsync("tier", """{ "type": "string" }""")).ShouldBe(200);
        await FinishAsync(ChangeAttribute.Settling);
        (await api.AttributesAsync())["items"].EnumerateArray().Single().GetProperty("type").GetString().ShouldBe("string");
    }

    private Task FinishAsync(TimeSpan later) =>
        new ChangeAttribute(crm.Get<AttributeSchema>(), crm.Customers, new Shifted(later)).FinishAsync(TestContext.Current.CancellationToken);

    private sealed class Shifted(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }

    [Fact]
    public async Task There_are_limits()
    {
        string Attributes(int from, int count, string value = "1") => "{" + string.Join(",", Enumerable.Range(from, count).Select(i => $"\"k{i}\": {value}")) + "}";
        for (var i = 0; i < 5; i++)
        {
            await api.AddAsync($$"""{ "externalId": "E{{i}}", "attributes": {{Attributes(i * 100, 100)}} }""");
        }

        (await api.CreateAsync($$"""{ "externalId": "F", "attributes": { "one": 1 } }""")).ShouldBeProblem(409, "customer.too_many_attribute_keys");
        (await api.CreateAsync($$"""{ "externalId": "F", "attributes": {{Attributes(0, 101)}} }""")).ShouldBeProblem(400, "request.invalid", "/attributes");
        (await api.CreateAsync($$"""{ "externalId": "F", "attributes": { "{{new string('k', 65)}}": 1 } }""")).Status.ShouldBe(400);
        (await api.CreateAsync($$"""{ "externalId": "F", "attributes": { "k1": "{{new string('v', 1001)}}" } }""")).ShouldBeProblem(400, "request.invalid", "/attributes/k1");
        (await api.CreateAsync($$"""{ "externalId": "F", "attributes": {{Attributes(400, 100, "2")}} }""")).ShouldBe(201);
    }

    [Fact]
    public async Task Rules_compare_attributes_as_their_types_whatever_the_spelling()
    {
        await api.AddAsync("""{ "externalId": "A", "attributes": { "seen": "2026-01-31T10:00:00+02:00", "joined": "2020-02-29", "size": "38" } }""");
        var schema = crm.Get<AttributeSchema>();
        var catalogue = new RuleCatalogue(Options.Create(new Platform.WorkspaceOptions()), schema);
        var parser = new RuleParser(catalogue);
        var customer = (await crm.CheckedCustomersAsync()).Single();
        bool Holds(string op, string value, string field = "attributes.seen", bool isNew = true) =>
            parser.Parse(JsonElement.Parse(Rules.OneJson(field, op, value)), isNew: isNew).Holds(customer);

        foreach (var spelling in new[] { "\"2026-01-31T08:00:00Z\"", "\"2026-01-31T08:00Z\"", "\"2026-01-31T09:00:00.000+01:00\"", "\"2026-01-31\"" })
        {
            Holds("=", spelling).ShouldBeTrue(spelling);
            Holds("=", spelling, isNew: false).ShouldBeTrue(spelling);
            Holds("!=", spelling).ShouldBeFalse(spelling);
        }

        Holds(">", "\"2026-01-31T07:59:59Z\"").ShouldBeTrue();
        Holds("between", """["2020-01-01", "2020-12-31"]""", "attributes.joined").ShouldBeTrue();
        Holds("beginsWith", "\"3\"", "attributes.size").ShouldBeTrue();
        foreach (var (field, op, value) in new[] { ("size", ">", "30"), ("size", "=", "38"), ("joined", "contains", "\"2020\""), ("seen", "=", "5"), ("joined", "=", "\"2020-02-29T00:00:00Z\"") })
        {
            Should.Throw<Platform.Errors.ProblemException>(() => Holds(op, value, "attributes." + field), field);
            Should.NotThrow(() => Holds(op, value, "attributes." + field, isNew: false), "a stored rule is read all the same");
        }

        var fields = FieldView.AllOf(catalogue).ToDictionary(f => f.Name);
        (fields["attributes.seen"].Type, fields["attributes.joined"].Type, fields["attributes.size"].Type, fields["attributes.<key>"].Type)
            .ShouldBe((FieldType.Time, FieldType.Date, FieldType.Text, FieldType.Any));
    }
}
