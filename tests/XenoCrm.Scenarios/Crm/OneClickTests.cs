using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>What a mail program does for its user with a mail that this service had SendGrid carry (RFC 8058).</summary>
public class OneClickTests
{
    [Fact]
    public async Task The_address_in_the_header_of_a_sent_mail_takes_the_one_click_of_a_mail_program()
    {
        var mails = Channel.CreateUnbounded<JsonElement>();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        await using var sendGrid = builder.Build();
        sendGrid.Run(async http =>
        {
            using var mail = await JsonDocument.ParseAsync(http.Request.Body);
            mails.Writer.TryWrite(mail.RootElement.Clone());
            http.Response.StatusCode = StatusCodes.Status202Accepted;
        });
        await sendGrid.StartAsync();
        using var folder = new TemporaryFolder();
        await using var system = await AppHostProcess.StartAsync(folder.Path, AppHostProcess.FreePortBase(), new Dictionary<string, string>
        {
            ["Vendors__Email__0"] = "sendgrid", ["Vendors__SendGrid__BaseAddress"] = sendGrid.Urls.First(), ["Vendors__SendGrid__ApiKey"] = "SG.of-this-test",
            ["Vendors__SendGrid__From"] = "Shop <news@shop.example>",
        });
        using var api = await system.LogInAsync();
        var customer = (await api.PostAsync("api/customers", new { externalId = "one", firstName = "Ana", email = "ana@example.com" }, default)).GetProperty("id").GetString();
        var segment = (await api.PostAsync("api/segments", new { name = "Ana", rule = new { combinator = "and", rules = new[] { new { field = "firstName", @operator = "=", value = "Ana" } } } }, default)).GetProperty("id").GetString()!;
        await api.SegmentReadyAsync(segment);
        await LaunchAsync(api, segment);

        var headers = (await mails.Reader.ReadAsync(new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token)).GetProperty("headers");
        headers.GetProperty("List-Unsubscribe-Post").GetString().ShouldBe("List-Unsubscribe=One-Click");
        var link = new Uri(headers.GetProperty("List-Unsubscribe").GetString()!.Trim('<', '>'));

        // No cookie, no token, no page looked at before, no redirect followed.
        using var program = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using var answer = await program.PostAsync(link, new FormUrlEncodedContent([new("List-Unsubscribe", "One-Click")]));
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var consent = await api.UntilAsync($"api/customers/{customer}", c => c.GetProperty("consent").TryGetProperty("email", out _));
        consent.GetProperty("consent").GetProperty("email").GetProperty("state").GetString().ShouldBe("withdrawn");

        var stats = await api.UntilAsync($"api/campaigns/{await LaunchAsync(api, segment)}/stats", s => s.GetProperty("state").GetString() == "completed");
        (stats.GetProperty("audience").GetInt32(), stats.GetProperty("skipped").GetInt32()).ShouldBe((1, 1));
        mails.Reader.TryRead(out _).ShouldBeFalse("who has left gets no other mail");
    }

    private static async Task<string> LaunchAsync(ApiClient api, string segmentId)
    {
        var content = new { subject = "Hello {{firstName}}", text = "No more of these: {{unsubscribeUrl}}" };
        var id = (await api.PostAsync("api/campaigns", new { name = "News", channel = "email", segmentId, content }, default)).GetProperty("id").GetString()!;
        await api.PostAsync($"api/campaigns/{id}/launch", null, default);
        return id;
    }
}
