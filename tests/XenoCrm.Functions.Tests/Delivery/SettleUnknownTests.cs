using XenoCrm.Campaigns;
using XenoCrm.Delivery;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class SettleUnknownTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task What_a_vendor_may_have_is_settled_by_asking_it()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await UnknownAsync(harness);
        harness.Vendor.KeepsStatus = true;
        harness.Vendor.Find = message => message[^1] switch
        {
            '0' => new(VendorFate.Accepted),
            '1' => new(VendorFate.Delivered),
            '2' => new(VendorFate.Failed, "mailbox_full"),
            '3' => new(VendorFate.Rejected, "bad"),
            '4' => new(VendorFate.NotThere),
            _ => throw new InvalidOperationException("Nobody asked for this one."),
        };

        var settle = harness.Get<SettleUnknown>();
        (await settle.SweepAsync(default)).ShouldBe(0, "Receipts get their time first.");
        harness.Clock.Advance(SettleUnknown.Patience + TimeSpan.FromSeconds(1));

        // A receipt that came meanwhile holds.
        await harness.Get<ApplyReceipts>().HandleAsync([DeliveryHarness.Receipt($"{id}.0.4", ReceiptStatus.Delivered)], default);
        (await settle.SweepAsync(default)).ShouldBe(4);

        var s = await harness.LedgerAsync(id);
        (s.Unknown, s.Pending, s.Sent, s.Delivered, s.Failed).ShouldBe((0, 1, 4, 2, 2));
        s.Reasons.ShouldBe(new Dictionary<string, int> { ["mailbox_full"] = 1, ["bad"] = 1 }, ignoreOrder: true);
        (await settle.SweepAsync(default)).ShouldBe(0);
    }

    [Fact]
    public async Task What_the_vendor_never_had_has_failed()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await UnknownAsync(harness);
        harness.Vendor.KeepsStatus = true;
        harness.Clock.Advance(SettleUnknown.Patience + TimeSpan.FromSeconds(1));
        (await harness.Get<SettleUnknown>().SweepAsync(default)).ShouldBe(5);
        var s = await harness.LedgerAsync(id);
        (s.Unknown, s.Sent, s.Failed, s.Reasons["not_taken"]).ShouldBe((0, 0, 5, 5));
    }

    [Fact]
    public async Task A_run_that_was_given_up_can_still_be_replayed_in_full()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 5));
        harness.Vendor.Fails = () => new InvalidOperationException("a bug");
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Reasons.ShouldBe(new Dictionary<string, int> { ["poison"] = 5 });
        harness.Vendor.KeepsStatus = true;
        harness.Clock.Advance(SettleUnknown.Patience + TimeSpan.FromSeconds(1));
        await harness.Get<SettleUnknown>().SweepAsync(default);
        var s = await harness.LedgerAsync(id);
        (s.Unknown, s.Failed).ShouldBe((0, 5));

        harness.Vendor.Fails = () => null;
        var list = harness.Get<PoisonList>();
        await list.ReplayAsync((await list.PageAsync(null, 10, default)).ShouldHaveSingleItem().Id, default);
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Sent.ShouldBe(5);
    }

    [Fact]
    public async Task While_the_vendor_does_not_answer_or_cannot_be_asked_they_stay_unknown()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await UnknownAsync(harness);
        harness.Clock.Advance(SettleUnknown.Patience + TimeSpan.FromSeconds(1));
        (await harness.Get<SettleUnknown>().SweepAsync(default)).ShouldBe(0);
        harness.Vendor.KeepsStatus = true;
        harness.Vendor.Find = _ => throw new VendorException(VendorFailure.NotTaken, "down");
        (await harness.Get<SettleUnknown>().SweepAsync(default)).ShouldBe(0);
        (await harness.LedgerAsync(id)).Unknown.ShouldBe(5);
    }

    private static async Task<string> UnknownAsync(DeliveryHarness harness)
    {
        await harness.AddCustomersAsync(Enumerable.Range(1, 5));
        harness.Vendor.Idempotent = false;
        harness.Vendor.Taken = _ => throw new VendorException(VendorFailure.Ambiguous, "no answer");
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var s = await harness.LedgerAsync(id);
        (s.State, s.Unknown).ShouldBe((CampaignState.Completed, 5));
        return id;
    }
}
