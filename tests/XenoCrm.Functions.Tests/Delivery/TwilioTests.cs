using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>Against a server that answers as Twilio's documentation says.</summary>
public sealed class TwilioTests
{
    private const string Created = """{"sid":"SMXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX","status":"queued","error_code":null,"error_message":null,"to":"+15558675310","num_segments":"1"}""";

    [Fact]
    public async Task Writes_the_documented_request()
    {
        await using var server = await FakeServer.StartAsync(201, Created);
        (await SendAsync(server, FakeServer.Message(Channel.Sms, "+15558675310"))).ShouldBe(VendorResult.Accepted);

        var got = server.Requests.ShouldHaveSingleItem();
        (got.Method, got.Path, got.Authorization).ShouldBe(("POST", "/2010-04-01/Accounts/AC1/Messages.json", "Basic QUMxOnNlY3JldA=="));
        Form(got).ShouldBe(new Dictionary<string, string>
        {
            ["To"] = "+15558675310", ["From"] = "+15017122661", ["Body"] = "Hi & bye", ["StatusCallback"] = "https://crm.test/base/api/webhooks/twilio?message=c.0.7",
        }, ignoreOrder: true);
    }

    [Fact]
    public async Task WhatsApp_addresses_have_their_prefix_and_a_messaging_service_stands_in_for_a_sender()
    {
        await using var server = await FakeServer.StartAsync(201, Created);
        await SendAsync(server, FakeServer.Message(Channel.WhatsApp, "+15558675310"));
        await SendAsync(server, FakeServer.Message(Channel.WhatsApp, "+15558675310", "whatsapp:+1999"));
        await SendAsync(server, FakeServer.Message(Channel.Sms, "+15558675310"), o => (o.From, o.MessagingServiceSid) = (null, "MG1"));
        var forms = server.Requests.ConvertAll(Form);
        (forms[0]["To"], forms[0]["From"]).ShouldBe(("whatsapp:+15558675310", "whatsapp:+14155238886"));
        forms[1]["From"].ShouldBe("whatsapp:+1999");
        forms[2].ShouldNotContainKey("From");
        forms[2]["MessagingServiceSid"].ShouldBe("MG1");
    }

