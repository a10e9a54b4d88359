using System.Text.Json;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;

namespace XenoCrm.Benchmarks;

/// <summary>Customers in a running system, and campaigns to parts of them.</summary>
internal static class CampaignRuns
{
    /// <summary>Customers of <see cref="ImportFiles"/>: each of the tags t0 to t19 is on a twentieth of them.</summary>
    public static async Task ImportCustomersAsync(this CrmSystem crm, int count)
    {
        using var stage = Report.Begin($"importing {count:N0} customers");
        new ImportFiles(count).WriteCustomers(crm["customers.csv"]);
        await crm.DropAsync("customers/campaigns.csv", crm["customers.csv"]);
        while (true)
        {
            var import = (await crm.Api.GetAsync("api/imports", CancellationToken.None)).GetProperty("items").EnumerateArray().FirstOrDefault();
            if (import.ValueKind == JsonValueKind.Object && import.GetProperty("state").GetString() is "completed" or "failed")
            {
                if (import.GetProperty("created").GetInt32() != count)
                    throw new LocalException($"The import did not end well: {import}");
                return;
            }

            await Task.Delay(200);
        }
    }

    /// <summary>A campaign by email to the customers who have one of the first <paramref name="tags"/> tags. Several are made at once: a segment is built some seconds after it was asked for.</summary>
    /// <returns>Its id, from before its launch.</returns>
    public static async Task<string> CreateCampaignAsync(this ApiClient api, int tags)
    {
        var rule = new { combinator = "or", rules = Enumerable.Range(0, tags).Select(t => new { field = "tags", @operator = "contains", value = $"t{t}" }) };
        var segment = (await api.PostAsync("api/segments", new { name = $"The first {tags} tags", rule }, CancellationToken.None)).GetProperty("id").GetString();
        using var stage = Report.Begin($"building the segment of {tags} tags");
        while ((await api.GetAsync($"api/segments/{segment}", CancellationToken.None)).GetProperty("state").GetString() != "ready")
            await Task.Delay(100);
        var campaign = await api.PostAsync("api/campaigns", new
        {
            name = $"To the first {tags} tags", channel = "email", segmentId = segment,
            content = new
            {
                subject = "Thank you, {{firstName}}",
                text = "Dear {{firstName}} {{lastName}}, thank you for shopping with us. No more of these: {{unsubscribeUrl}}",
                html = "<p>Dear {{firstName}} {{lastName}},</p><p>thank you for shopping with us.</p><p><a href=\"{{unsubscribeUrl}}\">No more of these</a></p>",
            },
        }, CancellationToken.None);
        return campaign.GetProperty("id").GetString()!;
    }

    /// <summary>Launches it and waits for the last receipt.</summary>
    /// <returns>Seconds, and the statistics at the end.</returns>
    public static async Task<(double Seconds, JsonElement Stats)> RunCampaignAsync(this ApiClient api, string campaign, Action look)
    {
        using var stage = Report.Begin("the campaign");
        await api.PostAsync($"api/campaigns/{campaign}/launch", null, CancellationToken.None);
        while (true)
        {
            var stats = await api.GetAsync($"api/campaigns/{campaign}/stats", CancellationToken.None);
            if (stats.GetProperty("planned").GetBoolean() && stats.GetProperty("pending").GetInt32() == 0)
                return (stage.Elapsed.TotalSeconds, stats);
            look();
            await Task.Delay(100);
        }
    }
}
