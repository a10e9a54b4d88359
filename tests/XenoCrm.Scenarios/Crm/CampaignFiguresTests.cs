using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>What is known of a campaign while it is sent and afterwards, as somebody sees it who looks from outside.</summary>
public class CampaignFiguresTests
{
    [Fact]
    public async Task A_campaign_is_followed_to_its_end_and_accounted_for()
    {
        using var folder = new TemporaryFolder();
        await using var system = await AppHostProcess.StartAsync(folder.Path, AppHostProcess.FreePortBase());
        using var api = await system.LogInAsync();
        using var http = await SignedInAsync(system);
        var csv = new StringBuilder("Customer ID,First name,Email,City\n");
        for (var n = 0; n < 600; n++)
            csv.Append($"F-{n},=Name{n},f{n}@figures.example,Figureville\n");
        using var upload = await http.PostAsync("api/data/import/customers", new StringContent(csv.ToString(), Encoding.UTF8, "text/csv"));
        upload.IsSuccessStatusCode.ShouldBeTrue(await upload.Content.ReadAsStringAsync());
        var segment = await api.PostAsync("api/segments", new { name = "Figures", rule = new { combinator = "and", rules = new[] { new { field = "city", @operator = "=", value = "Figureville" } } } }, default);
        var segmentId = segment.GetProperty("id").GetString()!;
        await api.SegmentReadyAsync(segmentId);
        object Content(string subject) => new { subject, text = "Hello {{firstName}} {{unsubscribeUrl}}" };
        var campaign = await api.PostAsync("api/campaigns", new
        {
            name = "Figures", channel = "email", segmentId, holdout = 0.2,
            variants = new[] { new { name = "Plain", weight = 1, content = Content("Hello") }, new { name = "Loud", weight = 1, content = Content("HELLO!") } },
        }, default);
        var id = campaign.GetProperty("id").GetString()!;

        // Events arrive one by one, from before the launch on: the first is here while nothing has been sent.
        using var stream = await http.GetAsync($"api/campaigns/{id}/events", HttpCompletionOption.ResponseHeadersRead);
        stream.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync());
        var (name, first) = await NextEventAsync(reader);
        (name, first.GetProperty("state").GetString(), first.GetProperty("messages").GetProperty("audience").GetInt32()).ShouldBe(("progress", "draft", 0));
        using (var leaver = await http.GetAsync($"api/campaigns/{id}/events", HttpCompletionOption.ResponseHeadersRead))
            leaver.EnsureSuccessStatusCode();
        await api.PostAsync($"api/campaigns/{id}/launch", null, default);
        var last = first;
        while (name != "end")
            (name, last) = await NextEventAsync(reader);
        (await reader.ReadToEndAsync()).Trim().ShouldBeEmpty();
        (last.GetProperty("state").GetString(), last.GetProperty("planned").GetBoolean(), last.GetProperty("messages").GetProperty("queued").GetInt32()).ShouldBe(("completed", true, 0));

        // Until the vendor's last receipt is in and the customers know of it.
        var stats = await api.UntilAsync($"api/campaigns/{id}/stats?by=variant", s => s.GetProperty("pending").GetInt32() == 0);
        var heldOut = stats.GetProperty("heldOut").GetInt32();
        heldOut.ShouldBeInRange(70, 180);
        var rows = stats.GetProperty("breakdown").GetProperty("rows").EnumerateArray().ToList();
        rows.Select(r => r.GetProperty("key").GetString()).ShouldBe(["Loud", "Plain"]);
        rows.Sum(r => r.GetProperty("messages").GetProperty("sent").GetInt32()).ShouldBe(stats.GetProperty("sent").GetInt32());
        stats.GetProperty("cost").GetProperty("messages").GetDecimal().ShouldBe(stats.GetProperty("sent").GetInt32() * 0.0004m);
        stats.GetProperty("cost").GetProperty("requestUnits").GetDouble().ShouldBeGreaterThan(100);

