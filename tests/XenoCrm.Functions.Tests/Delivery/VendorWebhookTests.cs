using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using XenoCrm.Delivery;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>From a vendor's post to the ledger.</summary>
public sealed class VendorWebhookTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task Events_of_SendGrid_reach_the_ledger_when_they_are_signed()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Vendors:SendGrid:PublicKeys:0", Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())));
        var id = await SentAsync(harness);
        var webhooks = harness.Create<VendorWebhookFunctions>();
        var at = harness.Clock.GetUtcNow().ToUnixTimeSeconds();
        var body = $$"""
            [{"event":"delivered","timestamp":{{at}},"xeno_message_id":"{{id}}.0.0","email":"c1@example.com"},
             {"event":"bounce","type":"bounce","bounce_classification":"Invalid Address","timestamp":{{at}},"xeno_message_id":"{{id}}.0.1"},
             {"event":"open","timestamp":{{at}},"xeno_message_id":"{{id}}.0.2","useragent":"Mozilla/5.0","sg_machine_open":true}]
            """;
        HttpRequest Post(string text)
        {
            var signature = key.SignData(Encoding.UTF8.GetBytes(at + body), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
            var request = Request(text, "");
            request.Headers["X-Twilio-Email-Event-Webhook-Signature"] = Convert.ToBase64String(signature);
            request.Headers["X-Twilio-Email-Event-Webhook-Timestamp"] = at.ToString();
            return request;
        }

        (await Should.ThrowAsync<ProblemException>(() => webhooks.SendGrid(Post(body + " "), default))).Problem.Status.ShouldBe(401);
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Pending.ShouldBe(3, "What is not signed changes nothing.");

        for (var i = 0; i < 2; i++)
        {
            await webhooks.SendGrid(Post(body), default);
            await harness.RunAsync();
            var s = await harness.LedgerAsync(id);
            (s.Delivered, s.Failed, s.Opened, s.AutoOpened, s.Reasons["invalid_address"]).ShouldBe((2, 1, 0, 1, 1));
        }

        (await harness.Get<SuppressionStore>().PageAsync(null, 10, default)).Select(x => x.Reason).ShouldBe(["bounced"]);
    }

    [Fact]
    public async Task Status_callbacks_of_Twilio_reach_the_ledger_when_they_are_signed()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Vendors:Twilio:AuthToken", "token"));
        var id = await SentAsync(harness);
        var webhooks = harness.Create<VendorWebhookFunctions>();
        HttpRequest Post(int index, string status, string code, string token = "token")
        {
            var query = $"?message={id}.0.{index}";
            var signed = $"http://127.0.0.1:2/api/webhooks/twilio{query}ErrorCode{code}MessageSidSM1MessageStatus{status}To+1555";
            var request = Request($"MessageSid=SM1&MessageStatus={status}&ErrorCode={code}&To=%2B1555", query);
#pragma warning disable CA5350 // What Twilio signs with.
            request.Headers["X-Twilio-Signature"] = Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(signed)));
#pragma warning restore CA5350
            return request;
        }

        (await Should.ThrowAsync<ProblemException>(() => webhooks.Twilio(Post(0, "delivered", "", "guessed"), default))).Problem.Status.ShouldBe(401);
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Pending.ShouldBe(3, "What is not signed changes nothing.");

        for (var i = 0; i < 2; i++)
        {
            await webhooks.Twilio(Post(0, "delivered", ""), default);
            await webhooks.Twilio(Post(1, "undelivered", "30003"), default);
            await webhooks.Twilio(Post(2, "read", ""), default);
            await harness.RunAsync();
            var s = await harness.LedgerAsync(id);
            (s.Delivered, s.Failed, s.Opened, s.Reasons["unreachable"]).ShouldBe((2, 1, 1, 1));
            (await harness.BatchesAsync(id))[0].Recipients[2].Events!.Count.ShouldBe(1, "A repeat is no second opening, though a callback has no time.");
            harness.Clock.Advance(TimeSpan.FromMinutes(1));
        }
    }

    private static async Task<string> SentAsync(DeliveryHarness harness)
    {
        await harness.AddCustomersAsync(Enumerable.Range(1, 3));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        return id;
    }

    private static HttpRequest Request(string body, string query)
    {
        var request = new DefaultHttpContext().Request;
        request.Method = "POST";
        request.QueryString = new(query);
        request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        return request;
    }
}
