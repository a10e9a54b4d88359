using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace XenoCrm.Scenarios.Contract;

/// <summary>Does everything that changes something once, and looks each time at what the audit log says of it.</summary>
[Collection(ContractSystem.Collection)]
public class AuditWalkTests(ContractSystem system)
{
    /// <summary>Has no caller to name: what a vendor or a recipient says is kept with the message, the customer and the suppression that it concerns.</summary>
    private static readonly string[] s_nobodys = ["TakeReceipts", "TakeSendGridEvents", "TakeTwilioStatus", "Unsubscribe"];

    /// <summary>Public, and noted by themselves: sign-ins, failed ones, reuse and logout are in the tests of the audit log. A refresh is part of its session.</summary>
    private static readonly string[] s_signIns = ["Login", "LoginWithGoogle", "Refresh", "Logout"];

    /// <summary>Change nothing, although they are posts.</summary>
    private static readonly string[] s_reading = ["PreviewSegment", "RenderTemplate", "CheckCampaign", "PreviewImport", "FindSendTime"];

    private readonly HashSet<string> _walked = [];
    private readonly List<string> _wrong = [];
    private readonly DateTimeOffset _start = TimeProvider.System.GetUtcNow().AddSeconds(-1);

    private enum Outcome
    {
        Done,
        Refused,
    }

    [Fact]
    public async Task Every_change_says_who_did_what_to_which_resource_and_the_names_of_its_fields()
    {
        var tag = Guid.NewGuid().ToString("N")[..8];
        await AccountsAsync(tag);
        var (customer, other) = await CustomersAsync(tag);
        await OrdersAsync(tag, customer, other);
        var segment = await SegmentsAsync(tag);
        await ImportsAsync(tag);
        await CampaignsAsync(tag, segment);
        await DeliveryAsync(tag);
        await WebhooksAsync(tag);
        await DoAsync("DeleteSegment", $"segments/{segment}", after: "deleted");
        await DoAsync("EraseAddress", "erasures", new { email = $"gone.{tag}@example.com" }, after: "state keys");
        await DoAsync("EraseCustomer", $"customers/{customer}/erase", before: "email firstName", after: "state");

        _wrong.ShouldBeEmpty(string.Join('\n', _wrong));
        var changing = system.Document.Operations.Where(o => o.Method != "GET").Select(o => o.Id).ToList();
        changing.Count.ShouldBeGreaterThan(70);
        changing.Except(_walked).Except(s_nobodys).Except(s_signIns).Except(s_reading).ShouldBeEmpty("do these in the walk too");
    }

    [Fact]
    public async Task Every_file_of_personal_data_that_is_handed_out_is_in_it()
    {
        var tag = Guid.NewGuid().ToString("N")[..8];
        var customer = Id(await DoAsync("CreateCustomer", "customers", new { externalId = $"X-{tag}", city = $"Zz{tag}" }));
        var segment = Id(await DoAsync("CreateSegment", "segments", Segment(tag)));
        var campaign = Id(await DoAsync("CreateCampaign", "campaigns", Campaign(tag, segment)));
        await DoAsync("ImportCustomers", "data/import/customers", "externalId,email\n,not an address\n", outcome: null);
        var import = (await GetAsync("imports?limit=1"))["items"]![0]!["id"]!.GetValue<string>();
        foreach (var (action, path) in new[]
        {
            ("ExportCustomers", "customers/export"), ("ExportOrders", "orders/export"), ("ExportPersonalData", $"customers/{customer}/data"),
            ("ListSegmentMembers", $"segments/{segment}/members?format=csv"), ("ListCampaignMessages", $"campaigns/{campaign}/messages?format=csv"),
            ("GetImportErrors", $"imports/{import}/errors"), ("ListAudit", "audit?format=csv&limit=1"),
        })
        {
            await DoAsync(action, path, method: "GET");
        }

        // By the header as well; and a page on the screen is no file.
        using var request = new HttpRequestMessage(HttpMethod.Get, $"api/segments/{segment}/members");
        request.Headers.Accept.ParseAdd("text/csv");
        using var answer = await system.Http.SendAsync(request);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/csv");
        await system.Http.GetStringAsync($"api/segments/{segment}/members");
        (await EntriesAsync("ListSegmentMembers", $"segments/{segment}/members")).Count.ShouldBe(2);
        _wrong.ShouldBeEmpty(string.Join('\n', _wrong));
    }

