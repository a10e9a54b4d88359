using System.Net;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Webhooks;

namespace XenoCrm.Functions.Tests.Webhooks;

/// <summary>A subscription must not be a way into this service's network.</summary>
public sealed class ReceiverAddressTests(DeliveryEmulator emulator)
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.0.9")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("fc00::1")]
    [InlineData("fe80::1")]
    [InlineData("ff02::1")]
    public void Closed(string address) => ReceiverAddress.IsPublic(IPAddress.Parse(address)).ShouldBeFalse();

    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("100.128.0.1")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("2606:4700::1111")]
    [InlineData("2a00:1450:4001::1")]
    public void Open(string address) => ReceiverAddress.IsPublic(IPAddress.Parse(address)).ShouldBeTrue();

    [Theory]
    [InlineData("http://example.com/hooks", false)]
    [InlineData("https://example.com/hooks?k=1", true)]
    [InlineData("https://user:pass@example.com/", false)]
    [InlineData("https://example.com/#part", false)]
    [InlineData("ftp://example.com/", false)]
    [InlineData("/hooks", false)]
    [InlineData("", false)]
    [InlineData("https://127.0.0.1/", false)]
    [InlineData("https://2130706433/", false)]
    [InlineData("https://0x7f.1/", false)]
    [InlineData("https://[::1]/", false)]
    [InlineData("https://[::ffff:10.0.0.1]/", false)]
    [InlineData("https://169.254.169.254/latest/meta-data", false)]
    [InlineData("https://8.8.8.8/", true)]
    public void What_can_be_seen_in_an_address_is_seen_when_it_is_saved(string url, bool good) =>
        (ReceiverAddress.Fault(url, new()) is null).ShouldBe(good);

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://[::1]:{0}/")]
    [InlineData("http://169.254.169.254:{0}/")]
    [InlineData("http://localhost:{0}/")]
    public async Task Whatever_leads_inside_is_not_connected_to(string url)
    {
        await using var server = await Subscriber.StartAsync();
        var port = new Uri(server.Url).Port;
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Webhooks:AllowHttp", "true"));

        // As if it had been subscribed when that was allowed, or the name had led elsewhere then.
        var subscription = await harness.SubscribeAsync(string.Format(url, port));
        var delivery = await harness.Get<DeliverWebhook>().TestAsync(subscription, "t", default);
        (delivery.State, delivery.Attempts[0].Error, delivery.Attempts[0].Status).ShouldBe((WebhookDeliveryState.Failed, "address_refused", null));
        server.Hooks.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_name_that_nobody_knows_is_said_to_be_that()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        var subscription = await harness.SubscribeAsync("https://nobody.invalid/");
        (await harness.Get<DeliverWebhook>().TestAsync(subscription, "t", default)).Attempts[0].Error.ShouldBe("dns");
    }

    [Fact]
    public async Task A_server_without_tls_gets_nothing_where_it_is_asked_for()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator, ("Webhooks:AllowHttp", "false"));
        await using var server = await Subscriber.StartAsync();
        var secure = await harness.SubscribeAsync(server.Url.Replace("http:", "https:"));
        (await harness.Get<DeliverWebhook>().TestAsync(secure, "t", default)).Attempts[0].Error.ShouldBe("tls");
        var plain = await harness.SubscribeAsync(server.Url);
        (await harness.Get<DeliverWebhook>().TestAsync(plain, "t", default)).Attempts[0].Error.ShouldBe("address_refused");
        server.Hooks.ShouldBeEmpty();
    }
}
