using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>Customers who become one after the audience was frozen get one message, as the one they are by then.</summary>
public sealed class MergedRecipientsTests(DeliveryEmulator emulator)
{
    /// <summary>Is not in the segment.</summary>
    private const int Outsider = 500;

    private static string Id(int number) => Samples.Customer(number).Id;

    private static string Email(int number) => Samples.Customer(number).Email!;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_was_merged_into_somebody_else_gets_the_message_as_that_one(bool caps)
    {
        await using var harness = await StartAsync(caps);
        var id = await PlannedAsync(harness);
        await harness.Get<MergeCustomers>().HandleAsync(new(Id(Outsider), Id(7)), default);
        await harness.RunAsync();

        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Sent, ledger.Skipped).ShouldBe((CampaignState.Completed, 20, 0));
        harness.Vendor.Carried.ShouldBeUnique();
        harness.Vendor.Carried.ShouldContain(Email(Outsider));
        harness.Vendor.Carried.ShouldNotContain(Email(7));
        await harness.RecordAsync();
        (await harness.CustomerAsync(Outsider)).Messages.ShouldHaveSingleItem().CampaignId.ShouldBe(id);

        // Asked for either of them, the list says the same.
        var campaign = await harness.Get<CampaignMessages>().CampaignAsync(id, default);
        foreach (var asked in new[] { Outsider, 7 })
        {
            var page = await harness.Get<CampaignMessages>().ReadAsync(campaign, new(CustomerId: Id(asked)), new(50, null), "list", default);
            page.Items.ShouldHaveSingleItem().ShouldSatisfyAllConditions(m => m.CustomerId.ShouldBe(Id(7)), m => m.CustomerName.ShouldNotBeNull());
        }
    }

    [Theory]
    [InlineData(3, 7, false)]
    [InlineData(3, 7, true)]
    [InlineData(7, 3, false)]
    [InlineData(7, 3, true)]
    public async Task Two_recipients_who_become_one_get_one_message(int into, int from, bool caps)
    {
        await using var harness = await StartAsync(caps);
        var id = await PlannedAsync(harness);
        await harness.Get<MergeCustomers>().HandleAsync(new(Id(into), Id(from)), default);
        await harness.RunAsync();

        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Audience, ledger.Sent).ShouldBe((CampaignState.Completed, 20, 19));
        ledger.Reasons.ShouldBe(new Dictionary<string, int> { [Reasons.CustomerMerged] = 1 });
        harness.Vendor.Carried.Count(a => a == Email(into)).ShouldBe(1);
        harness.Vendor.Carried.ShouldNotContain(Email(from));
        (await harness.CustomerAsync(into)).Contacts?.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Whose_message_has_gone_out_gets_no_other_one_as_somebody_else()
    {
        await using var harness = await StartAsync(caps: false);
        harness.Vendor.Answer = m => m.To == Email(3) ? new(VendorAnswer.Deferred, "busy") : VendorResult.Accepted;
        var id = await PlannedAsync(harness);
        await harness.RunAsync(until: () => !harness.Vendor.Carried.IsEmpty);
        harness.Vendor.Carried.Count.ShouldBe(19);
        await harness.Get<MergeCustomers>().HandleAsync(new(Id(3), Id(7)), default);
        harness.Vendor.Answer = _ => VendorResult.Accepted;
        await harness.RunAsync();

        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Sent, ledger.Reasons[Reasons.CustomerMerged], harness.Vendor.Carried.Count).ShouldBe((CampaignState.Completed, 19, 1, 19));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_is_just_being_merged_waits_for_the_end_of_it(bool caps)
    {
        await using var harness = await StartAsync(caps);
        var id = await PlannedAsync(harness);

        // The process that merges has died in the middle of it.
        var customers = harness.Get<CustomerStore>();
        var into = (await customers.ReadAsync(Id(Outsider), default))!;
        var from = (await customers.ReadAsync(Id(7), default))!;
        await customers.TryReplaceAsync(into.Value with { Merging = new(Id(7), harness.Clock.GetUtcNow()) }, into.ETag, default);
        (await customers.TryReplaceSlotAsync(Id(7), CustomerSlot.Merging(from.Value, Id(Outsider), harness.Clock.GetUtcNow()), from.ETag, default)).ShouldBeTrue();
        await harness.RunAsync(until: () => harness.Vendor.Carried.Count == 19);
        var ledger = await harness.LedgerAsync(id);
        (ledger.Sent, ledger.Skipped, ledger.Queued).ShouldBe((19, 0, 1));

        harness.Clock.Advance(TimeSpan.FromMinutes(1));
        await harness.Get<MergeCustomers>().FinishAbandonedAsync(default);
        await harness.RunAsync();
        ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Sent, ledger.Skipped).ShouldBe((CampaignState.Completed, 20, 0));
        harness.Vendor.Carried.ShouldBeUnique();
        harness.Vendor.Carried.ShouldContain(Email(Outsider));
    }

    /// <summary>One sender has decided and not yet stored it; then comes the merge, and then another sender who sees it.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public async Task Who_is_merged_between_a_decision_and_its_intent_gets_one_message(int into, int from)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 150));
        var id = await PlannedAsync(harness);
        var people = (await harness.BatchesAsync(id)).Select(b => b.Recipients[0].CustomerId).ToList();
        people.Count.ShouldBe(2);

        var stays = (await harness.Get<CustomerStore>().ReadAsync(people[into], default))!.Value;
        harness.Crash.Gate = async request =>
        {
            if (request.Method == HttpMethod.Put && request.RequestUri!.AbsolutePath.EndsWith(Batch.BatchId(id, into), StringComparison.Ordinal))
            {
                harness.Crash.Gate = null;
                await harness.Get<MergeCustomers>().HandleAsync(new(people[into], people[from]), default);
                await harness.Get<Sender>().HandleAsync(new(id, from, 1), default);
            }
        };
        await harness.Get<Sender>().HandleAsync(new(id, into, 1), default);
        harness.Crash.Gate.ShouldBeNull();
        await harness.RunAsync();

        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Sent, ledger.Reasons[Reasons.CustomerMerged]).ShouldBe((CampaignState.Completed, 149, 1));
        harness.Vendor.Carried.Count(a => a == stays.Email).ShouldBe(1);
        harness.Vendor.Carried.ShouldBeUnique();
    }

    [Fact]
    public async Task What_was_half_sent_before_the_merge_is_asked_for_again_under_its_id()
    {
        await using var harness = await StartAsync(caps: false);
        var (silent, asked) = (true, 0);
        harness.Vendor.Fails = () => ++asked > 0 && silent ? new VendorException(VendorFailure.Ambiguous, "No answer.") : null;
        var id = await PlannedAsync(harness);
        await harness.RunAsync(until: () => asked > 0);
        (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients).ShouldAllBe(r => r.Status == MessageStatus.Sending);
        silent = false;
        await harness.Get<MergeCustomers>().HandleAsync(new(Id(3), Id(7)), default);
        await harness.RunAsync();

        // Both had a message under way as two customers.
        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Sent, ledger.Unknown).ShouldBe((CampaignState.Completed, 20, 0));
        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
    }

    private async Task<DeliveryHarness> StartAsync(bool caps)
    {
        var harness = await (caps
            ? DeliveryHarness.StartAsync(emulator, ("Delivery:Caps:0:Messages", "5"), ("Delivery:Caps:0:Days", "7"))
            : DeliveryHarness.StartAsync(emulator));
        await harness.AddCustomersAsync(Enumerable.Range(1, 20));
        await harness.AddCustomersAsync([Outsider], c => c with { City = "Oslo" });
        return harness;
    }

    private static async Task<string> PlannedAsync(DeliveryHarness harness)
    {
        var id = await harness.LaunchAsync();
        await harness.RunAsync(until: () => harness.Crash.Spare(() =>
            harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default).GetAwaiter().GetResult()!.Value.State == CampaignState.Sending));
        harness.Vendor.Carried.ShouldBeEmpty();
        return id;
    }
}