    [Fact]
    public async Task A_WhatsApp_message_is_made_of_an_approved_template_where_the_content_names_one()
    {
        await using var server = await FakeServer.StartAsync(201, Created);
        var stored = JsonSerializer.Deserialize<CampaignContent>(
            """{"text":"Dear {{firstName}}","contentSid":"HXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","contentVariables":{"2":"20 %\n today","1":"{{firstName}}"}}""", Json.Options)!.Normal();
        var templates = new CampaignTemplates(new MergeFields(Options.Create(new WorkspaceOptions())));
        templates.Get(JsonSerializer.Deserialize<CampaignContent>(JsonSerializer.Serialize(stored, Json.Options), Json.Options)!).ShouldBeSameAs(templates.Get(stored));
        templates.Get(stored with { ContentVariables = new Dictionary<string, string> { ["1"] = "Other" } }).ShouldNotBeSameAs(templates.Get(stored));
        var rendered = templates.Get(stored).Render(Samples.Customer(1) with { FirstName = "Zoë" }, Samples.Links);
        await SendAsync(server, new("c.0.7", Channel.WhatsApp, "+15558675310", null, () => rendered));
        var form = Form(server.Requests.ShouldHaveSingleItem());
        form.Keys.ShouldBe(["To", "From", "ContentSid", "ContentVariables", "StatusCallback"], ignoreOrder: true);
        form["ContentSid"].ShouldBe("HXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        JsonSerializer.Deserialize<Dictionary<string, string>>(form["ContentVariables"]).ShouldBe(new() { ["1"] = "Zoë", ["2"] = "20 % today" });
        rendered.Text.ShouldBe("Dear Zoë");
    }

    [Theory]
    [InlineData(21211, "invalid_recipient")]
    [InlineData(21655, "template_invalid")]
    [InlineData(21656, "template_variables_invalid")]
    [InlineData(21610, "unsubscribed_at_vendor")]
    [InlineData(21614, "invalid_recipient")]
    [InlineData(21408, "region_not_enabled")]
    [InlineData(21617, "too_large")]
    [InlineData(21619, "twilio_21619")]
    public async Task What_is_wrong_with_a_message_is_final(int code, string reason)
    {
        await using var server = await FakeServer.StartAsync(400, Error(400, code));
        (await SendAsync(server)).ShouldBe(new(VendorAnswer.Rejected, reason));
    }

    [Theory]
    [InlineData(21611)]
    [InlineData(14107)]
    [InlineData(30001)]
    public async Task What_is_too_much_for_now_is_put_off(int code)
    {
        await using var server = await FakeServer.StartAsync(400, Error(400, code));
        (await SendAsync(server)).ShouldBe(new(VendorAnswer.Deferred, "rate_limited"));
    }

    [Theory]
    [InlineData(401, 20003, VendorFailure.NotTaken)]
    [InlineData(404, 20404, VendorFailure.NotTaken)]
    [InlineData(400, 21606, VendorFailure.NotTaken)]
    [InlineData(400, 21609, VendorFailure.NotTaken)]
    [InlineData(429, 20429, VendorFailure.NotTaken)]
    [InlineData(503, 20503, VendorFailure.NotTaken)]
    [InlineData(500, 20500, VendorFailure.Ambiguous)]
    [InlineData(504, 20504, VendorFailure.Ambiguous)]
    public async Task What_is_not_the_messages_fault_says_whether_it_was_taken(int status, int code, VendorFailure failure)
    {
        await using var server = await FakeServer.StartAsync(status, Error(status, code));
        (await Should.ThrowAsync<VendorException>(() => SendAsync(server))).Failure.ShouldBe(failure);
    }

    [Fact]
    public async Task A_connection_that_breaks_leaves_it_open()
    {
        await using var server = await FakeServer.StartBreakingAsync();
        (await Should.ThrowAsync<VendorException>(() => SendAsync(server))).Failure.ShouldBe(VendorFailure.Ambiguous);
    }

    [Fact]
    public void Says_what_is_missing()
    {
        Fault(Channel.Email, _ => { }).ShouldBe("it carries SMS and WhatsApp only.");
        Fault(Channel.Sms, o => o.AccountSid = "").ShouldBe("Vendors__Twilio__AccountSid is missing.");
        Fault(Channel.Sms, o => o.AuthToken = "").ShouldBe("Vendors__Twilio__AuthToken is missing.");
        Fault(Channel.Sms, o => o.From = null).ShouldBe("Vendors__Twilio__From or Vendors__Twilio__MessagingServiceSid is missing.");
        Fault(Channel.WhatsApp, o => o.WhatsAppFrom = null).ShouldBe("Vendors__Twilio__WhatsAppFrom or Vendors__Twilio__MessagingServiceSid is missing.");
        Fault(Channel.Sms, _ => { }).ShouldBeNull();
        Fault(Channel.WhatsApp, _ => { }).ShouldBeNull();
    }

    [Theory]
    [InlineData("accepted", null, ReceiptStatus.Accepted, null)]
    [InlineData("queued", null, ReceiptStatus.Accepted, null)]
    [InlineData("sending", null, ReceiptStatus.Accepted, null)]
    [InlineData("sent", null, ReceiptStatus.Sent, null)]
    [InlineData("delivered", null, ReceiptStatus.Delivered, null)]
    [InlineData("read", null, ReceiptStatus.Opened, null)]
    [InlineData("undelivered", "30003", ReceiptStatus.Failed, "unreachable")]
    [InlineData("undelivered", "30004", ReceiptStatus.Failed, "blocked")]
    [InlineData("undelivered", "30005", ReceiptStatus.Bounced, "no_such_user")]
    [InlineData("undelivered", "30006", ReceiptStatus.Failed, "landline")]
    [InlineData("undelivered", "30007", ReceiptStatus.Failed, "filtered")]
    [InlineData("undelivered", "30008", ReceiptStatus.Failed, "twilio_30008")]
    [InlineData("failed", "", ReceiptStatus.Failed, "failed")]
    [InlineData("failed", "30001", ReceiptStatus.Failed, "rate_limited")]
    [InlineData("canceled", null, ReceiptStatus.Failed, "canceled")]
    public void Each_status_is_the_receipt_it_means(string status, string? code, ReceiptStatus expected, string? reason)
    {
        var now = DateTimeOffset.UnixEpoch;
        TwilioStatus.Read("c.0.7", new("SM1", status, code), now).ShouldBe(
            new Receipt { MessageId = "c.0.7", Status = expected, At = now, Untimed = true, EventId = $"SM1.{status}", Reason = reason });
    }

    [Fact]
    public void A_callback_about_no_message_of_ours_is_passed_over()
    {
        TwilioStatus.Read("", new("SM1", "delivered", null), default).ShouldBeNull();
        TwilioStatus.Read("c.0.7", new("SM1", "receiving", null), default).ShouldBeNull();
        TwilioStatus.Read("c.0.7", new(null, null, null), default).ShouldBeNull();
    }

    // The vector in the tests of Twilio's own libraries.
    private const string VectorToken = "12345";
    private const string VectorPath = "/myapp.php?foo=1&bar=2";
    private const string VectorSignature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    private static readonly Dictionary<string, string> VectorForm = new()
    {
        ["CallSid"] = "CA1234567890ABCDE", ["From"] = "+14158675309", ["Digits"] = "1234", ["To"] = "+18005551212", ["Caller"] = "+14158675309",
    };

    [Fact]
    public void The_published_vector_is_accepted_whether_or_not_the_port_is_written()
    {
        Verify();
        Verify(origin: "https://mycompany.com:443/");
    }

    [Fact]
    public void Everything_signed_counts()
    {
        const string code = "webhook.signature_invalid";
        Refused(code, () => Verify(signature: "NOT" + VectorSignature));
        Refused(code, () => Verify(signature: "SSOYDt4T1cUTdK1PDd93/VVr8B8="));
        Refused(code, () => Verify(signature: new string('A', 4000)));
        Refused(code, () => Verify(path: "/myapp.php?foo=1&bar=3"));
        Refused(code, () => Verify(origin: "https://mycompany.example"));
        Refused(code, () => Verify(origin: "http://mycompany.com"));
        Refused(code, () => Verify(form: new(VectorForm) { ["Digits"] = "4321" }));
        Refused(code, () => Verify(form: new(VectorForm) { ["More"] = "" }));
        Refused(code, () => Verify(token: "54321"));
        Refused(code, () => Verify(token: ""));
        Refused("webhook.signature_missing", () => Verify(signature: ""));
    }

    private static void Verify(
        string signature = VectorSignature, string path = VectorPath, Dictionary<string, string>? form = null, string token = VectorToken, string origin = "https://mycompany.com")
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["PublicBaseAddress"] = origin }).Build();
        new TwilioSignature(Options.Create(new TwilioOptions { AuthToken = token }), configuration).Verify(signature, path, form ?? VectorForm);
    }

    private static void Refused(string code, Action verify)
    {
        var problem = Should.Throw<ProblemException>(verify).Problem;
        (problem.Status, problem.Code).ShouldBe((401, code));
    }

    private static string Error(int status, int code) => $$"""{"code":{{code}},"message":"For +15558675310","more_info":"https://www.twilio.com/docs/errors/{{code}}","status":{{status}}}""";

    private static Dictionary<string, string> Form(Got got) => QueryHelpers.ParseQuery(got.Body).ToDictionary(f => f.Key, f => f.Value.ToString());

    private static string? Fault(Channel channel, Action<TwilioOptions> change) => Vendor("https://api.twilio.com", change).FaultFor(channel);

    private static async Task<VendorResult> SendAsync(FakeServer server, VendorMessage? message = null, Action<TwilioOptions>? change = null) =>
        (await Vendor(server.Address, change).SendAsync([message ?? FakeServer.Message(Channel.Sms, "+15558675310")], TestContext.Current.CancellationToken)).ShouldHaveSingleItem();

    private static TwilioVendor Vendor(string address, Action<TwilioOptions>? change = null)
    {
        var options = new TwilioOptions { BaseAddress = address, AccountSid = "AC1", AuthToken = "secret", From = "+15017122661", WhatsAppFrom = "+14155238886" };
        change?.Invoke(options);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["PublicBaseAddress"] = "https://crm.test/base/" }).Build();
        return new(new FakeServer.Clients(), Options.Create(options), configuration);
    }
}
