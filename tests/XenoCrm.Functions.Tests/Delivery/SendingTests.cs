using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class SendingTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task A_campaign_goes_from_launch_to_its_last_receipt()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 730));
        await harness.AddCustomersAsync(Enumerable.Range(1001, 50), c => c with { City = "Oslo" });
        harness.Vendor.Answer = m => m.To.StartsWith("c13@", StringComparison.Ordinal) ? new(VendorAnswer.Rejected, "invalid_recipient") : new(VendorAnswer.Accepted, null);
        harness.Vendor.Taken = messages => PostAsync(harness, [.. messages.Where(m => !m.To.StartsWith("c13@", StringComparison.Ordinal))
            .Select((m, i) => DeliveryHarness.Receipt(m.Id, i % 10 == 0 ? ReceiptStatus.Failed : ReceiptStatus.Delivered, i % 10 == 0 ? "blocked" : null))]);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Planned, s.Audience, s.Sent, s.Pending).ShouldBe((CampaignState.Completed, true, 730, 729, 0));
        s.Delivered.ShouldBe(730 - 1 - s.Reasons["blocked"]);
        s.Reasons["invalid_recipient"].ShouldBe(1);
        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
        harness.Vendor.Carried.Count.ShouldBe(729);
    }

    [Fact]
    public async Task Nobody_is_an_audience_too()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var s = await harness.LedgerAsync(id);
        (s.State, s.Planned, s.Audience).ShouldBe((CampaignState.Completed, true, 0));
    }

    [Fact]
    public async Task Who_must_not_be_written_to_is_found_out_when_sending_and_not_when_planning()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 20));
        var id = await harness.LaunchAsync();
        await harness.RunAsync(until: () => harness.Queues.Sent.Any(m => m.Queue == SendRun.Queue));

        Dictionary<string, Consent> Withdrawn() => new() { ["email"] = new(ConsentState.Withdrawn, Samples.Noon, "api") };
        await harness.AddCustomersAsync([1], c => c with { Consent = Withdrawn() });
        await harness.AddCustomersAsync([2], c => c with { Email = null });
        await harness.AddCustomersAsync([3], c => c with { Email = "no address" });
        await harness.RemoveCustomerAsync(4);
        await harness.AddCustomersAsync([5], c => c with { Email = "New@Example.com" });
        var hash = harness.Get<AddressHasher>().Hash(Channel.Email, " C6@EXAMPLE.com");
        await harness.Get<SuppressionStore>().AddAsync(new(hash, Channel.Email, "complained", Samples.Noon, "u"), default);
        await harness.AddCustomersAsync([7], c => c with { City = "Oslo" });
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.Audience, s.Sent, s.Skipped, s.Suppressed).ShouldBe((20, 15, 4, 1));
        s.Reasons.ShouldBe(new Dictionary<string, int>
        {
            ["consent_withdrawn"] = 1, ["address_missing"] = 1, ["address_unusable"] = 1, ["customer_gone"] = 1, ["complained"] = 1,
        }, ignoreOrder: true);
        harness.Vendor.Carried.ShouldContain("New@Example.com");
        harness.Vendor.Carried.ShouldNotContain("c5@example.com");
    }

    [Fact]
    public async Task Where_consent_is_required_only_who_gave_it_is_written_to()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Delivery:RequireConsent", "true"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 5));
        await harness.AddCustomersAsync([3], c => c with { Consent = new Dictionary<string, Consent> { ["email"] = new(ConsentState.Granted, Samples.Noon, "api") } });
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        harness.Vendor.Carried.ShouldBe(["c3@example.com"]);
        (await harness.LedgerAsync(id)).Reasons.ShouldBe(new Dictionary<string, int> { ["consent_missing"] = 4 });
    }

    [Fact]
    public async Task Receipts_that_overtake_the_vendors_answer_are_not_lost()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 250));

        // The intent is stored, the outcome is not: the receipts are folded in between, and the sender's write finds another ETag.
        harness.Vendor.Taken = messages => harness.Get<ApplyReceipts>().HandleAsync(
            [.. messages.Select((m, i) => DeliveryHarness.Receipt(m.Id, i % 2 == 0 ? ReceiptStatus.Delivered : ReceiptStatus.Opened))], default);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Delivered, s.Sent, s.Opened, s.Pending).ShouldBe((CampaignState.Completed, 250, 250, 125, 0));
    }

    [Fact]
    public async Task Two_senders_with_the_same_run_send_it_once()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 300));
        var id = await harness.LaunchAsync();
        await harness.RunAsync(until: () => harness.Queues.Sent.Any(m => m.Queue == SendRun.Queue));
        var sender = harness.Get<Sender>();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => sender.HandleAsync(new(id, 0, 3), default)));
        await harness.RunAsync();

        (await harness.LedgerAsync(id)).Sent.ShouldBe(300);
        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
        harness.Vendor.Asked.Count.ShouldBe(300);
    }

    [Theory]
    [InlineData(VendorFailure.NotTaken, true)]
    [InlineData(VendorFailure.Ambiguous, true)]
    [InlineData(VendorFailure.NotTaken, false)]
    public async Task An_outage_of_the_vendor_delays_and_loses_nothing(VendorFailure failure, bool idempotent)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 120));
        harness.Vendor.Idempotent = idempotent;
        var refusals = 6;
        harness.Vendor.Fails = () => refusals-- > 0 ? new VendorException(failure, "down", TimeSpan.FromMilliseconds(1)) : null;
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Sent, s.Unknown).ShouldBe((CampaignState.Completed, 120, 0));
        harness.Vendor.Carried.ShouldBeUnique();
    }

    [Fact]
    public async Task A_vendor_without_ids_is_not_asked_again_after_a_time_out()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 30));
        harness.Vendor.Idempotent = false;
        harness.Vendor.Taken = _ => throw new VendorException(VendorFailure.Ambiguous, "no answer");
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Unknown, s.Pending, s.Reasons["interrupted"]).ShouldBe((CampaignState.Completed, 30, 30, 30));
        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);

        // A receipt settles it.
        await harness.Get<ApplyReceipts>().HandleAsync([DeliveryHarness.Receipt($"{id}.0.4", ReceiptStatus.Delivered)], default);
        s = await harness.LedgerAsync(id);
        (s.Unknown, s.Delivered).ShouldBe((29, 1));
    }

    [Fact]
    public async Task Messages_that_the_vendor_puts_off_are_sent_later_and_given_up_in_the_end()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 10));
        var asked = 0;
        harness.Vendor.Answer = m => m.To switch
        {
            "c1@example.com" => new(VendorAnswer.Deferred, "greylisted"),
            "c2@example.com" when ++asked < 3 => new(VendorAnswer.Deferred, "greylisted"),
            _ => new(VendorAnswer.Accepted, null),
        };
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Sent, s.Failed, s.Reasons["greylisted"]).ShouldBe((CampaignState.Completed, 9, 1, 1));
        harness.Vendor.Carried.ShouldBeUnique();
    }

    [Fact]
    public async Task A_pause_holds_everything_back_and_resuming_repeats_nothing()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 1000));
        var steer = harness.Get<SteerCampaign>();
        var id = await harness.LaunchAsync();
        var paused = false;
        harness.Vendor.Taken = async _ =>
        {
            if (!paused)
            {
                paused = true;
                await steer.PauseAsync(id, null, default);
            }
        };
        await harness.RunAsync();

        var held = await harness.LedgerAsync(id);
        held.State.ShouldBe(CampaignState.Paused);
        held.Sent.ShouldBe(300, "The run that was with the vendor, and no other.");
        await steer.ResumeAsync(id, null, default);
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Planned, s.Sent).ShouldBe((CampaignState.Completed, true, 1000));
        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_campaign_accounts_for_the_rest(bool pausedBefore)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 1000));
        var steer = harness.Get<SteerCampaign>();
        var id = await harness.LaunchAsync();
        var stopped = false;
        harness.Vendor.Taken = async _ =>
        {
            if (!stopped)
            {
                stopped = true;
                await (pausedBefore ? steer.PauseAsync(id, null, default) : steer.CancelAsync(id, null, default));
            }
        };
        await harness.RunAsync();
        if (pausedBefore)
        {
            await steer.CancelAsync(id, null, default);
            await harness.RunAsync();
        }

        var s = await harness.LedgerAsync(id);
        (s.State, s.Planned, s.Sent).ShouldBe((CampaignState.Cancelled, true, 300));
        (s.Skipped, s.Reasons["cancelled"]).ShouldBe((s.Audience - 300, s.Audience - 300));
        (await Should.ThrowAsync<ProblemException>(() => steer.ResumeAsync(id, null, default))).Problem.Code.ShouldBe("campaign.state");
    }

    [Fact]
    public async Task Of_several_launches_at_once_one_is_taken_and_the_others_are_refused()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 50));
        await harness.Get<WorkspaceStore<Campaign>>().TryCreateAsync(Samples.Campaign("c1") with { SegmentId = DeliveryHarness.SegmentId }, default);
        var steer = harness.Get<SteerCampaign>();
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ =>
        {
            try
            {
                await steer.LaunchAsync("c1", null, new("u", "U", Accounts.Role.Manager), default);
                return "launched";
            }
            catch (ProblemException exception)
            {
                return $"{exception.Problem.Status} {exception.Problem.Code}";
            }
        }));
        answers.Order().ShouldBe(["409 campaign.state", "409 campaign.state", "409 campaign.state", "409 campaign.state", "launched"]);
        await harness.RunAsync();
        (await harness.LedgerAsync("c1")).Sent.ShouldBe(50);
        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
    }

    [Fact]
    public async Task A_launch_that_died_before_the_campaign_changed_leaves_a_draft_and_no_work()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1]);
        await harness.Get<WorkspaceStore<Campaign>>().TryCreateAsync(Samples.Campaign("draft") with { SegmentId = DeliveryHarness.SegmentId }, default);
        await harness.Get<Platform.Queues.JobQueue>().SendAsync(CampaignTurn.Queue, new CampaignTurn("draft", CampaignState.Draft), null, default);
        await harness.RunAsync();
        (await harness.LedgerAsync("draft")).State.ShouldBe(CampaignState.Draft);
        harness.Vendor.Carried.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_campaign_whose_segment_is_gone_fails_and_says_why()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await harness.LaunchAsync();
        await harness.Get<WorkspaceStore<Segments.Segment>>().DeleteAsync(DeliveryHarness.SegmentId, null, default);
        await harness.RunAsync();
        var campaign = (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value;
        (campaign.State, campaign.Failure).ShouldBe((CampaignState.Failed, "segment.not_found"));
    }

    [Fact]
    public async Task A_run_that_is_given_up_is_accounted_for_and_can_be_sent_after_all()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 200));
        var id = await harness.LaunchAsync();
        harness.Vendor.Fails = () => new InvalidOperationException("a bug");
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        s.State.ShouldBe(CampaignState.Completed);
        (s.Failed + s.Unknown).ShouldBe(200);
        s.Reasons.ShouldBe(new Dictionary<string, int> { ["poison"] = 200 });
        var run = (await harness.Get<WorkspaceStore<PoisonRun>>().PageAsync(null, 10, default)).ShouldHaveSingleItem().Value;

        harness.Vendor.Fails = () => null;
        await harness.Get<PoisonRuns>().ReplayAsync(run.Id, default);
        await harness.RunAsync();
        s = await harness.LedgerAsync(id);
        (s.State, s.Sent, s.Failed, s.Unknown).ShouldBe((CampaignState.Completed, 200, 0, 0));
        harness.Vendor.Carried.ShouldBeUnique();
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<PoisonRuns>().ReplayAsync(run.Id, default))).Problem.Status.ShouldBe(409);
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<PoisonRuns>().ReplayAsync("none", default))).Problem.Status.ShouldBe(404);
    }

    [Fact]
    public async Task Bounces_and_complaints_suppress_the_address_written_to_and_unsubscribing_withdraws_consent()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 10));
        var first = await harness.LaunchAsync();
        await harness.RunAsync();

        // Customer 1 has another address by the time the bounce of the old one comes.
        await harness.AddCustomersAsync([1], c => c with { Email = "moved@example.com" });
        Receipt[] receipts =
        [
            DeliveryHarness.Receipt($"{first}.0.0", ReceiptStatus.Bounced, "no_such_user"), DeliveryHarness.Receipt($"{first}.0.1", ReceiptStatus.Complained),
            DeliveryHarness.Receipt($"{first}.0.2", ReceiptStatus.Unsubscribed), DeliveryHarness.Receipt($"{first}.0.3", ReceiptStatus.Clicked),
        ];
        for (var i = 0; i < 2; i++)
        {
            await harness.Get<ApplyReceipts>().HandleAsync(receipts, default);
            var s = await harness.LedgerAsync(first);
            (s.Delivered, s.Failed, s.Clicked, s.Reasons["no_such_user"]).ShouldBe((3, 1, 1, 1));
        }

        (await harness.Get<SuppressionStore>().PageAsync(null, 10, default)).Select(x => x.Reason).Order().ShouldBe(["bounced", "complained"]);
        harness.Vendor.Carried.Clear();
        var second = await harness.LaunchAsync();
        await harness.RunAsync();
        harness.Vendor.Carried.ShouldContain("moved@example.com");
        (await harness.LedgerAsync(second)).Reasons.ShouldBe(new Dictionary<string, int> { ["complained"] = 1, ["consent_withdrawn"] = 1 }, ignoreOrder: true);
    }

    [Fact]
    public async Task A_receipt_from_a_clock_that_is_ahead_withdraws_consent_as_of_now()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1]);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var now = harness.Clock.GetUtcNow();
        await harness.Get<ApplyReceipts>().HandleAsync([DeliveryHarness.Receipt($"{id}.0.0", ReceiptStatus.Unsubscribed) with { At = now.AddYears(1) }], default);

        // Who agrees again a day later is not held to a withdrawal that lies in the future.
        var withdrawn = (await harness.CustomerAsync(1)).Consent["email"];
        (withdrawn.State, withdrawn.At).ShouldSatisfyAllConditions(c => c.State.ShouldBe(ConsentState.Withdrawn), c => c.At.ShouldBe(now, TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public async Task Receipts_of_unknown_messages_are_kept_once_and_disturb_nothing()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1]);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        for (var i = 0; i < 2; i++)
        {
            await harness.Get<ApplyReceipts>().HandleAsync(
                [
                    DeliveryHarness.Receipt($"{id}.0.0", ReceiptStatus.Delivered), DeliveryHarness.Receipt($"{id}.0.50", ReceiptStatus.Delivered),
                    DeliveryHarness.Receipt($"{id}.7.0", ReceiptStatus.Delivered), DeliveryHarness.Receipt("what/is?this", ReceiptStatus.Delivered),
                ],
                default);
        }

        (await harness.LedgerAsync(id)).Delivered.ShouldBe(1);
        (await harness.Get<StrayReceiptStore>().CountAsync(default)).ShouldBe(3);
    }

    /// <summary>As large as customers are.</summary>
    internal static Customer Typical(Customer c) => c with
    {
        LastName = "Longbottom-Featherstonehaugh", Phone = "+41791234567", PhoneUsable = true, Country = "CH", PostalCode = "8001", Company = "Example & Sons",
        Language = "de-CH", TimeZone = "Europe/Zurich", Tags = ["vip", "newsletter"], Source = "import", OrderCount = 7, TotalSpend = 123456, AverageOrderValue = 17637,
        FirstOrderAt = Samples.Noon, LastOrderAt = Samples.Noon, LastActiveAt = Samples.Noon, SegmentIds = ["a", "b", "c"],
        Attributes = new Dictionary<string, JsonElement> { ["plan"] = JsonSerializer.SerializeToElement("gold"), ["score"] = JsonSerializer.SerializeToElement(17) },
        Categories = Enumerable.Range(0, 5).ToDictionary(i => $"category-{i}", i => new CategoryTotals(i, i * 1000, Samples.Noon)),
    };

    [Fact]
    public async Task A_thousand_messages_cost_at_most_sixty_requests_and_16000_units()
    {
        const int thousands = 6;
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, thousands * 1000), Typical);
        harness.Get<Planner>().PageSize = 2000;

        // As the vendor's posts arrive: three hundred receipts to a message, spread over the batches of a run.
        harness.Vendor.Taken = messages => PostAsync(harness, [.. messages.OrderBy(m => m.Id[^1]).ThenBy(m => m.Id, StringComparer.Ordinal).Select(m => DeliveryHarness.Receipt(m.Id, ReceiptStatus.Delivered))], 300);
        harness.Meter.Reset();
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var sending = harness.Meter.Charge / thousands;
        await harness.RecordAsync();
        var (requests, charge) = (harness.Meter.Requests / thousands, harness.Meter.Charge / thousands);

        (await harness.LedgerAsync(id)).Delivered.ShouldBe(thousands * 1000);
        TestContext.Current.TestOutputHelper!.WriteLine($"{requests} requests and {charge:F0} RU per 1,000 messages, {charge - sending:F0} of them for telling the customers");
        requests.ShouldBeLessThanOrEqualTo(60);
        charge.ShouldBeLessThanOrEqualTo(16_000);
    }

    [Fact]
    public async Task Messages_are_listed_page_by_page_with_their_customers()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 1150), c => c.Id.EndsWith("ff", StringComparison.Ordinal) ? c with { Email = null } : c);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var messages = harness.Get<CampaignMessages>();
        var campaign = await messages.CampaignAsync(id, default);

        async Task<List<MessageView>> All(MessageStatus? status, int limit)
        {
            var read = new List<MessageView>();
            string? position = null;
            do
            {
                var page = await messages.ReadAsync(campaign, new(status), new(limit, position), "list", default);
                page.Items.Count.ShouldBeLessThanOrEqualTo(limit);
                read.AddRange(page.Items);
                position = page.Next is null ? null : harness.Get<Cursors>().Unprotect("list", page.Next);
            }
            while (position is not null);
            return read;
        }

        var all = await All(null, 130);
        all.Select(m => m.CustomerId).ShouldBe(Enumerable.Range(1, 1150).Select(n => Samples.Customer(n).Id));
        all[41].ShouldSatisfyAllConditions(m => m.MessageId.ShouldBe($"{id}.0.41"), m => m.CustomerName.ShouldBe("First42"), m => m.Status.ShouldBe(MessageStatus.Sent));
        var skipped = await All(MessageStatus.Skipped, 3);
        skipped.Select(m => m.Reason).ShouldBe(Enumerable.Repeat("address_missing", 4));
    }

    private static Task PostAsync(DeliveryHarness harness, IReadOnlyList<Receipt> receipts, int perMessage = 120)
    {
        foreach (var some in receipts.Chunk(perMessage))
        {
            harness.Queues.PutBack(new(ReceiptInbox.Queue, JsonSerializer.Serialize(some, Json.Options), harness.Clock.GetUtcNow()));
        }

        return Task.CompletedTask;
    }
}
