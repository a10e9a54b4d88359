using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class RecordMessagesTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task Customers_know_what_became_of_their_messages()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 40), c => c.Id.EndsWith('4') ? c with { Email = null } : c);
        harness.Vendor.Answer = m => m.To == "c5@example.com" ? new(VendorAnswer.Rejected, "invalid_recipient") : new(VendorAnswer.Accepted, null);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        await ReceiveAsync(harness, id, (1, ReceiptStatus.Delivered), (2, ReceiptStatus.Clicked), (3, ReceiptStatus.Bounced));
        await harness.RecordAsync();

        var first = await harness.CustomerAsync(1);
        first.Messages.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            m => (m.Id, m.CampaignId, m.Channel, m.Status).ShouldBe(($"{id}.0.0", id, "email", "delivered")),
            m => m.SentAt.ShouldNotBeNull(),
            m => m.OpenedAt.ShouldBeNull());
        first.Engagement.ShouldBe(new() { Sent = 1, Delivered = 1 });
        first.UpdatedAt.ShouldBe(Samples.Noon, "Nobody has edited the customer.");

        var second = await harness.CustomerAsync(2);
        second.Engagement.ShouldBe(new() { Sent = 1, Delivered = 1, Clicked = 1, LastClickedAt = second.Messages[0].ClickedAt });
        second.Engagement.LastClickedAt.ShouldNotBeNull();
        var third = await harness.CustomerAsync(3);
        (third.Messages[0].Status, third.Engagement).ShouldBe(("bounced", new Engagement { Sent = 1 }));
        (await harness.CustomerAsync(4)).Messages.ShouldBeEmpty("There was no message.");
        var fifth = await harness.CustomerAsync(5);
        (fifth.Messages[0].Status, fifth.Messages[0].SentAt, fifth.Engagement).ShouldBe(("failed", null, new Engagement()));
        (await harness.CustomerAsync(6)).Messages[0].Status.ShouldBe("sent");

        (await harness.Get<BatchStore>().UnrecordedAsync(10, TimeSpan.Zero, default)).ShouldBeEmpty();
        await ReceiveAsync(harness, id, (1, ReceiptStatus.Bounced), (2, ReceiptStatus.Opened));
        await harness.RecordAsync();
        (await harness.CustomerAsync(1)).Engagement.ShouldBe(new() { Sent = 1 }, "It came back after all.");
        var opened = await harness.CustomerAsync(2);
        opened.Engagement.ShouldBe(second.Engagement with { Opened = 1, LastOpenedAt = opened.Messages[0].OpenedAt });
    }

    [Fact]
    public async Task A_receipt_changes_the_segments_that_ask_for_it()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var now = harness.Clock.GetUtcNow();
        await harness.Get<WorkspaceStore<Segment>>().TryCreateAsync(
            new()
            {
                Id = "readers", Name = "Readers", Version = 1, CreatedAt = now, UpdatedAt = now,
                Rule = JsonSerializer.SerializeToElement(new { combinator = "and", rules = new[] { new { field = "engagement.opened", @operator = ">", value = 0 } } }),
            },
            default);
        await harness.AddCustomersAsync(Enumerable.Range(1, 3));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        await ReceiveAsync(harness, id, (2, ReceiptStatus.Opened));
        await harness.RecordAsync();

        (await harness.CustomerAsync(2)).SegmentIds.ShouldContain("readers");
        (await harness.CustomerAsync(1)).SegmentIds.ShouldNotContain("readers");
    }

    [Fact]
    public async Task Customers_are_told_after_what_is_to_be_sent_but_not_for_ever()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Delivery:ConcurrentRuns", "1"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 3));
        await harness.LaunchAsync();
        await harness.RunAsync();
        var told = new List<bool>();
        harness.Vendor.Taken = async _ =>
        {
            await SweepAsync();
            harness.Clock.Advance(TimeSpan.FromMinutes(5));
            await SweepAsync();
        };
        await harness.LaunchAsync();
        await harness.RunAsync();
        told.ShouldBe([false, true]);

        async Task SweepAsync()
        {
            await harness.Get<RecordMessages>().SweepAsync(default);
            told.Add(harness.Queues.Has(MessagesToRecord.Queue));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Recording_killed_anywhere_counts_everything_once(bool after)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 130));
        for (var campaigns = 1; ; campaigns++)
        {
            var id = await harness.LaunchAsync();
            await harness.RunAsync();
            await ReceiveAsync(harness, id, [.. Enumerable.Range(1, 130).Select(n => (n, n % 2 == 0 ? ReceiptStatus.Opened : ReceiptStatus.Delivered))]);
            harness.Crash.Arm(campaigns, after);
            var crashed = false;
            try
            {
                await harness.RecordAsync(() =>
                {
                    crashed = true;
                    return Task.CompletedTask;
                });
            }
            catch (Exception) when (harness.Crash.Restart())
            {
                // Killed while it looked what there is to do: the timer comes again.
                crashed = true;
            }

            await harness.RecordAsync();
            foreach (var number in new[] { 1, 2, 100, 130 })
            {
                var customer = await harness.CustomerAsync(number);
                var expected = new Engagement { Sent = campaigns, Delivered = campaigns, Opened = number % 2 == 0 ? campaigns : 0 };
                (customer.Engagement with { LastOpenedAt = null }).ShouldBe(expected);
                customer.Messages.Count.ShouldBe(Math.Min(campaigns, CustomerMessage.MaxKept + CustomerMessage.MaxTouching));
                customer.Messages[^1].CampaignId.ShouldBe(id);
            }

            if (!crashed)
            {
                campaigns.ShouldBeGreaterThan(4);
                break;
            }
        }
    }

    [Fact]
    public async Task A_late_receipt_for_a_message_that_is_no_longer_listed_still_counts()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1]);
        var ids = new List<string>();
        for (var i = 0; i < CustomerMessage.MaxKept + 2; i++)
        {
            ids.Add(await harness.LaunchAsync());
            await harness.RunAsync();
            await harness.RecordAsync();
        }

        await ReceiveAsync(harness, ids[0], (1, ReceiptStatus.Opened));
        await harness.RecordAsync();
        var customer = await harness.CustomerAsync(1);
        (customer.Engagement with { LastOpenedAt = null }).ShouldBe(new() { Sent = ids.Count, Delivered = 1, Opened = 1 });
    }

    [Fact]
    public async Task A_customer_that_changes_or_goes_meanwhile_is_in_nobodys_way()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 60));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        await harness.RemoveCustomerAsync(60);
        var visit = harness.Get<RecordVisit>();
        var visits = Task.WhenAll(Enumerable.Range(1, 20).Select(async n =>
        {
            for (var i = 0; i < 5; i++)
            {
                await visit.HandleAsync(Samples.Customer(n).Id, new(Samples.Noon), default);
            }
        }));
        await harness.RecordAsync();
        await visits;

        for (var n = 1; n <= 20; n++)
        {
            var customer = await harness.CustomerAsync(n);
            (customer.Visits, customer.Engagement.Sent, customer.Messages.Count).ShouldBe((5, 1, 1));
        }

        (await harness.Get<BatchStore>().UnrecordedAsync(10, TimeSpan.Zero, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Messages_of_a_customer_that_was_merged_belong_to_the_other_one()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1, 2, 3]);
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var container = harness.Get<CosmosDatabase>().Container(CustomerStore.ContainerName);
        var (one, two, three) = (Samples.Customer(1), Samples.Customer(2), Samples.Customer(3));
        await container.UpsertItemStreamAsync(CustomerSlot.Merged(one.Id, two.Id, Samples.Noon), new(one.Id));
        await container.UpsertItemStreamAsync(CustomerSlot.Merging(three, two.Id, Samples.Noon), new(three.Id));
        await ReceiveAsync(harness, id, (1, ReceiptStatus.Unsubscribed), (3, ReceiptStatus.Delivered));
        await harness.RecordAsync();

        var merged = await harness.CustomerAsync(2);
        merged.Engagement.ShouldBe(new() { Sent = 2, Delivered = 1 });
        merged.Messages.Select(m => m.Id).ShouldBe([$"{id}.0.0", $"{id}.0.1"], ignoreOrder: true);
        merged.Consent["email"].State.ShouldBe(ConsentState.Withdrawn);

        // The third is in the middle of its merge: nobody touches it, and its message waits.
        (await harness.Get<BatchStore>().UnrecordedAsync(10, TimeSpan.Zero, default)).ShouldHaveSingleItem();
        await container.UpsertItemStreamAsync(CustomerSlot.Merged(three.Id, two.Id, Samples.Noon), new(three.Id));
        await harness.RecordAsync();
        (await harness.CustomerAsync(2)).Engagement.ShouldBe(new() { Sent = 3, Delivered = 2 });
        (await harness.Get<BatchStore>().UnrecordedAsync(10, TimeSpan.Zero, default)).ShouldBeEmpty();
    }

    /// <param name="receipts">Numbers of customers: with all of them in the audience, one more than the message's place.</param>
    private static async Task ReceiveAsync(DeliveryHarness harness, string campaignId, params IReadOnlyList<(int Customer, ReceiptStatus Status)> receipts)
    {
        var messages = (await harness.BatchesAsync(campaignId))
            .SelectMany(b => b.Recipients.Select((r, i) => (r.CustomerId, Id: b.MessageId(i)))).ToDictionary(m => m.CustomerId, m => m.Id);
        harness.Queues.PutBack(new(
            ReceiptInbox.Queue,
            JsonSerializer.Serialize(receipts.Select(r => DeliveryHarness.Receipt(messages[Samples.Customer(r.Customer).Id], r.Status)), Json.Options),
            harness.Clock.GetUtcNow()));
        await harness.RunAsync();
    }
}
