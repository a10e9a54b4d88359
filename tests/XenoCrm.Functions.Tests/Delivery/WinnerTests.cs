using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class WinnerTests(DeliveryEmulator emulator)
{
    private static readonly IReadOnlyList<Variant> Two = [new("A", 1, new("First", null, "a", null)), new("B", 1, new("Second", null, "b", null))];

    [Fact]
    public async Task A_part_gets_the_variants_and_the_rest_the_better_one()
    {
        await using var harness = await StartAsync(900);
        var sentAt = OpenAll(harness, "Second");
        var id = await LaunchAsync(harness, WinnerFallback.Weights);
        var launched = harness.Clock.GetUtcNow();
        await harness.RunAsync();

        var campaign = await ReadAsync(harness, id);
        (campaign.State, campaign.WinnerResult!.State, campaign.WinnerResult.Variant, campaign.WinnerResult.Looks).ShouldBe((CampaignState.Completed, WinnerState.Decided, "B", 1));
        var figures = campaign.WinnerResult.Figures;
        (figures[0].Successes, figures[1].Successes).ShouldBe((0, figures[1].Sent));
        foreach (var (messageId, customerId) in await MessagesAsync(harness, id))
        {
            var tested = Assignment.IsTested(campaign, customerId);
            (sentAt[messageId] - launched < TimeSpan.FromMinutes(30)).ShouldBe(tested);
            harness.Vendor.Contents[messageId].Subject.ShouldBe(tested && Assignment.VariantOf(campaign, customerId) == 0 ? "First" : "Second");
        }

        var ledger = await harness.LedgerAsync(id);
        (ledger.Sent, harness.Vendor.Carried.Count).ShouldBe((900, 900));
        figures.Sum(f => f.Sent).ShouldBeInRange(900 * 25 / 100, 900 * 35 / 100);
    }

    [Theory]
    [InlineData(WinnerFallback.Weights)]
    [InlineData(WinnerFallback.Best)]
    public async Task When_the_data_does_not_decide_the_rest_gets_its_messages_at_the_deadline(WinnerFallback otherwise)
    {
        await using var harness = await StartAsync(300);
        var sentAt = OpenAll(harness, "Second", only: 3);
        var id = await LaunchAsync(harness, otherwise);
        var launched = harness.Clock.GetUtcNow();
        await harness.RunAsync();

        var campaign = await ReadAsync(harness, id);
        (campaign.State, campaign.WinnerResult!.State, campaign.WinnerResult.Looks).ShouldBe((CampaignState.Completed, WinnerState.Undecided, WinnerRule.Looks));
        campaign.WinnerResult.Variant.ShouldBe(otherwise == WinnerFallback.Best ? "B" : null);
        foreach (var (messageId, customerId) in (await MessagesAsync(harness, id)).Where(m => !Assignment.IsTested(campaign, m.CustomerId)))
        {
            sentAt[messageId].ShouldBeGreaterThan(launched.AddHours(2));
            harness.Vendor.Contents[messageId].Subject.ShouldBe(otherwise == WinnerFallback.Weights && Assignment.VariantOf(campaign, customerId) == 0 ? "First" : "Second");
        }

        (await harness.LedgerAsync(id)).Sent.ShouldBe(300);
    }

    [Fact]
    public async Task The_variant_whose_messages_bring_orders_wins_where_conversions_count()
    {
        await using var harness = await StartAsync(600);
        var sentAt = OpenAll(harness, "First");
        var id = await LaunchAsync(harness, WinnerFallback.Weights, WinnerMetric.Conversion);
        await harness.RunAsync(until: () => !harness.Vendor.Carried.IsEmpty && !harness.Queues.Has(ReceiptInbox.Queue));

        // All that are tested get their message, and everyone who got B orders, some of them twice; of A only who takes the order back.
        var tested = await MessagesAsync(harness, id, sentAt.ContainsKey);
        harness.Queues.PutBack(new(ReceiptInbox.Queue, JsonSerializer.Serialize(tested.Select(m => DeliveryHarness.Receipt(m.MessageId, ReceiptStatus.Delivered) with { At = harness.Clock.GetUtcNow() }), Json.Options), harness.Clock.GetUtcNow()));
        await harness.RunAsync(until: () => !harness.Queues.Has(ReceiptInbox.Queue));
        await harness.Get<RecordMessages>().SweepAsync(default);
        await harness.RunAsync(until: () => !harness.Queues.Has(MessagesToRecord.Queue));
        var buyers = tested.Where(m => harness.Vendor.Contents[m.MessageId].Subject == "Second").Select(m => m.CustomerId).ToList();
        var others = tested.Select(m => m.CustomerId).Except(buyers).ToList();
        await OrderAsync(harness, buyers, "1", null);
        await OrderAsync(harness, [.. buyers.Take(10)], "2", null);
        await OrderAsync(harness, others, "3", OrderStatus.Cancelled);
        await harness.RunAsync();

        var campaign = await ReadAsync(harness, id);
        (campaign.State, campaign.WinnerResult!.State, campaign.WinnerResult.Variant).ShouldBe((CampaignState.Completed, WinnerState.Decided, "B"));
        campaign.WinnerResult.Figures.Select(f => (f.Sent, f.Successes)).ShouldBe([(others.Count, 0), (buyers.Count, buyers.Count)]);
        (await MessagesAsync(harness, id, m => !tested.Exists(t => t.MessageId == m))).ShouldAllBe(m => harness.Vendor.Contents[m.MessageId].Subject == "Second");
    }

    private static async Task OrderAsync(DeliveryHarness harness, IReadOnlyList<string> customers, string number, OrderStatus? status)
    {
        var rows = customers.Select((c, i) => new OrderRow(OrderNormalizer.Normalize(
            new() { OrderNumber = number, Customer = new() { Id = c }, Amount = 10, PlacedAt = harness.Clock.GetUtcNow().AddMinutes(5), Status = status }, "USD", [])!, i + 1));
        (await harness.Get<OrderWriter>().UpsertAsync([.. rows], new("test"), default)).ShouldAllBe(r => r.Outcome != WriteOutcome.Failed);
    }

    [Fact]
    public async Task The_one_decision_holds_for_every_planner()
    {
        await using var harness = await StartAsync(300);
        OpenAll(harness, "Second");
        var id = await LaunchAsync(harness, WinnerFallback.Weights);
        await harness.RunAsync(until: () => !harness.Vendor.Carried.IsEmpty && !harness.Queues.Has(ReceiptInbox.Queue));
        harness.Clock.Advance(TimeSpan.FromHours(1));
        var campaign = await ReadAsync(harness, id);
        var decisions = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => harness.Create<WinnerDecision>().LookAsync(campaign, default)));
        decisions.Select(d => d.WinnerResult!.At).Distinct().Count().ShouldBe(1);
        (await ReadAsync(harness, id)).WinnerResult!.At.ShouldBe(decisions[0].WinnerResult!.At);
    }

    [Fact]
    public async Task Who_waits_is_cancelled_paused_and_resumed_with_the_others()
    {
        await using var harness = await StartAsync(300);
        var id = await LaunchAsync(harness, WinnerFallback.Weights);
        var steer = harness.Get<SteerCampaign>();
        await harness.RunAsync(until: () => !harness.Vendor.Carried.IsEmpty);
        var sent = harness.Vendor.Carried.Count;
        sent.ShouldBeInRange(60, 120);

        // The test's time runs out during the pause: nobody decides, and nobody of the rest is sent to.
        await steer.PauseAsync(id, null, default);
        harness.Clock.Advance(TimeSpan.FromHours(1.2));
        await harness.RunAsync();
        harness.Vendor.Carried.Count.ShouldBe(sent);
        (await ReadAsync(harness, id)).WinnerResult.ShouldBeNull();
        await steer.ResumeAsync(id, null, default);
        await harness.RunAsync(until: () => ReadNow(harness, id).WinnerResult is not null);
        harness.Vendor.Carried.Count.ShouldBe(sent);

        await steer.CancelAsync(id, null, default);
        await harness.RunAsync();
        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Sent, ledger.Reasons[Reasons.Cancelled]).ShouldBe((CampaignState.Cancelled, sent, 300 - sent));
    }

    [Fact]
    public async Task While_all_wait_the_planner_looks_once_a_minute_and_plans_on()
    {
        await using var harness = await StartAsync(900);
        var id = await LaunchAsync(harness, WinnerFallback.Weights);
        await harness.RunAsync();
        var turns = harness.Queues.Sent.Count(m => m.Queue == CampaignTurn.Queue);
        var runs = harness.Queues.Sent.Count(m => m.Queue == SendRun.Queue);
        (turns, runs).ShouldSatisfyAllConditions(c => c.turns.ShouldBeInRange(100, 145), c => c.runs.ShouldBeLessThan(12));
        (await harness.LedgerAsync(id)).Sent.ShouldBe(900);
    }

    [Fact]
    public async Task Who_waits_is_not_ahead_of_the_senders()
    {
        await using var harness = await StartAsync(2500);
        var planner = harness.Get<Planner>();
        (planner.PageSize, planner.MaxOpenBatches) = (100, 3);
        var id = await LaunchAsync(harness, WinnerFallback.Weights);
        var launched = harness.Clock.GetUtcNow();
        await harness.RunAsync(until: () => ReadNow(harness, id).State == CampaignState.Sending);
        (harness.Clock.GetUtcNow() - launched).ShouldBeLessThan(TimeSpan.FromMinutes(30), "The audience is frozen long before the rest of it is sent to.");
        (await harness.LedgerAsync(id)).Audience.ShouldBe(2500);
    }

    /// <summary>A look, its decision, and the calling of the senders, killed at each way out.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Deciding_killed_anywhere_leaves_nobody_waiting_and_sends_to_nobody_twice(bool after)
    {
        await using var harness = await StartAsync(250);
        var crashes = 0;
        for (var at = 1; ; at++)
        {
            harness.Vendor.Carried.Clear();
            harness.Vendor.Asked.Clear();
            OpenAll(harness, "Second");
            var id = await LaunchAsync(harness, WinnerFallback.Weights);
            await harness.RunAsync(until: () => !harness.Vendor.Carried.IsEmpty && !harness.Queues.Has(ReceiptInbox.Queue));
            harness.Clock.Advance(TimeSpan.FromHours(1));
            var crashed = false;
            harness.Crash.Arm(at, after);
            await harness.RunAsync(() =>
            {
                crashed = true;
                return Task.CompletedTask;
            });

            var campaign = await ReadAsync(harness, id);
            (campaign.State, campaign.WinnerResult!.Variant).ShouldBe((CampaignState.Completed, "B"));
            (await harness.LedgerAsync(id)).Sent.ShouldBe(250);
            harness.Vendor.Carried.ShouldBeUnique();
            harness.Vendor.Carried.Count.ShouldBe(250);
            campaign.EndedAt!.Value.ShouldBeLessThan(campaign.LaunchedAt!.Value.AddHours(1.5), "Nobody waits for the deadline once it is decided.");
            if (!crashed)
            {
                break;
            }

            crashes++;
        }

        crashes.ShouldBeGreaterThan(10);
    }

    private async Task<DeliveryHarness> StartAsync(int customers)
    {
        var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, customers));
        return harness;
    }

    private static Task<string> LaunchAsync(DeliveryHarness harness, WinnerFallback otherwise, WinnerMetric metric = WinnerMetric.Open) => harness.LaunchAsync(c => c with
    {
        Variants = Two, Winner = new WinnerInput(metric, 0.3, "PT1H", Deadline: "PT2H", Otherwise: otherwise).Rule,
    });

    /// <summary>A person opens each message with that subject, a while after it was sent.</summary>
    /// <returns>When each message was handed over.</returns>
    private static Dictionary<string, DateTimeOffset> OpenAll(DeliveryHarness harness, string subject, int only = int.MaxValue)
    {
        var sentAt = new Dictionary<string, DateTimeOffset>();
        var opened = 0;
        harness.Vendor.Taken = messages =>
        {
            var receipts = new List<Receipt>();
            foreach (var message in messages)
            {
                sentAt[message.Id] = harness.Clock.GetUtcNow();
                if (message.Render().Subject == subject && opened++ < only)
                {
                    receipts.Add(DeliveryHarness.Receipt(message.Id, ReceiptStatus.Opened) with { At = harness.Clock.GetUtcNow().AddMinutes(2) });
                }
            }

            harness.Queues.PutBack(new(ReceiptInbox.Queue, JsonSerializer.Serialize(receipts, Json.Options), harness.Clock.GetUtcNow()));
            return Task.CompletedTask;
        };
        return sentAt;
    }

    private static async Task<List<(string MessageId, string CustomerId)>> MessagesAsync(DeliveryHarness harness, string id, Func<string, bool>? which = null) =>
        [.. (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.Select((r, i) => (MessageId: b.MessageId(i), r.CustomerId))).Where(m => which?.Invoke(m.MessageId) != false)];

    private static async Task<Campaign> ReadAsync(DeliveryHarness harness, string id) => (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value;

    private static Campaign ReadNow(DeliveryHarness harness, string id) => harness.Crash.Spare(() => ReadAsync(harness, id).GetAwaiter().GetResult());
}
