using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Delivery;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class SendGridEventTests
{
    // The vector in the tests of SendGrid's own libraries; the body ends with a line break, and it counts.
    private const string Key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    private const string OtherKey = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA==";
    private const string Signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";
    private const string OtherSignature = "MEQCIB3bJQOarffIdM7+MEee+kYAdoViz6RUoScOASwMcXQxAiAcrus/j853JUlVm5qIRfbKBJwJq89znqOTedy3RetXLQ==";
    private const string Timestamp = "1600112502";
    private const string Body =
        """[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]"""
        + "\r\n";

    private static readonly DateTimeOffset Signed = DateTimeOffset.FromUnixTimeSeconds(1600112502);

    [Fact]
    public void The_published_vector_is_accepted() => Verify();

    [Fact]
    public void One_of_several_keys_is_enough() => Verify(keys: [OtherKey, Key]);

    [Fact]
    public void Everything_signed_counts()
    {
        const string code = "webhook.signature_invalid";
        Refused(code, () => Verify(body: Body.TrimEnd()));
        Refused(code, () => Verify(body: Body.Replace("hello", "hallo")));
        Refused(code, () => Verify(timestamp: "1600112503"));
        Refused(code, () => Verify(timestamp: "timestamp"));
        Refused(code, () => Verify(signature: OtherSignature));
        Refused(code, () => Verify(signature: "signature"));
        Refused(code, () => Verify(signature: "c2lnbmF0dXJl"));
        Refused(code, () => Verify(signature: new string('A', 4000)));
        Refused(code, () => Verify(keys: [OtherKey]));
        Refused(code, () => Verify(keys: []));
        Refused("webhook.signature_missing", () => Verify(signature: ""));
        Refused("webhook.signature_missing", () => Verify(timestamp: ""));
    }

    [Fact]
    public void What_SendGrid_repeats_for_a_day_is_taken_and_older_posts_are_not()
    {
        Verify(now: Signed.AddHours(24));
        Refused("webhook.signature_expired", () => Verify(now: Signed.AddHours(26)));
        Refused("webhook.signature_expired", () => Verify(now: Signed.AddHours(-26)));
    }

    [Theory]
    [InlineData(""" "event":"processed" """, ReceiptStatus.Accepted, null)]
    [InlineData(""" "event":"deferred","response":"400 try again later","attempt":"5" """, ReceiptStatus.Accepted, null)]
    [InlineData(""" "event":"delivered","response":"250 OK" """, ReceiptStatus.Delivered, null)]
    [InlineData(""" "event":"bounce","type":"bounce","status":"5.0.0","reason":"500 unknown recipient ann@example.com" """, ReceiptStatus.Bounced, "bounced")]
    [InlineData(""" "event":"bounce","type":"bounce","bounce_classification":"Invalid Address" """, ReceiptStatus.Bounced, "invalid_address")]
    [InlineData(""" "event":"bounce","type":"blocked","bounce_classification":"Frequency or Volume Too High" """, ReceiptStatus.Failed, "frequency_or_volume_too_high")]
    [InlineData(""" "event":"bounce","type":"blocked","reason":"550 blocked for ann@example.com" """, ReceiptStatus.Failed, "blocked")]
    [InlineData(""" "event":"dropped","reason":"Bounced Address","status":"5.0.0" """, ReceiptStatus.Bounced, "bounced_before")]
    [InlineData(""" "event":"dropped","reason":"Unsubscribed Address" """, ReceiptStatus.Failed, "unsubscribed_at_vendor")]
    [InlineData(""" "event":"dropped","reason":"Spam Reporting Address" """, ReceiptStatus.Failed, "complained_before")]
    [InlineData(""" "event":"dropped","reason":"Invalid" """, ReceiptStatus.Failed, "invalid_recipient")]
    [InlineData(""" "event":"dropped","reason":"Recipient List over Package Quota" """, ReceiptStatus.Failed, "dropped")]
    [InlineData(""" "event":"spamreport" """, ReceiptStatus.Complained, null)]
    [InlineData(""" "event":"unsubscribe" """, ReceiptStatus.Unsubscribed, null)]
    [InlineData(""" "event":"group_unsubscribe","asm_group_id":10 """, ReceiptStatus.Unsubscribed, null)]
    public void Each_event_is_the_receipt_it_means(string fields, ReceiptStatus status, string? reason) =>
        Read($$"""[{"email":"ann@example.com","timestamp":1513299569,"sg_event_id":"e1","category":["cat","dog"],"xeno_message_id":"c.0.1",{{fields}}}]""").ShouldHaveSingleItem()
            .ShouldBe(new Receipt { MessageId = "c.0.1", Status = status, At = DateTimeOffset.FromUnixTimeSeconds(1513299569), EventId = "e1", Reason = reason });

    [Fact]
    public void Opens_and_clicks_say_who_and_what()
    {
        var receipts = Read(
            """
            [{"event":"open","timestamp":1513299569,"sg_event_id":"o","xeno_message_id":"c.0.1","useragent":"Mozilla/4.0 (compatible; MSIE 6.1; Windows XP)","ip":"255.255.255.255","sg_machine_open":false},
             {"event":"open","timestamp":1513299570,"sg_event_id":"m","xeno_message_id":"c.0.1","useragent":"Mozilla/5.0","sg_machine_open":true},
             {"event":"click","timestamp":1513299571,"sg_event_id":"k","xeno_message_id":"c.0.1","useragent":"Firefox","url":"http://www.sendgrid.com/"}]
            """);
        receipts.Select(r => (r.Status, r.Agent, r.Machine, r.EventId)).ShouldBe(
            [(ReceiptStatus.Opened, "Mozilla/4.0 (compatible; MSIE 6.1; Windows XP)", false, "o"), (ReceiptStatus.Opened, "Mozilla/5.0", true, "m"), (ReceiptStatus.Clicked, "Firefox", false, "k")]);
        receipts.Select(r => r.Link).ShouldBe([null, null, MessageEvent.LinkOf("http://www.sendgrid.com/")]);
    }

    [Fact]
    public void What_is_not_ours_or_makes_no_sense_is_passed_over() =>
        Read("""
            [{"event":"delivered","timestamp":1,"email":"of another application"},{"event":"group_resubscribe","xeno_message_id":"c.0.1"},{"event":"account_status_change"},
             {"event":"new_one","xeno_message_id":"c.0.1"},{"event":7,"xeno_message_id":"c.0.1"},5,null,{"event":"delivered","timestamp":2,"xeno_message_id":"c.0.2"}]
            """).ShouldHaveSingleItem().MessageId.ShouldBe("c.0.2");

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[{]")]
    public void What_is_no_array_is_refused(string body) => Should.Throw<ProblemException>(() => Read(body)).Problem.Status.ShouldBe(400);

    private static IReadOnlyList<Receipt> Read(string body) => SendGridEvents.Read(Encoding.UTF8.GetBytes(body), Signed);

    private static void Verify(string signature = Signature, string timestamp = Timestamp, string body = Body, string[]? keys = null, DateTimeOffset? now = null)
    {
        var options = new SendGridOptions();
        (keys ?? [Key]).ToList().ForEach(options.PublicKeys.Add);
        var headers = new HeaderDictionary
        {
            ["X-Twilio-Email-Event-Webhook-Signature"] = signature,
            ["X-Twilio-Email-Event-Webhook-Timestamp"] = timestamp,
        };
        new SendGridSignature(Options.Create(options), new Fixed(now ?? Signed)).Verify(headers, Encoding.UTF8.GetBytes(body));
    }

    private static void Refused(string code, Action verify)
    {
        var problem = Should.Throw<ProblemException>(verify).Problem;
        (problem.Status, problem.Code).ShouldBe((401, code));
    }

    private sealed class Fixed(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