    private async Task AccountsAsync(string tag)
    {
        var email = $"walk.{tag}@example.com";
        var user = Id(await DoAsync("CreateUser", "users", new { email, name = $"Walker{tag}", role = "viewer", password = "eleven grey lanterns at noon" }, after: "email name role passwordHash"));
        await DoAsync("PatchUser", $"users/{user}", new { name = $"Runner{tag}", role = "manager" }, before: "name role", after: "name role");
        var token = await system.LogInAsync(email, "eleven grey lanterns at noon");
        await DoAsync("ChangePassword", "auth/password", new { currentPassword = "eleven grey lanterns at noon", newPassword = "twelve pink lanterns at night" }, before: "passwordHash", after: "passwordHash", token: token, by: user);
        await DoAsync("DeleteUser", $"users/{user}", before: "email name role");
        var key = Id((await DoAsync("CreateApiKey", "api-keys", new { name = $"Key{tag}", scopes = new[] { "orders:write" } }, after: "name scopes secretHash"))!["details"]);
        await DoAsync("RevokeApiKey", $"api-keys/{key}", before: "name scopes");
    }

    private async Task<(string Customer, string Other)> CustomersAsync(string tag)
    {
        var id = Id(await DoAsync(
            "CreateCustomer", "customers", new { externalId = $"W-{tag}", firstName = $"Aa{tag}", email = $"one.{tag}@example.com", city = $"Zz{tag}", tags = new[] { $"t{tag}" } },
            after: "externalId firstName email city tags source"));
        await DoAsync("PatchCustomer", $"customers/{id}", new { lastName = $"Bb{tag}", city = (string?)null, consent = new { email = new { state = "granted" } } }, before: "city", after: "lastName consent", notAfter: "city");
        await DoAsync("ReplaceCustomer", $"customers/{id}", new { externalId = $"W-{tag}", firstName = $"Cc{tag}", email = $"two.{tag}@example.com", city = $"Zz{tag}", timeZone = "Etc/UTC" }, before: "firstName lastName tags", after: "firstName city timeZone", notAfter: "lastName");
        await DoAsync("RecordVisit", $"customers/{id}/visits", new { id = $"v-{tag}" }, before: "visits", after: "visits lastVisitAt");
        await DoAsync("ChangeCustomerTags", $"customers/{id}/tags", new { add = new[] { $"u{tag}" } }, after: "tags");
        await DoAsync("BulkUpsertCustomers", "customers/bulk", new { items = new object[] { new { externalId = $"W-{tag}", company = $"Dd{tag}" }, new { externalId = $"V-{tag}", firstName = $"Ee{tag}" } } }, after: "company firstName externalId");
        await DoAsync("DeclareCustomerAttribute", $"customers/attributes/k{tag}", new { type = "number", label = $"Ff{tag}" }, method: "PUT", after: "type label declared");
        await DoAsync("DeleteCustomerAttribute", $"customers/attributes/k{tag}", after: "change");
        var other = (await GetAsync($"customers?externalId=V-{tag}"))["items"]![0]!["id"]!.GetValue<string>();
        var third = Id(await DoAsync("CreateCustomer", "customers", new { externalId = $"U-{tag}", company = $"Gg{tag}" }));
        await DoAsync("DeleteCustomer", $"customers/{third}", before: "externalId company");
        return (id, other);
    }

