using System.Text.Json;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform;
using XenoCrm.Webhooks;

namespace XenoCrm.Functions.Tests.Webhooks;

public sealed class SubscriptionTests(DeliveryEmulator emulator)
{
    private const string Good = """{ "name": "Warehouse", "url": "https://hooks.example.com/crm", "events": ["message.delivered", "campaign.completed"] }""";

    [Fact]
    public async Task A_subscription_is_made_read_changed_and_deleted()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var functions = harness.Create<SubscriptionFunctions>();
        var created = (await harness.CallAsync(r => functions.Create(r, default), Good)).ShouldBe(201);
        created["secret"].GetString()!.ShouldStartWith("whsec_");
        Convert.FromBase64String(created["secret"].GetString()!["whsec_".Length..]).Length.ShouldBe(32);
        var id = created["subscription"].GetProperty("id").GetString()!;
        created.Headers.Location.ToString().ShouldBe($"/api/webhook-subscriptions/{id}");

        var read = (await harness.CallAsync(r => functions.Get(r, id, default))).ShouldBe(200);
        read.Text.ShouldNotContain("whsec_");
        (read["enabled"].GetBoolean(), read["batch"].GetBoolean()).ShouldBe((true, false));
        read["events"].EnumerateArray().Select(e => e.GetString()).ShouldBe(["campaign.completed", "message.delivered"]);
        var etag = read.Headers.ETag.ToString();
        etag.ShouldBe(created.Headers.ETag.ToString());
        (await harness.CallAsync(r => functions.GetAll(r, default))).ShouldBe(200)["items"].GetArrayLength().ShouldBe(1);