        // Messages: a list, a file, one of them.
        var delivered = await api.ListAsync($"api/campaigns/{id}/messages?status=delivered&variant=loud", default);
        delivered.Count.ShouldBe(rows[0].GetProperty("messages").GetProperty("delivered").GetInt32());
        var message = delivered[0].GetProperty("messageId").GetString()!;
        (await api.GetAsync($"api/campaigns/{id}/messages/{message}", default)).GetProperty("message").GetProperty("variant").GetString().ShouldBe("Loud");
        var file = await http.GetStringAsync($"api/campaigns/{id}/messages?format=csv");
        var lines = file.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(601);
        lines.Skip(1).ShouldAllBe(l => l.Contains("'=Name", StringComparison.Ordinal));

        // An order of somebody who got it is the campaign's, until it is cancelled.
        var customer = delivered[0].GetProperty("customerId").GetString()!;
        await api.UntilAsync($"api/customers/{customer}/overview", o => o.GetProperty("messages").EnumerateArray().Any(m => m.GetProperty("status").GetString() == "delivered"));
        var order = await api.PostAsync("api/orders", new { orderNumber = "FIG-1", customer = new { id = customer }, amount = 42.5m }, default);
        var credit = order.GetProperty("credit");
        (credit.GetProperty("messageId").GetString(), credit.GetProperty("basis").GetString(), credit.GetProperty("variant").GetString()).ShouldBe((message, "delivery", "Loud"));
        stats = await api.GetAsync($"api/campaigns/{id}/stats", default);
        stats.GetProperty("conversions").GetProperty("revenue")[0].GetProperty("total").GetDecimal().ShouldBe(42.5m);
        var comparison = stats.GetProperty("holdout");
        (comparison.GetProperty("sent").GetProperty("converted").GetProperty("count").GetInt32(), comparison.GetProperty("heldOut").GetProperty("members").GetInt32(), comparison.GetProperty("outcome").GetString())
            .ShouldBe((1, heldOut, "undecided"));
        using var patch = new HttpRequestMessage(HttpMethod.Patch, $"api/orders/{order.GetProperty("id").GetString()}") { Content = new StringContent("""{ "status": "cancelled" }""", Encoding.UTF8, "application/merge-patch+json") };
        (await http.SendAsync(patch)).IsSuccessStatusCode.ShouldBeTrue();
        (await api.GetAsync($"api/campaigns/{id}/stats", default)).GetProperty("conversions").GetProperty("orders").GetInt32().ShouldBe(0);

        var vendors = (await api.GetAsync("api/delivery/stats?by=vendor", default)).GetProperty("rows").EnumerateArray().ToList();
        vendors.ShouldHaveSingleItem().GetProperty("key").GetString().ShouldBe("generic");
        (await api.GetAsync($"api/delivery/engagement?segmentId={segmentId}", default)).GetProperty("customers").GetInt32().ShouldBeGreaterThanOrEqualTo(0);
        var job = await api.PostAsync("api/delivery/reclassify", new { campaignId = id }, default);
        await api.UntilAsync($"api/delivery/reclassify/{job.GetProperty("id").GetString()}", j => j.GetProperty("state").GetString() == "done");
    }

    private static async Task<HttpClient> SignedInAsync(AppHostProcess system)
    {
        var settings = LocalSettings.Load();
        var http = new HttpClient { BaseAddress = system.Api, Timeout = TimeSpan.FromMinutes(5) };
        using var login = await http.PostAsync("api/auth/login", BadInputSystem.Json(new { email = settings["Auth__Admin__Email"], password = settings["Auth__Admin__Password"] }));
        var token = JsonDocument.Parse(await login.Content.ReadAsStringAsync()).RootElement.GetProperty("accessToken").GetString();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    private static async Task<(string Name, JsonElement Data)> NextEventAsync(StreamReader reader)
    {
        var (name, data) = ("", default(JsonElement));
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                name = line["event: ".Length..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                data = JsonElement.Parse(line["data: ".Length..]);
            else if (line.Length == 0 && name.Length > 0)
                return (name, data);
        }
        throw new EndOfStreamException("The events ended without an end.");
    }
}