    private async Task OrdersAsync(string tag, string customer, string other)
    {
        var order = Id(await DoAsync("CreateOrder", "orders", new { orderNumber = $"O-{tag}", customer = new { id = customer }, amount = 12.5m }, after: "orderNumber amount status"));
        await DoAsync("PatchOrder", $"orders/{order}", new { status = "paid", source = $"Hh{tag}" }, before: "status", after: "status source");
        await DoAsync("BulkUpsertOrders", "orders/bulk", new { items = new[] { new { orderNumber = $"O-{tag}", customer = new { id = customer }, amount = 14m }, new { orderNumber = $"P-{tag}", customer = new { id = customer }, amount = 1m } } }, before: "amount", after: "amount orderNumber");
        await DoAsync("DeleteOrder", $"orders/{order}", before: "amount status");
        await DoAsync("MergeCustomers", "customers/merge", new { into = customer, from = other }, after: "merged");
    }

    private async Task<string> SegmentsAsync(string tag)
    {
        var id = Id(await DoAsync("CreateSegment", "segments", Segment(tag), after: "name rule"));
        await DoAsync("ReplaceSegment", $"segments/{id}", new { name = $"Jj{tag}", description = $"Kk{tag}", rule = Rule(tag) }, before: "name", after: "name description", notAfter: "rule");
        await DoAsync("RebuildRfm", "segments/rfm/rebuild", after: "state");
        await DoAsync("SuggestSegment", "ai/segments", new { text = "customers in Berlin" });
        await DoAsync("WriteMessages", "ai/messages", new { segmentId = id, channel = "email", goal = "Tell them of the spring collection" });
        await DoAsync("DescribeSegment", $"ai/segments/{id}/insights", new { }, outcome: null);
        await DoAsync("FindLookalikes", $"ai/segments/{id}/lookalike", new { }, outcome: null);
        return id;
    }

    private async Task ImportsAsync(string tag)
    {
        await DoAsync("ImportCustomers", "data/import/customers", $"externalId,firstName\nI-{tag},Ll{tag}\n", after: "state externalId firstName");
        await DoAsync("ImportOrders", "data/import/orders", $"orderNumber,customer.externalId,amount\nQ-{tag},I-{tag},5\n", after: "orderNumber amount");
        var import = (await GetAsync("imports?limit=1"))["items"]![0]!["id"]!.GetValue<string>();
        await DoAsync("UndoImport", $"imports/{import}/undo", after: "undo");
        var started = (await DoAsync("StartImport", "imports", new { kind = "customers" }, after: "target settings state"))!["import"]!["id"]!.GetValue<string>();
        await DoAsync("CommitImport", $"imports/{started}/commit", outcome: Outcome.Refused);
        await DoAsync("CancelImport", $"imports/{started}/cancel", before: "state", after: "state");
        await DoAsync("ForgetImportMapping", $"imports/mappings/{Guid.NewGuid():N}", outcome: Outcome.Refused);
    }

