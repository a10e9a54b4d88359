using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class CapTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task Campaigns_that_send_at_the_same_time_keep_the_cap_together_and_use_it_up()
    {
        const int people = 200;
        await using var harness = await StartAsync(2, 7);
        await harness.AddCustomersAsync(Enumerable.Range(1, people));
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await harness.LaunchAsync());
            await harness.RunAsync(until: () => State(harness, ids[^1]) == CampaignState.Sending);
            harness.Queues.Clear();
        }

        // Ten senders with a process each, all over the same customers.
        await Task.WhenAll(ids.SelectMany(id => new[] { harness.Create<Sender>(), harness.Create<Sender>() }.Select((s, n) => s.HandleAsync(new(id, n, 1), default))));
        await harness.RunAsync();
        foreach (var id in ids)
        {
            await harness.Get<Sender>().HandleAsync(new(id, 0, 2), default);
            var ledger = await harness.LedgerAsync(id);
            (ledger.Sent + ledger.Reasons.GetValueOrDefault(Reasons.Capped)).ShouldBe(people);
        }

        harness.Vendor.Carried.Count.ShouldBe(2 * people);
        harness.Vendor.Carried.GroupBy(a => a).ShouldAllBe(g => g.Count() == 2);
        (await harness.CustomerAsync(1)).Contacts!.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_cap_counts_back_from_each_message_by_its_channel_and_not_what_ignores_it()
    {
        await using var harness = await DeliveryHarness.StartAsync(
            emulator, ("Vendors:Sms:0", "recording"), ("Delivery:Caps:0:Messages", "2"), ("Delivery:Caps:0:Days", "7"), ("Delivery:Caps:1:Messages", "1"), ("Delivery:Caps:1:Days", "2"), ("Delivery:Caps:1:Channel", "Sms"));
        await harness.AddCustomersAsync([1], c => c with { Phone = "+41791234567", PhoneUsable = true });
        async Task<string?> SendAsync(Channel channel = Channel.Email, bool ignore = false)
        {
            var id = await harness.LaunchAsync(c => c with { Channel = channel, Variants = Variant.Only(new(null, null, "Hi", null)), Sending = ignore ? new(IgnoreCaps: true) : null });
            await harness.RunAsync();
            return (await harness.BatchesAsync(id))[0].Recipients[0].Reason;
        }

        (await SendAsync(Channel.Sms)).ShouldBeNull();
        (await SendAsync(Channel.Sms)).ShouldBe(Reasons.Capped, "One SMS in two days.");
        (await SendAsync(ignore: true)).ShouldBeNull();
        (await SendAsync()).ShouldBeNull("What ignores the cap does not count for it.");
        (await SendAsync()).ShouldBe(Reasons.Capped, "Two messages in a week.");
        harness.Clock.Advance(TimeSpan.FromDays(2.1));
        (await SendAsync(Channel.Sms)).ShouldBe(Reasons.Capped, "The other cap holds on.");
        (await SendAsync(Channel.Sms, ignore: true)).ShouldBeNull();
        harness.Clock.Advance(TimeSpan.FromDays(5));
        (await SendAsync()).ShouldBeNull();
        (await harness.CustomerAsync(1)).Contacts!.Count.ShouldBe(1, "What no cap asks about any more is dropped.");
    }

    [Fact]
    public async Task What_is_not_sent_after_all_does_not_count()
    {
        await using var harness = await StartAsync(1, 30);
        await harness.AddCustomersAsync(Enumerable.Range(1, 40));
        harness.Vendor.Answer = _ => new(VendorAnswer.Rejected, "invalid_recipient");
        var refused = await harness.LaunchAsync();
        await harness.RunAsync();
        (await harness.LedgerAsync(refused)).Failed.ShouldBe(40);
        await NobodyCountsAsync(harness, 40);

        // Put off by the vendor, then cancelled.
        harness.Vendor.Answer = _ => new(VendorAnswer.Deferred, "busy");
        var cancelled = await harness.LaunchAsync();
        await harness.RunAsync(until: () => harness.Queues.Sent.Count(m => m.Queue == SendRun.Queue && m.Json.Contains(cancelled, StringComparison.Ordinal)) > 1);
        (await harness.CustomerAsync(1)).Contacts!.Single().MessageId.ShouldStartWith(cancelled);
        await harness.Get<SteerCampaign>().CancelAsync(cancelled, null, default);
        await harness.RunAsync();
        (await harness.LedgerAsync(cancelled)).Reasons[Reasons.Cancelled].ShouldBe(40);
        await NobodyCountsAsync(harness, 40);

        // Put off until it is given up.
        var deferred = await harness.LaunchAsync();
        await harness.RunAsync();
        (await harness.LedgerAsync(deferred)).Failed.ShouldBe(40);
        await NobodyCountsAsync(harness, 40);

        // Given up because the run could not be worked on, then sent after all.
        harness.Vendor.Fails = () => new InvalidOperationException("A defect.");
        var poisoned = await harness.LaunchAsync();
        await harness.RunAsync();
        var poison = (await harness.LedgerAsync(poisoned)).Reasons[Reasons.Poison];
        poison.ShouldBe(40);

        harness.Vendor.Fails = () => null;
        harness.Vendor.Answer = _ => new(VendorAnswer.Accepted, null);
        await harness.Get<PoisonRuns>().ReplayAsync($"{poisoned}.0-1", default);
        await harness.RunAsync();
        (await harness.LedgerAsync(poisoned)).Sent.ShouldBe(40);
        (await harness.CustomerAsync(1)).Contacts!.Single().MessageId.ShouldStartWith(poisoned);
    }

    [Fact]
    public async Task What_the_vendor_says_it_never_had_does_not_count()
    {
        await using var harness = await StartAsync(1, 30);
        await harness.AddCustomersAsync(Enumerable.Range(1, 30));
        harness.Vendor.Idempotent = false;
        harness.Vendor.KeepsStatus = true;
        harness.Vendor.Fails = () => new VendorException(VendorFailure.Ambiguous, "no answer", TimeSpan.FromMilliseconds(1));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Unknown.ShouldBe(30);
        (await harness.CustomerAsync(1)).Contacts!.Count.ShouldBe(1, "It may have been sent.");

        harness.Clock.Advance(SettleUnknown.Patience + TimeSpan.FromSeconds(1));
        await harness.Get<SettleUnknown>().SweepAsync(default);
        (await harness.LedgerAsync(id)).Reasons[Reasons.NotTaken].ShouldBe(30);
        await NobodyCountsAsync(harness, 30);
    }

    [Fact]
    public async Task Who_is_held_out_takes_no_place_and_who_is_capped_is_not_held_out()
    {
        await using var harness = await StartAsync(1, 30);
        await harness.AddCustomersAsync(Enumerable.Range(1, 200), c => c.Id.EndsWith('3') ? c with { Contacts = [new("other.0.0", "email", harness.Clock.GetUtcNow())] } : c);
        var id = await harness.LaunchAsync(c => c with { Holdout = 0.5 });
        var check = await harness.Get<CheckCampaign>().HandleAsync(id, default);
        await harness.RunAsync();
        var recipients = (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients).ToList();
        recipients.Where(r => r.CustomerId.EndsWith('3')).ShouldAllBe(r => r.Reason == Reasons.Capped);
        recipients.Count(r => r.Reason == Reasons.Capped).ShouldBe(check.Skipped[Reasons.Capped]);
        recipients.Count(r => r.Reason == Reasons.Holdout).ShouldBe(check.HeldOut);
        foreach (var held in recipients.Where(r => r.Reason == Reasons.Holdout))
        {
            ((await harness.Get<CustomerStore>().ReadAsync(held.CustomerId, default))!.Value.Contacts ?? []).ShouldBeEmpty();
        }
    }

    /// <summary>Sliding windows over sequences of messages: no window ever holds more, and nothing is refused while one has room.</summary>
    [Fact]
    public void No_window_ever_holds_more_than_its_cap()
    {
        var random = new Random(11);
        for (var trial = 0; trial < 300; trial++)
        {
            Cap[] caps = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => new Cap { Messages = random.Next(1, 5), Days = random.Next(1, 10), Channel = random.Next(3) == 0 ? (Channel)random.Next(2) : null })];
            List<Contact> sent = [];
            var now = Samples.Noon;
            for (var i = 0; i < 60; i++)
            {
                now = now.AddHours(random.Next(1, 40));
                var channel = (Channel)random.Next(2);
                var free = caps.All(cap => (cap.Channel ?? channel) != channel
                    || sent.Count(s => (cap.Channel is null || s.Channel == channel.Name()) && now - s.At < TimeSpan.FromDays(cap.Days)) < cap.Messages);
                Caps.Exceeds(caps, sent, channel, null, now).ShouldBe(!free);
                if (free)
                {
                    sent.Add(new(i.ToString(), channel.Name(), now));
                    Caps.Exceeds(caps, sent, channel, i.ToString(), now).ShouldBeFalse("A message is not held against itself.");
                }
            }
        }
    }

    [Fact]
    public async Task A_thousand_messages_under_caps_cost_a_write_of_each_customer_more()
    {
        const int thousands = 3;
        await using var harness = await StartAsync(3, 7);
        await harness.AddCustomersAsync(Enumerable.Range(1, thousands * 1000), SendingTests.Typical);
        harness.Get<Planner>().PageSize = 2000;
        harness.Meter.Reset();
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        await harness.RecordAsync();
        var (requests, charge) = (harness.Meter.Requests / thousands, harness.Meter.Charge / thousands);
        (await harness.LedgerAsync(id)).Sent.ShouldBe(thousands * 1000);
        TestContext.Current.TestOutputHelper!.WriteLine($"{requests} requests and {charge:F0} RU per 1,000 messages");
        requests.ShouldBeLessThanOrEqualTo(75);
        charge.ShouldBeLessThanOrEqualTo(28_000);
    }

    [Fact]
    public async Task Places_go_with_a_customer_who_is_merged_and_are_given_back_there()
    {
        await using var harness = await StartAsync(1, 30);
        await harness.AddCustomersAsync([1, 2], c => c with { Contacts = [new($"sent.0.{c.Id[^1]}", "email", Samples.Noon), new("both.0.0", "email", Samples.Noon)] });
        var (into, from) = (await harness.CustomerAsync(1), (await harness.Get<CustomerStore>().ReadAsync(Samples.Customer(2).Id, default))!);
        var merged = CustomerMerge.Combine(into, from.Value, [], Samples.Noon);
        merged.Contacts!.Select(c => c.MessageId).ShouldBe(["sent.0.1", "both.0.0", "sent.0.2"]);
        CustomerMerge.Combine(into with { Contacts = null }, from.Value, [], Samples.Noon).Contacts.ShouldBe(from.Value.Contacts);
        CustomerMerge.Combine(into, from.Value with { Contacts = null }, [], Samples.Noon).Contacts.ShouldBe(into.Contacts);

        await harness.AddCustomersAsync([1], _ => merged);
        (await harness.Get<CustomerStore>().TryReplaceSlotAsync(from.Value.Id, CustomerSlot.Merged(from.Value.Id, into.Id, Samples.Noon), from.ETag, default)).ShouldBeTrue();
        await harness.Get<CapBook>().ReleaseAsync([(from.Value.Id, "sent.0.2"), (into.Id, "both.0.0"), ("nobody", "none.0.0")], default);
        (await harness.CustomerAsync(1)).Contacts!.Select(c => c.MessageId).ShouldBe(["sent.0.1"]);
    }

    private Task<DeliveryHarness> StartAsync(int messages, int days) =>
        DeliveryHarness.StartAsync(emulator, ("Delivery:Caps:0:Messages", $"{messages}"), ("Delivery:Caps:0:Days", $"{days}"));

    private static async Task NobodyCountsAsync(DeliveryHarness harness, int customers)
    {
        foreach (var number in Enumerable.Range(1, customers))
        {
            ((await harness.CustomerAsync(number)).Contacts ?? []).ShouldBeEmpty($"Customer {number}");
        }
    }

    private static CampaignState State(DeliveryHarness harness, string id) =>
        harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default).GetAwaiter().GetResult()!.Value.State;
}
