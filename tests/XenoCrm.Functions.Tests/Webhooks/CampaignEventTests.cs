using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Webhooks;
using Batch = XenoCrm.Delivery.Batch;

namespace XenoCrm.Functions.Tests.Webhooks;

/// <summary>Whether subscribers get all that happens, and nothing that does not.</summary>
public sealed class CampaignEventTests(DeliveryEmulator emulator)
{
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public async Task Every_event_of_a_campaign_arrives_whatever_breaks(bool batch, int seed)
    {
        const int customers = 330;
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        await harness.AddCustomersAsync(Enumerable.Range(1, customers), c => c.Id.EndsWith('7') ? c with { Email = null } : c);
        await harness.SubscribeAsync(server.Url, batch);
        var random = new Random(seed);
        var answers = new Random(seed);
        server.Answer = (http, _) =>
        {
            int bad;
            lock (answers)
            {
                bad = answers.Next(100);
            }

            http.Response.StatusCode = bad switch { < 10 => 500, < 13 => 429, < 16 => 404, _ => 200 };
            return Task.CompletedTask;
        };

        // The vendor refuses some; of the others it reports, in disorder and partly twice, what a hash of the id says.
        harness.Vendor.Answer = m => m.Id.EndsWith('3') ? new(VendorAnswer.Rejected, "invalid") : new(VendorAnswer.Accepted, null);
        harness.Vendor.Taken = messages =>
        {
            var receipts = messages.SelectMany(m => Fate(m.Id).Select(s => DeliveryHarness.Receipt(m.Id, s))).ToList();
            receipts.AddRange(receipts.Where(_ => random.Next(5) == 0).ToList());
            foreach (var some in receipts.OrderBy(_ => random.Next()).Chunk(150))
            {
                harness.Queues.PutBack(new(ReceiptInbox.Queue, JsonSerializer.Serialize(some, Json.Options), harness.Clock.GetUtcNow().AddSeconds(random.Next(120))));
            }

            return Task.CompletedTask;
        };

        Task Arm()
        {
            harness.Crash.Arm(random.Next(1, 60), random.Next(2) == 0);
            return Task.CompletedTask;
        }

        async Task TryAsync(Func<Task> timer)
        {
            try
            {
                await timer();
            }
            catch (Exception) when (harness.Crash.Restart())
            {
                // It comes again.
            }
        }

        var id = await harness.LaunchAsync();
        for (var turn = 0; turn < 12; turn++)
        {
            await Arm();
            var until = harness.Clock.GetUtcNow().AddSeconds(turn < 8 ? 20 : 100_000);
            await harness.RunAsync(Arm, () => harness.Clock.GetUtcNow() > until);
            await Arm();
            await TryAsync(() => harness.Get<RecordMessages>().SweepAsync(default));
            await TryAsync(() => harness.Get<PublishEvents>().SweepCampaignsAsync(default));
            await TryAsync(() => harness.Get<DeliverWebhook>().SweepAsync(default));
        }

        harness.Crash.Restart();
        await harness.RunAsync();
        await harness.RecordAsync();
        await harness.Get<PublishEvents>().SweepCampaignsAsync(default);
        await harness.RunAsync();

        var expected = (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.SelectMany((r, i) => EventsOf(r).Select(e => (b.MessageId(i), e)))).ToHashSet();
        expected.Select(e => e.e).Distinct().Count().ShouldBe(8, "of each kind some");
        var messages = server.Taken.Where(e => e.GetProperty("type").GetString()!.StartsWith("message.", StringComparison.Ordinal)).ToList();
        var got = messages.Select(e => (e.GetProperty("data").GetProperty("messageId").GetString()!, e.GetProperty("type").GetString()!["message.".Length..])).ToHashSet();
        expected.Except(got).ShouldBeEmpty("lost");
        got.Except(expected).ShouldBeEmpty("not in the ledger");
        messages.Select(e => e.GetProperty("id").GetString()).Distinct().Count().ShouldBe(expected.Count, "what comes again has the same id");
        messages.ShouldAllBe(e => e.GetProperty("data").EnumerateObject().All(p => p.Name == "campaignId" || p.Name == "messageId" || p.Name == "customerId" || p.Name == "channel" || p.Name == "reason"));

        var steps = server.Taken.Where(e => e.GetProperty("type").GetString()!.StartsWith("campaign.", StringComparison.Ordinal)).DistinctBy(e => e.GetProperty("id").GetString());
        steps.OrderBy(e => e.GetProperty("timestamp").GetDateTimeOffset()).Select(e => e.GetProperty("type").GetString()).ShouldBe(["campaign.launched", "campaign.completed"]);
        TestContext.Current.TestOutputHelper!.WriteLine($"{expected.Count} events, {messages.Count - expected.Count} of them came again, in {server.Hooks.Count} requests");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Telling_that_is_killed_anywhere_tells_everything(bool after)
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        await harness.AddCustomersAsync(Enumerable.Range(1, 3));
        await harness.SubscribeAsync(server.Url, batch: true, WebhookEventType.MessageSent, WebhookEventType.CampaignCompleted);
        for (var at = 1; ; at++)
        {
            var id = await harness.LaunchAsync();
            await harness.RunAsync();
            server.Taken.Clear();
            harness.Crash.Arm(at, after);
            var crashed = false;
            foreach (var timer in new[] { () => harness.Get<RecordMessages>().SweepAsync(default), () => harness.Get<PublishEvents>().SweepCampaignsAsync(default) })
            {
                try
                {
                    await timer();
                    await harness.RunAsync(() =>
                    {
                        crashed = true;
                        return Task.CompletedTask;
                    });
                }
                catch (Exception) when (harness.Crash.Restart())
                {
                    crashed = true;
                }
            }

            await harness.RecordAsync();
            await harness.Get<PublishEvents>().SweepCampaignsAsync(default);
            await harness.RunAsync();
            server.Taken.Select(e => e.GetProperty("id").GetString()!).Distinct().Order(StringComparer.Ordinal).ToArray()
                .ShouldBeEquivalentTo(new[] { $"cmp_{id}_2", $"msg_{id}_0_0_sent", $"msg_{id}_0_1_sent", $"msg_{id}_0_2_sent" }, $"killed at {at}");
            if (!crashed)
            {
                at.ShouldBeGreaterThan(10);
                break;
            }
        }
    }