    private async Task CampaignsAsync(string tag, string segment)
    {
        object content = new { subject = $"Mm{tag}", html = "<p>{{default firstName \"friend\"}} <a href=\"{{unsubscribeUrl}}\">Out</a></p>", from = "Shop <news@shop.example>" };
        var template = Id(await DoAsync("CreateTemplate", "templates", new { name = $"Nn{tag}", channel = "email", content }, after: "name content"));
        await DoAsync("UpdateTemplate", $"templates/{template}", new { name = $"Oo{tag}", channel = "email", content }, method: "PUT", before: "name", after: "name", notAfter: "content");
        var id = Id(await DoAsync("CreateCampaign", "campaigns", Campaign(tag, segment), after: "name segmentId variants"));
        await DoAsync("UpdateCampaign", $"campaigns/{id}", Campaign($"{tag}x", segment), method: "PUT", before: "name", after: "name");
        await DoAsync("TestCampaign", $"campaigns/{id}/test", new { to = new[] { $"me.{tag}@example.com" } });
        await DoAsync("ScheduleCampaign", $"campaigns/{id}/schedule", new { at = "2030-03-20T09:00:00Z" }, before: "state", after: "state");
        await DoAsync("UnscheduleCampaign", $"campaigns/{id}/schedule", before: "state", after: "state");
        await DoAsync("SubmitCampaign", $"campaigns/{id}/submit", before: "state", after: "state submission");
        await DoAsync("RejectCampaign", $"campaigns/{id}/reject", before: "state submission", after: "state");
        await DoAsync("SubmitCampaign", $"campaigns/{id}/submit", before: "state", after: "state");
        await DoAsync("ApproveCampaign", $"campaigns/{id}/approve", outcome: Outcome.Refused); // one's own
        await DoAsync("RejectCampaign", $"campaigns/{id}/reject", before: "state", after: "state");
        await DoAsync("LaunchCampaign", $"campaigns/{id}/launch", before: "state", after: "state");
        await DoAsync("PauseCampaign", $"campaigns/{id}/pause", before: "state", after: "state");
        await DoAsync("ResumeCampaign", $"campaigns/{id}/resume", before: "state", after: "state");
        await DoAsync("CancelCampaign", $"campaigns/{id}/cancel", before: "state", after: "state");
        await DoAsync("RetryFailedMessages", $"campaigns/{id}/retry-failed", outcome: Outcome.Refused);
        await DoAsync("SummarizeCampaign", $"ai/campaigns/{id}/summary", outcome: null);
        await DoAsync("TagCampaign", $"ai/campaigns/{id}/tags", outcome: null);
        var draft = Id(await DoAsync("CreateCampaign", "campaigns", Campaign($"{tag}y", segment)));
        await DoAsync("DeleteCampaign", $"campaigns/{draft}", before: "name segmentId");
        await DoAsync("DeleteTemplate", $"templates/{template}", before: "name content");
    }

    private async Task DeliveryAsync(string tag)
    {
        await DoAsync("AddSuppression", "suppressions", new { channel = "email", address = $"never.{tag}@example.com", reason = $"pp{tag}" }, after: "channel reason source");
        await DoAsync("RemoveSuppression", "suppressions", new { channel = "email", address = $"never.{tag}@example.com" }, method: "DELETE", before: "channel reason source");
        await DoAsync("StartReclassification", "delivery/reclassify", new { }, after: "state");
        await DoAsync("ReplayPoisonRun", $"delivery/poison/{Guid.NewGuid():N}/replay", outcome: Outcome.Refused);
    }

    private async Task WebhooksAsync(string tag)
    {
        var id = Id((await DoAsync("CreateWebhookSubscription", "webhook-subscriptions", new { name = $"Qq{tag}", url = "http://127.0.0.1:9/hooks", events = new[] { "campaign.completed" } }, after: "name url events secrets"))!["subscription"]);
        await DoAsync("PatchWebhookSubscription", $"webhook-subscriptions/{id}", new { name = $"Rr{tag}" }, before: "name", after: "name", notAfter: "url");
        await DoAsync("RotateWebhookSecret", $"webhook-subscriptions/{id}/rotate-secret", before: "secrets", after: "secrets");
        await DoAsync("TestWebhookSubscription", $"webhook-subscriptions/{id}/test");
        await DoAsync("ReplayWebhooks", $"webhook-subscriptions/{id}/replay?since=2026-01-01T00:00:00Z", outcome: null);
        await DoAsync("ReplayWebhookDelivery", $"webhook-subscriptions/{id}/deliveries/{Guid.NewGuid():N}/replay", outcome: Outcome.Refused);
        await DoAsync("DeleteWebhookSubscription", $"webhook-subscriptions/{id}", before: "name url secrets");
    }

    private static object Rule(string tag) => new { combinator = "and", rules = new[] { new { field = "city", @operator = "=", value = $"Zz{tag}" } } };

    private static object Segment(string tag) => new { name = $"Ss{tag}", rule = Rule(tag) };

    /// <summary>For hours in which nothing may be sent: so it can be paused and stopped whenever the walk comes to that.</summary>
    private static object Campaign(string tag, string segment) => new
    {
        name = $"Tt{tag}", channel = "email", segmentId = segment,
        content = new { subject = $"Uu{tag}", html = "<p>Hello <a href=\"{{unsubscribeUrl}}\">Out</a></p>", from = "Shop <news@shop.example>" },
        sending = new { quietHours = new { from = TimeProvider.System.GetUtcNow().AddHours(-2).ToString("HH:mm"), to = TimeProvider.System.GetUtcNow().AddHours(12).ToString("HH:mm") } },
    };

