using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>A campaign that tries out two contents, as somebody runs it over the API: variants, winner, holdout and caps together.</summary>
public class VariantTests
{
    private const int Reached = 100, Fresh = 600;

    [Fact]
    public async Task Two_variants_are_tried_out_and_the_rest_gets_the_better_one()
    {
        using var folder = new TemporaryFolder();
        await using var system = await AppHostProcess.StartAsync(
            folder.Path, AppHostProcess.FreePortBase(), new Dictionary<string, string> { ["Delivery__Caps__0__Messages"] = "1", ["Delivery__Caps__0__Days"] = "7" });
        using var api = await system.LogInAsync();
        await api.PostAsync("api/customers/bulk", new { items = People("Reachedville", Reached).Concat(People("Freshville", Fresh)) }, default);

        // Some have had their message of this week.
        var earlier = await CampaignAsync(api, new { name = "Earlier", channel = "email", segmentId = await SegmentAsync(api, "Reachedville"), content = Content("Hello") });
        await api.PostAsync($"api/campaigns/{earlier}/launch", null, default);
        var before = await api.UntilAsync($"api/campaigns/{earlier}/stats", IsOver);

        var id = await CampaignAsync(api, new
        {
            name = "Trial", channel = "email", segmentId = await SegmentAsync(api, "Reachedville", "Freshville"), holdout = 0.2,
            variants = new[] { new { name = "Plain", weight = 1, content = Content("Our offer") }, new { name = "Loud", weight = 1, content = Content("OUR OFFER!") } },
            winner = new { metric = "open", testShare = 0.5, after = "PT20S", minCount = 30, deadline = "PT3M" },
        });
        var check = await api.PostAsync($"api/campaigns/{id}/check", null, default);
        Count(check.GetProperty("skipped"), "capped").ShouldBe(Count(before, "sent"), check.ToString());
        (Count(check, "sendable") + Count(check, "heldOut") + Count(before, "sent")).ShouldBe(Reached + Fresh, check.ToString());
        check.GetProperty("variants").EnumerateArray().Sum(v => Count(v, "customers")).ShouldBe(Count(check, "sendable"));
        await api.PostAsync($"api/campaigns/{id}/launch", null, default);

        // The test is out and has arrived; the others wait, and the progress says so.
        var stats = await api.UntilAsync($"api/campaigns/{id}/stats", s => s.GetProperty("planned").GetBoolean() && Count(s, "pending") > 0 && Count(s, "pending") == Count(s, "waiting"));
        var tested = Count(stats, "sent");
        Count(stats, "waiting").ShouldBeGreaterThan(Fresh / 5);
        var plain = await MessagesAsync(api, id, "variant=Plain");
        var loud = await MessagesAsync(api, id, "variant=Loud");
        (plain.Count + loud.Count).ShouldBe(tested);
        (await api.GetAsync($"api/campaigns/{id}", default)).GetProperty("state").GetString().ShouldBe("sending");

        // People open the loud one.
        await OpenAsync(system, loud.Where(m => m.GetProperty("status").GetString() == "delivered"));
        stats = await api.UntilAsync($"api/campaigns/{id}/stats?by=variant", IsOver);
        var campaign = await api.GetAsync($"api/campaigns/{id}", default);
        var result = campaign.GetProperty("winnerResult");
        (result.GetProperty("state").GetString(), result.GetProperty("variant").GetString()).ShouldBe(("decided", "Loud"), campaign.ToString());
        (await MessagesAsync(api, id, "variant=Plain")).Count.ShouldBe(plain.Count, "Of the rest nobody gets the other one.");
        var rows = stats.GetProperty("breakdown").GetProperty("rows").EnumerateArray().ToDictionary(r => r.GetProperty("key").GetString()!, r => Count(r.GetProperty("messages"), "sent"));
        (rows["Plain"], rows["Loud"]).ShouldBe((plain.Count, Count(stats, "sent") - plain.Count));

        // The ledger: who had a message this week is capped, and the holdout is a fifth of the others.
        Count(stats, "audience").ShouldBe(Reached + Fresh);
        var reasons = stats.GetProperty("reasons");
        Count(reasons, "capped").ShouldBe(Count(before, "sent"));
        Count(reasons, "holdout").ShouldBe(Count(stats, "heldOut"));
        Count(stats, "heldOut").ShouldBeInRange(Fresh / 10, Fresh * 3 / 10);
        Count(stats, "skipped").ShouldBe(Count(reasons, "capped") + Count(reasons, "holdout"));
        (Count(stats, "delivered") + Count(stats, "failed") + Count(stats, "skipped")).ShouldBe(Reached + Fresh);

        // Nobody has two messages, of whichever campaign, and the vendor has carried as many as were sent.
        var all = (await MessagesAsync(api, earlier, "")).Concat(await MessagesAsync(api, id, "")).Where(m => m.GetProperty("status").GetString() is "delivered" or "failed").ToList();
        all.Select(m => m.GetProperty("customerId").GetString()).ShouldBeUnique();
        using var vendor = new Vendor.VendorClient(system.Vendor);
        var audit = await vendor.AuditAsync();
        (audit.Distinct, audit.Repeated).ShouldBe((all.Count, 0));
    }

    private static object Content(string subject) => new { subject, text = "Hello {{firstName}} {{unsubscribeUrl}}" };

    private static IEnumerable<object> People(string town, int count) =>
        Enumerable.Range(0, count).Select(n => new { externalId = $"{town}-{n}", firstName = $"Name{n}", email = $"{n}@{town}.example", city = town });

    private static async Task<string> SegmentAsync(ApiClient api, params string[] towns)
    {
        var rule = new { combinator = "and", rules = new[] { new { field = "city", @operator = "in", value = towns } } };
        var id = (await api.PostAsync("api/segments", new { name = string.Join(", ", towns), rule }, default)).GetProperty("id").GetString()!;
        await api.SegmentReadyAsync(id);
        return id;
    }

    private static async Task<string> CampaignAsync(ApiClient api, object campaign) => (await api.PostAsync("api/campaigns", campaign, default)).GetProperty("id").GetString()!;

    private static Task<List<JsonElement>> MessagesAsync(ApiClient api, string campaign, string filter) => api.ListAsync($"api/campaigns/{campaign}/messages?{filter}", default);

    /// <summary>As the vendor reports it, signed by the Standard Webhooks scheme.</summary>
    private static async Task OpenAsync(AppHostProcess system, IEnumerable<JsonElement> messages)
    {
        var now = TimeProvider.System.GetUtcNow();
        var body = JsonSerializer.Serialize(messages.Select(m => new { messageId = m.GetProperty("messageId").GetString(), status = "opened", at = now }));
        var (id, at) = ($"msg_{Guid.NewGuid():N}", now.ToUnixTimeSeconds());
        var key = Convert.FromBase64String(LocalSettings.Load()["Vendors__Generic__ReceiptSecrets__0"]["whsec_".Length..]);
        using var http = new HttpClient { BaseAddress = system.Api };
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/webhooks/receipts") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", $"{at}");
        request.Headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{id}.{at}.{body}")))}");
        using var answer = await http.SendAsync(request);
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
    }

    private static bool IsOver(JsonElement stats) => stats.GetProperty("state").GetString() == "completed" && Count(stats, "pending") == 0;

    private static int Count(JsonElement counts, string name) => counts.GetProperty(name).GetInt32();
}