        const string patch = """{ "name": "Shop", "batch": true, "enabled": false }""";
        (await harness.CallAsync(r => functions.Patch(r, id, default), patch)).ShouldBeProblem(428, "request.if_match_required");
        var patched = (await harness.CallAsync(r => functions.Patch(r, id, default), patch, ifMatch: etag)).ShouldBe(200);
        (patched["name"].GetString(), patched["url"].GetString(), patched["batch"].GetBoolean(), patched["enabled"].GetBoolean(), patched["disabledReason"].GetString())
            .ShouldBe(("Shop", "https://hooks.example.com/crm", true, false, "by_request"));
        (await harness.CallAsync(r => functions.Patch(r, id, default), patch, ifMatch: etag)).ShouldBeProblem(412, "request.etag_stale");
        (await harness.CallAsync(r => functions.Delete(r, id, default), ifMatch: etag)).ShouldBeProblem(412, "request.etag_stale");
        (await harness.CallAsync(r => functions.Delete(r, id, default), ifMatch: patched.Headers.ETag.ToString())).ShouldBe(204);
        (await harness.CallAsync(r => functions.Get(r, id, default))).ShouldBeProblem(404, "webhook.not_found");
        (await harness.CallAsync(r => harness.Create<WebhookDeliveryFunctions>().List(r, id, default))).ShouldBeProblem(404, "webhook.not_found");
    }

    [Theory]
    [InlineData("""{ "url": "https://a.example/", "events": ["message.sent"] }""", "/name")]
    [InlineData("""{ "name": "A", "events": ["message.sent"] }""", "/url")]
    [InlineData("""{ "name": "A", "url": "http://a.example/", "events": ["message.sent"] }""", "/url")]
    [InlineData("""{ "name": "A", "url": "https://10.0.0.1/", "events": ["message.sent"] }""", "/url")]
    [InlineData("""{ "name": "A", "url": "https://a.example/" }""", "/events")]
    [InlineData("""{ "name": "A", "url": "https://a.example/", "events": [] }""", "/events")]
    [InlineData("""{ "name": "A", "url": "https://a.example/", "events": ["webhook.test"] }""", "/events/0")]
    [InlineData("""{ "name": "A", "url": "https://a.example/", "events": ["message.lost"] }""", "/events/0")]
    public async Task What_cannot_work_is_refused(string body, string pointer)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        (await harness.CallAsync(r => harness.Create<SubscriptionFunctions>().Create(r, default), body)).ShouldBeProblem(400, "request.invalid", pointer);
    }

    [Fact]
    public async Task A_new_secret_and_the_former_one_both_sign_for_a_day()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        var functions = harness.Create<SubscriptionFunctions>();
        var rotated = (await harness.CallAsync(r => functions.Rotate(r, subscription.Id, default), ifMatch: "*")).ShouldBe(200);
        var (first, second) = (subscription.Secrets[0].Value, rotated["secret"].GetString()!);
        second.ShouldNotBe(first);
        rotated["subscription"].GetProperty("previousSecretUntil").GetDateTimeOffset().ShouldBeInRange(harness.Clock.GetUtcNow().AddHours(23), harness.Clock.GetUtcNow().AddHours(24));

        async Task<Hook> SendAsync()
        {
            server.Hooks.Clear();
            await harness.CallAsync(r => functions.Test(r, subscription.Id, default));
            return server.Hooks.Single();
        }

        var both = await SendAsync();
        (both.IsSignedBy(first), both.IsSignedBy(second), both.Signature.Split(' ').Length).ShouldBe((true, true, 2));
        harness.Clock.Advance(TimeSpan.FromHours(25));
        var later = await SendAsync();
        (later.IsSignedBy(first), later.IsSignedBy(second)).ShouldBe((false, true));

        // A secret that has become known ends at once with a second rotation.
        var third = (await harness.CallAsync(r => functions.Rotate(r, subscription.Id, default), ifMatch: "*"))["secret"].GetString()!;
        var fourth = (await harness.CallAsync(r => functions.Rotate(r, subscription.Id, default), ifMatch: "*"))["secret"].GetString()!;
        var last = await SendAsync();
        (last.IsSignedBy(second), last.IsSignedBy(third), last.IsSignedBy(fourth)).ShouldBe((false, true, true));
    }

    [Fact]
    public async Task A_rotation_that_is_carried_out_again_makes_one_secret()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var subscription = await harness.SubscribeAsync("https://hooks.example.com/");
        var save = harness.Get<SaveSubscription>();
        var once = await save.RotateAsync(subscription.Id, "*", default, "request");
        var twice = await save.RotateAsync(subscription.Id, "\"stale\"", default, "request");
        twice.Value.Secrets.Select(s => s.Value).ShouldBe(once.Value.Secrets.Select(s => s.Value));
    }

    [Fact]
    public async Task The_log_is_read_page_by_page_and_by_state()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        for (var i = 0; i < 5; i++)
        {
            server.AnswerWith(i == 2 ? 400 : 200);
            await harness.Get<DeliverWebhook>().TestAsync(subscription, $"t{i}", default);
        }

        var functions = harness.Create<WebhookDeliveryFunctions>();
        var read = new List<JsonElement>();
        string? next = null;
        do
        {
            var page = (await harness.CallAsync(r => functions.List(r, subscription.Id, default), query: "?limit=2" + (next is null ? "" : $"&cursor={next}"))).ShouldBe(200);
            read.AddRange(page["items"].EnumerateArray());
            next = page.Body.TryGetProperty("next", out var cursor) ? cursor.GetString() : null;
        }
        while (next is not null);

        read.Count.ShouldBe(5);
        read.Select(d => d.GetProperty("createdAt").GetDateTimeOffset()).ShouldBeInOrder(SortDirection.Descending);
        read.SelectMany(d => d.EnumerateObject()).Select(p => p.Name).ShouldNotContain("payload");
        var failed = (await harness.CallAsync(r => functions.List(r, subscription.Id, default), query: "?state=failed")).ShouldBe(200)["items"].EnumerateArray().Single();
        failed.GetProperty("attempts")[0].GetProperty("error").GetString().ShouldBe("http_400");
        var one = (await harness.CallAsync(r => functions.Get(r, subscription.Id, failed.GetProperty("id").GetString()!, default))).ShouldBe(200);
        one["payload"][0].GetProperty("id").GetString().ShouldBe("test_t2");
        (await harness.CallAsync(r => functions.List(r, subscription.Id, default), query: "?state=lost")).ShouldBeProblem(400, "request.invalid", "/state");
    }
}