    [Fact]
    public async Task Each_step_of_a_campaign_is_told()
    {
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        await harness.AddCustomersAsync(Enumerable.Range(1, 2));
        await harness.SubscribeAsync(server.Url);
        var steer = harness.Get<SteerCampaign>();
        var id = await harness.LaunchAsync();
        await steer.PauseAsync(id, null, default);
        await steer.ResumeAsync(id, null, default);
        await steer.CancelAsync(id, null, default);
        var failing = await harness.LaunchAsync();
        await harness.Get<Planner>().GiveUpAsync(new(failing), default);
        await harness.RunAsync();
        await harness.Get<PublishEvents>().SweepCampaignsAsync(default);
        await harness.RunAsync();

        List<string> Of(string campaign) => [.. server.Taken.Where(e => e.GetProperty("data").GetProperty("campaignId").GetString() == campaign)
            .OrderBy(e => e.GetProperty("id").GetString(), StringComparer.Ordinal).Select(e => e.GetProperty("type").GetString()!)];
        Of(id).ShouldBe(["campaign.launched", "campaign.paused", "campaign.resumed", "campaign.cancelled"]);
        Of(failing).ShouldBe(["campaign.launched", "campaign.failed"]);
        server.Taken.Single(e => e.GetProperty("type").GetString() == "campaign.failed").GetProperty("data").GetProperty("failure").GetString().ShouldNotBeNullOrEmpty();
        var stored = (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value;
        (stored.Moves, stored.MoveCount, stored.Unannounced).ShouldBe((null, 4, false));
    }

    [Fact]
    public void A_message_that_is_sent_after_all_and_then_fails_has_failed_twice()
    {
        var recipient = new Recipient { CustomerId = "c", Status = MessageStatus.Failed, Reason = Reasons.Poison, At = 5 };
        var batch = Batch.Create("camp", 0, ["c"], Samples.Noon);
        IReadOnlyList<string> Told(Recipient r) => [.. MessageNews.Of(batch with { Recipients = [r] }, null).Select(n => n.Key)];
        Told(recipient).ShouldBe(["camp.0.0.refused"]);
        recipient = recipient with { Recorded = MessageMark.Of(recipient) };
        Told(recipient).ShouldBeEmpty();
        recipient = recipient with { Status = MessageStatus.Sent, SentAt = 9, At = 9, Reason = null };
        Told(recipient).ShouldBe(["camp.0.0.sent"]);
        recipient = recipient with { Recorded = MessageMark.Of(recipient) };
        recipient = Ledger.Fold(recipient, new(MessageStatus.Failed, 20, "later", Accepted: true));
        Told(recipient).ShouldBe(["camp.0.0.failed"]);
        recipient = recipient with { Recorded = MessageMark.Of(recipient) };
        recipient = Ledger.Fold(recipient, new(MessageStatus.Delivered, 30, Accepted: true, Event: new(MessageEventKind.Complained, 30)));
        Told(recipient).ShouldBe(["camp.0.0.delivered", "camp.0.0.complained"]);
    }

    [Fact]
    public async Task What_a_subscriber_costs()
    {
        const int thousands = 3;
        await using var harness = await WebhookSteps.StartAsync(emulator);
        await using var server = await Subscriber.StartAsync();
        await harness.AddCustomersAsync(Enumerable.Range(1, thousands * 1000));
        harness.Get<Planner>().PageSize = 1000;
        harness.Vendor.Taken = messages =>
        {
            harness.Queues.PutBack(new(ReceiptInbox.Queue, JsonSerializer.Serialize(messages.Select(m => DeliveryHarness.Receipt(m.Id, ReceiptStatus.Delivered)), Json.Options), harness.Clock.GetUtcNow()));
            return Task.CompletedTask;
        };
        async Task<(int Requests, double Charge)> SendAsync()
        {
            harness.Meter.Reset();
            await harness.LaunchAsync();
            await harness.RunAsync();
            await harness.RecordAsync();
            return (harness.Meter.Requests, harness.Meter.Charge);
        }

        var without = await SendAsync();
        await harness.SubscribeAsync(server.Url, batch: true, WebhookEventType.MessageSent, WebhookEventType.MessageDelivered);
        var with = await SendAsync();
        server.Taken.Count.ShouldBe(thousands * 2000);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"Per 1,000 messages, each sent and delivered, a subscriber costs {(with.Requests - without.Requests) / thousands} requests and {(with.Charge - without.Charge) / thousands:F0} RU more than {without.Requests / thousands} and {without.Charge / thousands:F0}");
        ((with.Charge - without.Charge) / thousands).ShouldBeLessThan(2500);
        ((with.Requests - without.Requests) / thousands).ShouldBeLessThan(90);
    }

