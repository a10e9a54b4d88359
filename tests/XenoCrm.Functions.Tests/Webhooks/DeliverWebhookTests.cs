using System.Text.Json;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform;
using XenoCrm.Webhooks;

namespace XenoCrm.Functions.Tests.Webhooks;

/// <summary>From an event that is stored to a subscriber's server, and what the log says of it.</summary>
public sealed class DeliverWebhookTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task An_event_is_signed_and_says_what_happened()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url, events: WebhookEventType.CampaignLaunched);
        var id = await harness.HappenAsync();
        await harness.RunAsync();

        var hook = server.Hooks.ShouldHaveSingleItem();
        hook.IsSignedBy(subscription.Secrets[0].Value).ShouldBeTrue(hook.ToString());
        (harness.Clock.GetUtcNow().ToUnixTimeSeconds() - long.Parse(hook.Timestamp)).ShouldBeInRange(0, 60);
        hook.Id.ShouldBe($"cmp_{id}_1");
        var sent = JsonElement.Parse(hook.Body);
        sent.EnumerateObject().Select(p => p.Name).ShouldBe(["id", "type", "timestamp", "data"]);
        (sent.GetProperty("id").GetString(), sent.GetProperty("type").GetString()).ShouldBe((hook.Id, "campaign.launched"));
        var data = sent.GetProperty("data");
        (data.GetProperty("campaignId").GetString(), data.GetProperty("name").GetString(), data.GetProperty("state").GetString()).ShouldBe((id, "Spring", "planning"));

        var logged = (await harness.LogAsync(subscription)).ShouldHaveSingleItem();
        (logged.State, logged.Events, logged.NextAt).ShouldBe((WebhookDeliveryState.Delivered, 1, null));
        var attempt = logged.Attempts.ShouldHaveSingleItem();
        (attempt.Requests, attempt.Delivered, attempt.Status, attempt.Error).ShouldBe((1, 1, 200, null));

        await harness.Get<PublishEvents>().SweepCampaignsAsync(default);
        await harness.RunAsync();
        server.Hooks.Count.ShouldBe(1, "It was told.");
    }

    [Fact]
    public async Task What_is_not_taken_is_tried_again_later_and_later()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        server.AnswerWith(500);
        await harness.HappenAsync();
        await harness.RunAsync(until: () => server.Hooks.Count == 5);
        server.AnswerWith(204);
        await harness.RunAsync();

        server.Hooks.Count.ShouldBe(6);
        server.Hooks.Select(h => (h.Id, h.Body)).Distinct().ShouldHaveSingleItem();
        server.Hooks.ShouldAllBe(h => h.IsSignedBy(subscription.Secrets[0].Value));
        var logged = (await harness.LogAsync(subscription)).ShouldHaveSingleItem();
        logged.State.ShouldBe(WebhookDeliveryState.Delivered);
        logged.Attempts.Select(a => a.Error).ShouldBe([.. Enumerable.Repeat("http_500", 5), null]);
        var waits = logged.Attempts.Zip(logged.Attempts.Skip(1), (a, b) => (b.At - a.At).TotalSeconds).ToList();
        foreach (var (wait, seconds) in waits.Zip([5.0, 30, 120, 600, 1800]))
        {
            // Whole seconds, and perhaps a rest of the receiver on top.
            wait.ShouldBeInRange(Math.Floor(seconds * 0.8), (seconds * 1.2) + 20);
        }

        (await harness.ReadAsync(subscription)).FailingSince.ShouldBeNull("It works again.");
    }

    [Fact]
    public async Task A_receiver_that_fails_for_days_is_disabled_and_gets_the_rest_by_a_replay()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        server.AnswerWith(500);
        var begin = harness.Clock.GetUtcNow();
        await harness.HappenAsync();
        await harness.RunAsync();
        (harness.Clock.GetUtcNow() - begin).ShouldBeInRange(TimeSpan.FromDays(2.4), TimeSpan.FromDays(4.5));
        var disabled = await harness.ReadAsync(subscription);
        (disabled.IsEnabled, disabled.DisabledReason).ShouldBe((false, WebhookSubscription.Failing));
        server.Hooks.Count.ShouldBeLessThan(20);

        // What happens while it is disabled is noted.
        server.AnswerWith(200);
        server.Hooks.Clear();
        await harness.HappenAsync();
        await harness.RunAsync();
        server.Hooks.ShouldBeEmpty();
        (await harness.LogAsync(subscription)).ShouldAllBe(d => d.State == WebhookDeliveryState.Held);

        var functions = harness.Create<SubscriptionFunctions>();
        (await harness.CallAsync(r => harness.Create<WebhookDeliveryFunctions>().ReplaySince(r, subscription.Id, default), query: "?since=2026-01-01T00:00:00Z"))
            .ShouldBeProblem(409, "webhook.disabled");
        var answer = await harness.CallAsync(r => functions.Patch(r, subscription.Id, default), """{ "enabled": true }""", ifMatch: "*");
        (answer.ShouldBe(200)["enabled"].GetBoolean(), answer.Body.TryGetProperty("failingSince", out _)).ShouldBe((true, false));
        (await harness.CallAsync(r => harness.Create<WebhookDeliveryFunctions>().ReplaySince(r, subscription.Id, default), query: "?since=2026-01-01T00:00:00Z"))
            .ShouldBe(202)["deliveries"].GetInt32().ShouldBe(2);
        await harness.RunAsync();
        server.TakenTypes.ShouldBe(["campaign.launched", "campaign.launched"]);
        (await harness.LogAsync(subscription)).ShouldAllBe(d => d.State == WebhookDeliveryState.Delivered && d.Replays == 1);
    }

    [Fact]
    public async Task Gone_disables_at_once()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        server.AnswerWith(410);
        await harness.HappenAsync();
        await harness.RunAsync();
        server.Hooks.Count.ShouldBe(1);
        var disabled = await harness.ReadAsync(subscription);
        (disabled.IsEnabled, disabled.DisabledReason).ShouldBe((false, WebhookSubscription.Gone));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task A_receiver_that_names_a_time_is_left_alone_until_then(int status)
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        server.AnswerWith(status, ("Retry-After", "400"));
        await harness.HappenAsync();
        await harness.RunAsync(until: () => !server.Hooks.IsEmpty);
        server.AnswerWith(200);
        await harness.HappenAsync();
        await harness.RunAsync();
        var log = await harness.LogAsync(subscription);
        var first = log.SelectMany(d => d.Attempts).Min(a => a.At);
        var later = log.Select(d => d.Attempts[^1].At - first).ToList();
        later.Count.ShouldBe(2);
        later.ShouldAllBe(t => t >= TimeSpan.FromSeconds(320) && t < TimeSpan.FromSeconds(600));
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_a_broken_connection_is_tried_again()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        await using var other = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        server.AnswerWith(307, ("Location", other.Url));
        await harness.HappenAsync();
        await harness.RunAsync(until: () => server.Hooks.Count == 1);
        server.Answer = (http, _) =>
        {
            http.Abort();
            return Task.CompletedTask;
        };
        await harness.RunAsync(until: () => server.Hooks.Count == 2);
        server.AnswerWith(200);
        await harness.RunAsync();
        other.Hooks.ShouldBeEmpty();
        (await harness.LogAsync(subscription)).Single().Attempts.Select(a => a.Error).ShouldBe(["redirect", "connection", null]);
    }

    [Fact]
    public async Task An_answer_that_does_not_come_is_not_waited_for()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator, ("Webhooks:Timeout", "00:00:00.500"));
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        server.Answer = (http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => http.Response.StatusCode = 500, TaskScheduler.Default);
        await harness.HappenAsync();
        await harness.RunAsync(until: () => !server.Hooks.IsEmpty);
        (await harness.LogAsync(subscription)).Single().Attempts.Select(a => a.Error).Distinct().ShouldBe(["timeout"]);
    }

    [Fact]
    public async Task A_test_event_is_sent_at_once_and_once()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        var functions = harness.Create<SubscriptionFunctions>();
        server.AnswerWith(401);
        var failed = await harness.CallAsync(r => functions.Test(r, subscription.Id, default));
        (failed.ShouldBe(200)["state"].GetString(), failed["attempts"][0].GetProperty("status").GetInt32()).ShouldBe(("failed", 401));
        await harness.RunAsync();
        server.AnswerWith(200);
        var worked = await harness.CallAsync(r => functions.Test(r, subscription.Id, default));
        (worked.ShouldBe(200)["state"].GetString(), worked["payload"][0].GetProperty("type").GetString()).ShouldBe(("delivered", "webhook.test"));
        server.Hooks.Count.ShouldBe(2);
        server.Hooks.ShouldAllBe(h => h.IsSignedBy(subscription.Secrets[0].Value));
        (await harness.LogAsync(subscription)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_replay_sends_the_same_bytes_under_the_same_id()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        await harness.HappenAsync();
        await harness.RunAsync();
        var functions = harness.Create<WebhookDeliveryFunctions>();
        var delivery = (await harness.LogAsync(subscription)).Single();
        (await harness.CallAsync(r => functions.Replay(r, subscription.Id, delivery.Id, default))).ShouldBe(202)["state"].GetString().ShouldBe("pending");
        await harness.RunAsync();
        server.Hooks.Count.ShouldBe(2);
        server.Hooks.Select(h => (h.Id, h.Body)).Distinct().ShouldHaveSingleItem();
        var replayed = (await harness.LogAsync(subscription)).Single();
        (replayed.State, replayed.Replays, replayed.Attempts.Count).ShouldBe((WebhookDeliveryState.Delivered, 1, 2));

        // What was delivered is not missing anything; asked for expressly it comes again.
        var since = Uri.EscapeDataString(UtcTimeConverter.Write(delivery.CreatedAt));
        (await harness.CallAsync(r => functions.ReplaySince(r, subscription.Id, default), query: $"?since={since}")).ShouldBe(202)["deliveries"].GetInt32().ShouldBe(0);
        (await harness.CallAsync(r => functions.ReplaySince(r, subscription.Id, default), query: $"?since={since}&all=true")).ShouldBe(202)["deliveries"].GetInt32().ShouldBe(1);
        await harness.RunAsync();
        server.Hooks.Count.ShouldBe(3);
        (await harness.CallAsync(r => functions.ReplaySince(r, subscription.Id, default))).ShouldBeProblem(400, "request.invalid", "/since");
        (await harness.CallAsync(r => functions.Replay(r, subscription.Id, "none", default))).ShouldBeProblem(404, "webhook.delivery_not_found");
    }

    [Fact]
    public async Task Retries_wait_in_the_log_and_a_replay_tries_them_now()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        var subscription = await harness.SubscribeAsync(server.Url);
        server.AnswerWith(500);
        await harness.HappenAsync();
        await harness.RunAsync(until: () => server.Hooks.Count == 7);
        server.AnswerWith(200);
        var waiting = (await harness.LogAsync(subscription)).Single();
        (waiting.NextAt - harness.Clock.GetUtcNow())!.Value.ShouldBeGreaterThan(TimeSpan.FromMinutes(40));
        var before = harness.Clock.GetUtcNow();
        await harness.Get<ReplayDeliveries>().OneAsync(subscription.Id, waiting.Id, default);
        await harness.RunAsync(until: () => server.Hooks.Count == 8);
        (harness.Clock.GetUtcNow() - before).ShouldBeLessThan(TimeSpan.FromMinutes(5));
        await harness.RunAsync();
        server.Hooks.Count.ShouldBe(8, "The message that waited finds it done.");
    }
}