    private static string Id(JsonNode? answer) => answer!["id"]!.GetValue<string>();

    private async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await system.Http.GetStringAsync("api/" + path))!;

    /// <param name="before">Names that the entry must have there.</param>
    /// <param name="outcome">Null: whichever it is.</param>
    private async Task<JsonNode?> DoAsync(
        string action, string path, object? body = null, Outcome? outcome = Outcome.Done, string before = "", string after = "", string? notAfter = null, string? method = null, string? token = null, string? by = null)
    {
        _walked.Add(action);
        var operation = system.Document.Operations.Single(o => o.Id == action);
        (method ?? operation.Method).ShouldBe(operation.Method, action);
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), "api/" + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token ?? system.Token);
        if (operation.NeedsIfMatch)
            request.Headers.TryAddWithoutValidation("If-Match", "*");
        var text = body as string ?? (body is null ? null : JsonSerializer.Serialize(body));
        if (text is not null)
            request.Content = new StringContent(text, Encoding.UTF8, body is string ? "text/csv" : "application/json");
        using var response = await system.Http.SendAsync(request);
        var answered = await response.Content.ReadAsStringAsync();
        var got = response.IsSuccessStatusCode ? Outcome.Done : Outcome.Refused;
        if (outcome is { } expected && got != expected)
            throw new ShouldAssertException($"{action} {path}: {(int)response.StatusCode} {answered}");

        var resource = got == Outcome.Done && response.Headers.Location is { } location ? location.OriginalString["/api/".Length..] : path.Split('?')[0];
        var answer = answered.StartsWith('{') ? JsonNode.Parse(answered) : null;
        var entries = await EntriesAsync(action, got == Outcome.Done ? resource : "");
        var entry = entries.FirstOrDefault();
        var me = by ?? (await GetAsync("auth/me"))["id"]!.GetValue<string>();
        if (entry is null || (outcome is not null && !string.Equals(entry["outcome"]!.GetValue<string>(), got.ToString(), StringComparison.OrdinalIgnoreCase)) || entry["actor"]!.GetValue<string>() != me)
        {
            _wrong.Add($"{action}: no entry of {got} for {resource} by {me}: {entry?.ToJsonString()}");
            return answer;
        }

        foreach (var (member, names) in new[] { ("before", before), ("after", after) })
        {
            var there = entry[member]?.AsArray().Select(n => n!.GetValue<string>()).ToList() ?? [];
            if (names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Except(there).ToList() is { Count: > 0 } missing)
                _wrong.Add($"{action}: {member} has {string.Join(' ', there)}, and not {string.Join(' ', missing)}");
            if (member == "after" && notAfter is not null && there.Contains(notAfter))
                _wrong.Add($"{action}: {notAfter} has not changed");
        }

        foreach (var value in Values(body is string ? null : body is null ? null : JsonNode.Parse(text!)).Where(v => !resource.Contains(v, StringComparison.Ordinal) && entry.ToJsonString().Contains(v, StringComparison.OrdinalIgnoreCase)))
            _wrong.Add($"{action}: the value '{value}' is in the log");
        return answer;
    }

    private static IEnumerable<string> Values(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(m => Values(m.Value)),
        JsonArray items => items.SelectMany(Values),
        JsonValue value when value.TryGetValue<string>(out var text) && text.Length >= 8 => [text],
        _ => [],
    };

    private async Task<List<JsonNode>> EntriesAsync(string action, string resource) =>
        [.. (await GetAsync($"audit?limit=200&action={action}&resource={Uri.EscapeDataString(resource)}&from={Uri.EscapeDataString(_start.ToString("yyyy-MM-ddTHH:mm:ssZ"))}"))["items"]!.AsArray()
            .Select(e => e!).Where(e => resource.Length == 0 || e["resource"]!.GetValue<string>() == resource)];
}
