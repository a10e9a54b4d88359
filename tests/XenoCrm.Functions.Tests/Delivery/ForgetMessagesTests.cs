using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class ForgetMessagesTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task After_its_time_nobody_is_known_any_more_and_the_ledger_is_as_it_was()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Delivery:MessageRetention", "40.00:00:00"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 120));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        await harness.Get<ApplyReceipts>().HandleAsync([DeliveryHarness.Receipt($"{id}.0.1", ReceiptStatus.Delivered), DeliveryHarness.Receipt($"{id}.0.2", ReceiptStatus.Bounced, "hard")], default);
        await harness.RecordAsync();
        var before = await harness.LedgerAsync(id);
        before.Audience.ShouldBe(120);

        var forget = harness.Get<ForgetMessages>();
        await forget.HandleAsync(default);
        (await harness.BatchesAsync(id)).Sum(b => b.Recipients.Count).ShouldBe(120, "it ended just now");

        harness.Clock.Advance(TimeSpan.FromDays(41));
        await forget.HandleAsync(default);
        await forget.HandleAsync(default);
        (await harness.BatchesAsync(id)).ShouldAllBe(b => b.Recipients.Count == 0);
        (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value.MessagesForgottenAt.ShouldNotBeNull();

        // Neither a receipt that comes late, nor a repetition, changes what was counted.
        var strays = await harness.Get<StrayReceiptStore>().CountAsync(default);
        await harness.Get<ApplyReceipts>().HandleAsync([DeliveryHarness.Receipt($"{id}.0.1", ReceiptStatus.Bounced, "late"), DeliveryHarness.Receipt($"{id}.0.3", ReceiptStatus.Delivered)], default);
        (await harness.Get<StrayReceiptStore>().CountAsync(default)).ShouldBe(strays + 2);
        (await harness.Get<RetryFailed>().HandleAsync(id, null, default)).Messages.ShouldBe(0);
        await harness.RunAsync();
        var after = await harness.Get<CampaignStats>().ReadAsync(id, default);
        (after.Audience, after.Delivered, after.Failed, after.Suppressed, after.Skipped, after.Pending).ShouldBe(
            (before.Audience, before.Delivered, before.Failed, before.Suppressed, before.Skipped, before.Pending));
        after.Reasons.ShouldBe(before.Reasons);
    }

    [Fact]
    public void Counts_of_forgotten_recipients_are_kept_however_often_they_are_counted()
    {
        var batch = Batch.Create("c", 0, ["a", "b"], TimeProvider.System.GetUtcNow());
        Ledger.Count(batch with { Recipients = [], Forgotten = true }).Counts.ShouldBe(batch.Counts);
        batch.Counts.Audience.ShouldBe(2);
    }
}
