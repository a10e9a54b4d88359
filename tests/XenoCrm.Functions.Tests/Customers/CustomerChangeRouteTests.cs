using System.Text.Json;

namespace XenoCrm.Customers;

/// <summary>Changes of one customer and of many: merge patch, tags, visits, bulk; and what is said about mistakes.</summary>
public sealed class CustomerChangeRouteTests : IAsyncLifetime
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
    public async Task A_merge_patch_is_one()
    {
        var id = await api.AddAsync("""{ "externalId": "A", "email": "a@x.org", "city": "Bern", "tags": ["a"], "attributes": { "x": 1, "y": "z" }, "consent": { "email": { "state": "granted" }, "sms": { "state": "granted" } } }""");
        var patched = (await api.PatchAsync(id, """{ "City": null, "tags": null, "attributes": { "x": null, "n": { } }, "consent": { "sms": { "state": "withdrawn", "source": "phone call" } } }"""));
        patched.ShouldBeProblem(400, "request.invalid", "/attributes/n");
        patched = (await api.PatchAsync(id, """{ "City": null, "tags": null, "attributes": { "x": null, "n": 2 }, "consent": { "sms": { "state": "withdrawn", "source": "phone call" } } }""")).ShouldBe(200);
        patched.Body.TryGetProperty("city", out _).ShouldBeFalse();
        patched["tags"].GetArrayLength().ShouldBe(0);
        patched["attributes"].GetRawText().ShouldBe("""{"y":"z","n":2}""");
        patched["consent"].GetProperty("sms").GetProperty("source").GetString().ShouldBe("phone call");
        patched["consent"].GetProperty("email").GetProperty("state").GetString().ShouldBe("granted");

        var etag = patched.Headers.ETag.ToString();
        (await api.PatchAsync(id, "{}", etag)).ShouldBe(200).Headers.ETag.ToString().ShouldBe(etag, "nothing has changed");
        (await api.PatchAsync(id, """{ "attributes": null }""", etag)).ShouldBe(200)["attributes"].EnumerateObject().ShouldBeEmpty();
        (await api.PatchAsync(id, """{ "city": "Chur" }""", etag)).ShouldBeProblem(412, "request.etag_stale");
        (await api.PutAsync(id, """{ "externalId": "A" }""", etag)).ShouldBeProblem(412, "request.etag_stale");
        (await api.PatchAsync(id, """{ "consent": null }""")).ShouldBeProblem(400, "request.invalid", "/consent");
        (await api.PatchAsync(id, """{ "consent": { "email": null } }""")).ShouldBeProblem(400, "request.invalid", "/consent");
        (await api.PatchAsync(id, """{ "externalId": null, "email": null }""")).ShouldBeProblem(400, "request.invalid", "/externalId");
        // The same address in another case is the customer's own.
        (await api.PatchAsync(id, """{ "email": "A@X.ORG" }""")).ShouldBe(200);
        (await api.CreateAsync("""{ "email": "a@X.org" }""")).ShouldBeProblem(409, "customer.exists");
        (await api.PatchAsync("0123", "{}")).ShouldBeProblem(404, "customer.not_found");
    }

    [Fact]
    public async Task Mistakes_are_named_in_words()
    {
        async Task SaysAsync(string body, string pointer, string words)
        {
            var answer = await api.CreateAsync(body);
            answer.ShouldBeProblem(400, "request.invalid", pointer);
            answer["errors"].GetProperty(pointer)[0].GetString()!.ShouldContain(words);
        }

        await SaysAsync("""{ "emial": "a@x.org" }""", "/emial", "Is 'email' meant?");
        await SaysAsync("""{ "externalId": "A", "zzzzzz": 1 }""", "/zzzzzz", "there are externalId, firstName");
        await SaysAsync("""{ "externalId": 5 }""", "/externalId", "A text is expected");
        await SaysAsync("""{ "externalId": "A", "birthday": "29/02/2023" }""", "/birthday", "1990-04-01");
        await SaysAsync("""{ "externalId": "A", "birthday": "2999-01-01" }""", "/birthday", "in the past");
        await SaysAsync("""{ "externalId": "A", "tags": "vip" }""", "/tags", "A list is expected");
        await SaysAsync("""{ "externalId": "A", "tags": ["a;b"] }""", "/tags", "separate tags");
        await SaysAsync("""{ "externalId": "A", "attributes": [] }""", "/attributes", "An object is expected");
        await SaysAsync("""{ "externalId": "A", "consent": { "email": { "state": "maybe" } } }""", "/consent/email/state", "granted, withdrawn");
        await SaysAsync("""{ "externalId": "A", "consent": { "email": { "stat": "granted" } } }""", "/consent/email/stat", "'state'");
        await SaysAsync("""{ "externalId": "A", "consent": { "email": { "state": "granted", "at": "2999-01-01" } } }""", "/consent/email/at", "future");
        await SaysAsync("""{ "externalId": "A", "email": "a@x.org", "email": "b@x.org" }""", "/email", "twice");
        (await api.CreateAsync("""{ "externalId": "A" """)).ShouldBeProblem(400, "request.json_malformed");
        (await api.CreateAsync("""{ "externalId": "A\ud800" }""")).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Every_item_of_a_bulk_stands_for_itself()
    {
        await api.AddAsync("""{ "externalId": "X", "email": "x@x.org" }""");
        string[] items =
        [
            """{ "externalId": "A" }""",
            "5", "null", "[]", "\"text\"",
            """{ "externalId": 5 }""",
            """{ "extrenalId": "B" }""",
            """{ "externalId": "B", "externalId": "B" }""",
            """{ "externalId": "B", "birthday": "31.1.1990" }""",
            """{ "externalId": "B", "email": "nope", "language": "german!" }""",
            """{ "externalId": "B", "email": "x@X.org" }""",
            """{ "firstName": "Nobody" }""",
            """{ "externalId": "B\ud800" }""",
            """{ "externalId": "B", "attributes": { "k": "\ud800" } }""",
            """{ "externalId": "A", "city": "Bern" }""",
            """{ "externalId": "Z" }""",
        ];
        var answer = (await api.BulkAsync($"{{ \"items\": [ {string.Join(", ", items)} ] }}")).ShouldBe(207);
        answer["items"].EnumerateArray().Select(i => i.GetProperty("index").GetInt32()).ShouldBe(Enumerable.Range(0, items.Length));
        answer["items"].EnumerateArray().Select(i => i.GetProperty("outcome").GetString()).ShouldBe(
            ["created", .. Enumerable.Repeat("failed", 13), "updated", "created"]);
        answer["items"].EnumerateArray().Where(i => i.GetProperty("outcome").GetString() == "failed").ShouldAllBe(i => i.GetProperty("code").GetString()!.Contains('.') && i.GetProperty("message").GetString()!.Length > 10);
        string[] Pointers(int item) => answer["items"][item].TryGetProperty("errors", out var errors) ? [.. errors.EnumerateObject().Select(e => e.Name)] : [];
        Pointers(5).ShouldBe(["/externalId"]);
        Pointers(6).ShouldBe(["/extrenalId"]);
        Pointers(8).ShouldBe(["/birthday"]);
        Pointers(9).ShouldBe(["/email", "/language"]);
        answer["items"][10].GetProperty("code").GetString().ShouldBe("customer.identity_conflict");
        (await crm.CheckedCustomersAsync()).Select(c => c.ExternalId).Order().ShouldBe(["A", "X", "Z"]);

        (await api.BulkAsync($"{{ \"items\": [ {string.Join(", ", Enumerable.Repeat("{}", 1001))} ] }}")).ShouldBeProblem(400, "request.invalid", "/items");
        (await api.BulkAsync("""{ "items": [] }""")).ShouldBeProblem(400, "request.invalid", "/items");
        (await api.BulkAsync("""{ "itmes": [] }""")).ShouldBeProblem(400, "request.invalid", "/itmes");
        var many = (await api.BulkAsync($"{{ \"items\": [ {string.Join(", ", Enumerable.Range(0, 1000).Select(i => $"{{ \"externalId\": \"M{i}\", \"attributes\": {{ \"n\": {i} }} }}"))} ] }}")).ShouldBe(200);
        many["created"].GetInt32().ShouldBe(1000);
    }

    [Fact]
    public async Task Tags_are_given_and_taken_by_many_at_once()
    {
        var id = await api.AddAsync("""{ "externalId": "A", "tags": [" VIP ", "vip", "b"] }""");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => api.TagsAsync(id, $$"""{ "add": ["t{{i}}"], "remove": ["b"] }""")));
        var tags = (await api.GetAsync(id))["tags"].EnumerateArray().Select(t => t.GetString()).ToList();
        tags[0].ShouldBe("VIP");
        tags.Order().ShouldBe(Enumerable.Range(0, 20).Select(i => $"t{i}").Append("VIP").Order());
        (await api.TagsAsync(id, """{ "add": ["Vip"], "remove": ["vip"] }"""))["tags"].EnumerateArray().Last().GetString().ShouldBe("Vip");
        (await api.TagsAsync(id, $$"""{ "add": [{{string.Join(",", Enumerable.Range(0, 90).Select(i => $"\"n{i}\""))}}] }""")).ShouldBeProblem(400, "request.invalid", "/add");
        (await api.TagsAsync(id, """{ "add": ["a|b"] }""")).ShouldBeProblem(400, "request.invalid", "/add");
        (await api.TagsAsync("nobody", """{ "add": ["a"] }""")).ShouldBeProblem(404, "customer.not_found");
    }

    [Fact]
    public async Task A_visit_with_an_id_is_counted_once()
    {
        var id = await api.AddAsync("""{ "externalId": "A" }""");
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => api.VisitAsync(id, $$"""{ "at": "2026-01-{{(i % 10) + 1:00}}", "id": "v{{i % 10}}" }""")));
        (await api.GetAsync(id))["visits"].GetInt32().ShouldBe(10);
        (await api.VisitAsync(id, "{}"))["visits"].GetInt32().ShouldBe(11);
        (await api.VisitAsync(id, """{ "id": "" }""")).ShouldBeProblem(400, "request.invalid", "/id");
    }

    [Fact]
    public async Task A_list_takes_a_withdrawal_back_only_with_a_time_of_its_own()
    {
        await api.AddAsync("""{ "externalId": "A", "consent": { "email": { "state": "withdrawn", "at": "2026-01-02T00:00:00Z" } } }""");
        async Task<JsonElement> BulkAsync(string consent) =>
            (await api.BulkAsync($$"""{ "items": [ { "externalId": "A", "consent": { "email": {{consent}} } } ] }""")).ShouldBe(200)["items"][0];

        var kept = await BulkAsync("""{ "state": "granted" }""");
        (kept.GetProperty("outcome").GetString(), kept.GetProperty("warnings").EnumerateObject().Single().Name).ShouldBe(("unchanged", "/consent/email"));
        (await crm.CheckedCustomersAsync()).Single().Consent["email"].State.ShouldBe(ConsentState.Withdrawn);

        var given = await BulkAsync("""{ "state": "granted", "at": "2026-01-03T00:00:00Z" }""");
        (given.GetProperty("outcome").GetString(), given.TryGetProperty("warnings", out _)).ShouldBe(("updated", false));
        (await crm.CheckedCustomersAsync()).Single().Consent["email"].State.ShouldBe(ConsentState.Granted);
    }

    [Fact]
    public async Task Limits_hold_for_what_adds_up_and_leave_a_customer_beyond_them_changeable()
    {
        static string Many(string prefix, int count) => string.Join(", ", Enumerable.Range(0, count).Select(i => $"\"{prefix}{i}\": {i}"));
        static string Tags(string prefix, int count) => string.Join(", ", Enumerable.Range(0, count).Select(i => $"\"{prefix}{i}\""));
        var id = await api.AddAsync($"{{ \"externalId\": \"A\", \"tags\": [{Tags("a", 70)}], \"attributes\": {{ {Many("a", 70)} }} }}");
        var other = await api.AddAsync($"{{ \"externalId\": \"B\", \"tags\": [{Tags("b", 70)}], \"attributes\": {{ {Many("b", 70)} }} }}");

        var row = (await api.BulkAsync($"{{ \"items\": [ {{ \"externalId\": \"A\", \"attributes\": {{ {Many("b", 31)} }} }}, {{ \"externalId\": \"B\", \"attributes\": {{ {Many("a", 30)} }} }} ] }}")).ShouldBe(207)["items"];
        row[0].GetProperty("code").GetString().ShouldBe("customer.too_many_attributes");
        row[1].GetProperty("outcome").GetString().ShouldBe("updated");

        // Nothing of two people who are one is lost.
        await crm.Get<XenoCrm.Orders.MergeCustomers>().HandleAsync(new(id, other), TestContext.Current.CancellationToken);
        (await crm.CheckedCustomersAsync()).Single().ShouldSatisfyAllConditions(c => c.Tags.Count.ShouldBe(140), c => c.Attributes.Count.ShouldBe(140));
        (await api.PatchAsync(id, """{ "city": "Bern", "attributes": { "a0": null, "a1": 5 } }""")).ShouldBe(200);
        (await api.TagsAsync(id, """{ "remove": ["a0"] }""")).ShouldBe(200);
        (await api.PatchAsync(id, """{ "attributes": { "c1": 1, "c2": 2 } }""")).ShouldBeProblem(400, "request.invalid", "/attributes");
        (await api.TagsAsync(id, """{ "add": ["c1", "c2"] }""")).ShouldBeProblem(400, "request.invalid", "/add");
        (await api.BulkAsync("""{ "items": [ { "externalId": "A", "city": "Chur", "attributes": { "a1": 6 } } ] }""")).ShouldBe(200);
    }
}
