using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>Against a server that answers as SendGrid's documentation says.</summary>
public sealed class SendGridVendorTests
{
    [Fact]
    public async Task Writes_the_documented_request()
    {
        await using var server = await FakeServer.StartAsync(202, "", ("X-Message-Id", "m"));
        (await SendAsync(server)).ShouldBe(VendorResult.Accepted);

        var got = server.Requests.ShouldHaveSingleItem();
        (got.Method, got.Path, got.Authorization).ShouldBe(("POST", "/v3/mail/send", "Bearer SG.key"));
        JsonDocument.Parse(got.Body).RootElement.ToString().ShouldBe(
            """
            {"personalizations":[{"to":[{"email":"ann@example.com"}],"custom_args":{"xeno_message_id":"c.0.7"}}],
            "from":{"email":"news@shop.example","name":"Shop"},"subject":"Grüße",
            "content":[{"type":"text/plain","value":"Hi & bye"},{"type":"text/html","value":"<p>Hi</p>"}],
            "headers":{"List-Unsubscribe":"<https://crm.test/t/u/1>","List-Unsubscribe-Post":"List-Unsubscribe=One-Click"},
            "tracking_settings":{"click_tracking":{"enable":false},"open_tracking":{"enable":false},"subscription_tracking":{"enable":false}}}
            """.ReplaceLineEndings(""));
    }

    [Theory]
    [InlineData("sales@shop.example", "sales@shop.example", null)]
    [InlineData("Sales <sales@shop.example>", "sales@shop.example", "Sales")]
    [InlineData("The Sales Team", "news@shop.example", "The Sales Team")]
    public async Task The_sender_is_an_address_a_name_or_both(string from, string address, string? name)
    {
        await using var server = await FakeServer.StartAsync(202, "");
        await SendAsync(server, from);
        var sent = JsonDocument.Parse(server.Requests[0].Body).RootElement.GetProperty("from");
        sent.GetProperty("email").GetString().ShouldBe(address);
        (sent.TryGetProperty("name", out var given) ? given.GetString() : null).ShouldBe(name);
    }

    [Theory]
    [InlineData(400, """{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email","help":"http://sendgrid.com/docs"}]}""", "invalid_recipient")]
    [InlineData(400, """{"errors":[{"message":"The from email does not contain a valid address.","field":"from.email","help":null}]}""", "invalid_from")]
    [InlineData(400, """{"errors":[{"message":"Bad Request","field":null,"help":null}]}""", "rejected")]
    [InlineData(400, "<html>", "rejected")]
    [InlineData(413, """{"errors":[{"message":"Payload too large"}]}""", "too_large")]
    public async Task What_is_wrong_with_a_message_is_final_and_its_reason_holds_no_address(int status, string body, string reason)
    {
        await using var server = await FakeServer.StartAsync(status, body);
        (await SendAsync(server)).ShouldBe(new(VendorAnswer.Rejected, reason));
    }

    [Theory]
    [InlineData(401, """{"errors":[{"message":"Maximum credits exceeded","field":null,"help":null}]}""", VendorFailure.NotTaken)]
    [InlineData(403, """{"errors":[{"message":"The from address does not match a verified Sender Identity.","field":"from","help":null}]}""", VendorFailure.NotTaken)]
    [InlineData(429, """{"errors":[{"field":null,"message":"too many requests"}]}""", VendorFailure.NotTaken)]
    [InlineData(503, "", VendorFailure.NotTaken)]
    [InlineData(500, """{"errors":[{"message":"Internal server error"}]}""", VendorFailure.Ambiguous)]
    [InlineData(502, "", VendorFailure.Ambiguous)]
    public async Task What_is_not_the_messages_fault_says_whether_it_was_taken(int status, string body, VendorFailure failure)
    {
        await using var server = await FakeServer.StartAsync(status, body);
        (await Should.ThrowAsync<VendorException>(() => SendAsync(server))).Failure.ShouldBe(failure);
    }

    [Fact]
    public async Task Too_many_requests_wait_until_the_limit_is_reset()
    {
        await using var server = await FakeServer.StartAsync(
            429, "{}", ("X-RateLimit-Limit", "500"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", TimeProvider.System.GetUtcNow().AddSeconds(40).ToUnixTimeSeconds().ToString()));
        (await Should.ThrowAsync<VendorException>(() => SendAsync(server))).RetryAfter!.Value.TotalSeconds.ShouldBeInRange(20, 41);
    }

    [Fact]
    public async Task A_connection_that_breaks_leaves_it_open_and_one_that_was_never_made_does_not()
    {
        string closed;
        await using (var server = await FakeServer.StartBreakingAsync())
        {
            (await Should.ThrowAsync<VendorException>(() => SendAsync(server))).Failure.ShouldBe(VendorFailure.Ambiguous);
            closed = server.Address;
        }

        (await Should.ThrowAsync<VendorException>(() => Vendor(closed).SendAsync([FakeServer.Message(Channel.Email, "a@b.c")], default))).Failure.ShouldBe(VendorFailure.NotTaken);
    }

    [Theory]
    [InlineData(Channel.Sms, "SG.key", "a@b.c", "it carries email only.")]
    [InlineData(Channel.Email, "", "a@b.c", "Vendors__SendGrid__ApiKey is missing.")]
    [InlineData(Channel.Email, "SG.key", "", "Vendors__SendGrid__From must be the address of a verified sender.")]
    [InlineData(Channel.Email, "SG.key", "a@b.c", null)]
    public void Says_what_is_missing(Channel channel, string key, string from, string? fault) =>
        new SendGridVendor(new FakeServer.Clients(), Options.Create(new SendGridOptions { ApiKey = key, From = from }), TimeProvider.System).FaultFor(channel).ShouldBe(fault);

    [Fact]
    public void A_key_that_is_none_is_found_out()
    {
        var options = new SendGridOptions { ApiKey = "k", From = "a@b.c" };
        options.PublicKeys.Add("c2VjcmV0");
        new SendGridVendor(new FakeServer.Clients(), Options.Create(options), TimeProvider.System).FaultFor(Channel.Email).ShouldNotBeNull().ShouldContain("PublicKeys");
    }

    private static SendGridVendor Vendor(string address) => new(
        new FakeServer.Clients(), Options.Create(new SendGridOptions { BaseAddress = address, ApiKey = "SG.key", From = "Shop <news@shop.example>" }), TimeProvider.System);

    private static async Task<VendorResult> SendAsync(FakeServer server, string? from = null) =>
        (await Vendor(server.Address).SendAsync([FakeServer.Message(Channel.Email, "ann@example.com", from)], TestContext.Current.CancellationToken)).ShouldHaveSingleItem();
}