    private static ReceiptStatus[] Fate(string messageId) => (messageId[^1] - '0') switch
    {
        0 => [ReceiptStatus.Delivered, ReceiptStatus.Opened, ReceiptStatus.Clicked],
        1 => [ReceiptStatus.Bounced],
        2 => [ReceiptStatus.Sent, ReceiptStatus.Delivered, ReceiptStatus.Complained],
        3 => [],
        4 => [ReceiptStatus.Delivered, ReceiptStatus.Unsubscribed],
        5 => [ReceiptStatus.Failed],
        6 => [ReceiptStatus.Sent],
        _ => [ReceiptStatus.Delivered],
    };

    /// <summary>What the ledger says of a message, in the words of the events.</summary>
    private static IEnumerable<string> EventsOf(Recipient r) => new (string, bool)[]
    {
        ("sent", r.SentAt is not null), ("delivered", r.Status == MessageStatus.Delivered || r.DeliveredAt is not null), ("failed", r.Status == MessageStatus.Failed),
        ("bounced", r.Status == MessageStatus.Bounced), ("opened", r.OpenedAt is not null), ("clicked", r.ClickedAt is not null),
        ("complained", r.Has(MessageEventKind.Complained)), ("unsubscribed", r.Has(MessageEventKind.Unsubscribed)),
    }.Where(e => e.Item2).Select(e => e.Item1);
}
