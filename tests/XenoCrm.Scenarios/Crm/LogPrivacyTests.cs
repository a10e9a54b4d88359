using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using XenoCrm.AppHost;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>Nothing that any process logs says who somebody is, or opens a door.</summary>
public class LogPrivacyTests
{
    private const int People = 40;

    [Fact]
    public async Task No_log_of_any_process_has_a_name_an_address_a_password_or_a_token()
    {
        using var folder = new TemporaryFolder();
        var secrets = new List<string>();
        await using (var system = await AppHostProcess.StartAsync(folder.Path, AppHostProcess.FreePortBase()))
        {
            await LiveAsync(system, secrets);
        }

        var logs = Directory.GetFiles(folder["logs"]).ToDictionary(f => Path.GetFileName(f), File.ReadAllText);
        logs.Keys.ShouldContain("functions.log");
        logs["functions.log"].Length.ShouldBeGreaterThan(1000);
        foreach (var (file, text) in logs)
        {
            foreach (var secret in secrets.Concat(Enumerable.Range(0, People).SelectMany(TextsOf)))
                text.Contains(secret, StringComparison.OrdinalIgnoreCase).ShouldBeFalse($"{file} has '{secret}'");
        }
    }

    /// <summary>What is known of somebody; nothing else in the logs looks like it.</summary>
    private static string[] TextsOf(int n) => [$"quuxmail{n}@", $"quuxmail{n}%40", $"+49151777{n:0000}", $"49151777{n:0000}", $"Quuxfirst{n}", $"Quuxlast{n}", $"Quuxtown{n}"];

    /// <summary>A day of the service: imports with errors, a campaign, receipts, opens, refused and broken requests, an erasure.</summary>
    private static async Task LiveAsync(AppHostProcess system, List<string> secrets)
    {
        var settings = LocalSettings.Load();
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = system.Api };
        var (email, password) = (settings["Auth__Admin__Email"], settings["Auth__Admin__Password"]);
        secrets.AddRange([email, password, settings["Auth__SigningKeys__0__Key"], settings["Vendors__Generic__ApiKey"]]);
        await PostAsync(http, "api/auth/login", new { email = "quuxmail1@example.com", password = "Quuxfirst1-was-typed" });
        var login = await JsonAsync(await PostAsync(http, "api/auth/login", new { email, password }));
        secrets.AddRange([login.GetProperty("accessToken").GetString()!, login.GetProperty("refreshToken").GetString()!]);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secrets[^2]);
        await PostAsync(http, "api/auth/refresh", new { refreshToken = secrets[^1] });
        await PostAsync(http, "api/auth/refresh", new { refreshToken = secrets[^1] + "x" });

        var csv = new StringBuilder("Customer ID,Email,Phone,First Name,Last Name,City,Birthday\n");
        for (var n = 0; n < People; n++)
            csv.Append($"QX-{n},quuxmail{n}@example.com,+49151777{n:0000},Quuxfirst{n},Quuxlast{n},Quuxtown{n},{(n % 5 == 0 ? $"Quuxlast{n}" : "1990-01-01")}\n");
        csv.Append("QX-X,quuxmail1@example.com \"broken,Quuxfirst2\n");
        await JsonAsync(await UploadAsync(http, "api/data/import/customers", csv.ToString()));
        var orders = string.Concat(Enumerable.Range(0, People).Select(n => $"QO-{n},QX-{n},{n + 100}.50,2026-01-0{1 + (n % 9)}\n"));
        await JsonAsync(await UploadAsync(http, "api/data/import/orders", "Order Number,Customer ID,Amount,Date\n" + orders + "QO-Y,quuxmail3@example.com,Quuxlast3,never\n"));

        // What is refused, and what makes no sense, with people's data where it does not belong.
        foreach (var path in new[] { "api/customers/quuxmail1@example.com", "api/customers?q=quuxmail2@example.com", "api/quuxmail3@example.com", "api/customers?cursor=Quuxlast4", "t/c/Quuxfirst5", "api/customers?sort=Quuxtown6" })
            await http.GetAsync(path);
        await PostAsync(http, "api/customers", new { email = "quuxmail1@example.com", Quuxlast7 = "Quuxfirst7" });
        await PostAsync(http, "api/suppressions", new { channel = "email", address = "quuxmail8@example.com" });
        await http.PostAsync("api/customers", new StringContent("{\"email\": \"quuxmail9@example.com", Encoding.UTF8, "application/json"));
        await http.PostAsync("api/webhooks/twilio", new StringContent("To=%2B491517770010&Body=Quuxfirst10", Encoding.UTF8, "application/x-www-form-urlencoded"));
        await http.PostAsync("api/webhooks/receipts", new StringContent("[{\"messageId\":\"quuxmail11@example.com\"}]", Encoding.UTF8, "application/json"));
        using (var broken = new HttpRequestMessage(HttpMethod.Get, "api/customers"))
        {
            // A line of its own in a log, if anybody wrote what they are sent.
            broken.Headers.TryAddWithoutValidation("User-Agent", "Quuxlast12");
            broken.Headers.TryAddWithoutValidation("traceparent", "Quuxlast13");
            await http.SendAsync(broken);
        }

        var key = await JsonAsync(await PostAsync(http, "api/api-keys", new { name = "Quuxfirst14", scopes = new[] { "customers:read" } }));
        secrets.Add(key.GetProperty("key").GetString()!);
        await SendCampaignAsync(http, system);
        var one = (await JsonAsync(await http.GetAsync("api/customers?limit=1"))).GetProperty("items")[0].GetProperty("id").GetString()!;
        await PostAsync(http, $"api/customers/{one}/erase", new { });
    }

    private static async Task SendCampaignAsync(HttpClient http, AppHostProcess system)
    {
        using var api = await system.LogInAsync();
        var rule = new { combinator = "and", rules = new[] { new { field = "totalSpend", @operator = ">", value = 1 } } };
        var segment = await api.PostAsync("api/segments", new { name = "Everybody", rule }, CancellationToken.None);
        var segmentId = segment.GetProperty("id").GetString()!;
        await api.SegmentReadyAsync(segmentId);
        var content = new { subject = "Hello {{firstName}}", html = "Dear {{lastName}} of {{city}}, see <a href=\"https://shop.example/{{email}}\">this</a>. <a href=\"{{unsubscribeUrl}}\">Leave</a>" };
        var campaign = await api.PostAsync("api/campaigns", new { name = "To all", segmentId, channel = "email", content }, CancellationToken.None);
        var id = campaign.GetProperty("id").GetString()!;
        await api.PostAsync($"api/campaigns/{id}/launch", null, CancellationToken.None);
        for (var i = 0; ; i++)
        {
            var stats = await JsonAsync(await http.GetAsync($"api/campaigns/{id}/stats"));
            if (stats.ToString().Contains("\"pending\":0", StringComparison.Ordinal) && !stats.ToString().Contains("\"audience\":0", StringComparison.Ordinal))
                return;
            (i < 1200).ShouldBeTrue($"the campaign does not end: {stats}");
            await Task.Delay(100);
        }
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, string path, object body) =>
        http.PostAsync(path, new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"));

    private static async Task<HttpResponseMessage> UploadAsync(HttpClient http, string path, string csv)
    {
        using var content = new StringContent(csv, Encoding.UTF8, "text/csv");
        return await http.PostAsync(path, content);
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            var text = await answer.Content.ReadAsStringAsync();
            answer.IsSuccessStatusCode.ShouldBeTrue(text);
            return JsonDocument.Parse(text).RootElement;
        }
    }
}
