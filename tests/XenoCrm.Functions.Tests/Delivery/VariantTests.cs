using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class VariantTests(DeliveryEmulator emulator)
{
    private static readonly IReadOnlyList<Variant> Two = [new("A", 1, new("First {{firstName}}", null, "a", "a@shop.example")), new("B", 2, new("Second {{firstName}}", null, "b", null))];

    [Fact]
    public async Task Each_recipient_gets_their_variant_and_who_is_held_out_gets_nothing()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 400), c => c.Id.EndsWith('7') ? c with { Email = null } : c);
        var id = await harness.LaunchAsync(c => c with { Variants = Two, Holdout = 0.25 });
        var check = await harness.Get<CheckCampaign>().HandleAsync(id, default);
        await harness.RunAsync();

        var campaign = (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value;
        var batches = await harness.BatchesAsync(id);
        foreach (var (batch, i) in batches.SelectMany(b => b.Recipients.Select((_, i) => (b, i))))
        {
            var recipient = batch.Recipients[i];
            var sent = harness.Vendor.Contents.GetValueOrDefault(batch.MessageId(i));
            if (recipient.CustomerId.EndsWith('7'))
            {
                // Who could not be written to anyway is no part of the comparison.
                (recipient.Status, recipient.Reason).ShouldBe((MessageStatus.Skipped, "address_missing"));
            }
            else if (Assignment.IsHeldOut(campaign, recipient.CustomerId))
            {
                (recipient.Status, recipient.Reason, recipient.Variant).ShouldBe((MessageStatus.Skipped, Reasons.Holdout, null));
            }
            else
            {
                recipient.Status.ShouldBe(MessageStatus.Sent);
                (recipient.Variant ?? 0).ShouldBe(Assignment.VariantOf(campaign, recipient.CustomerId));
                sent.Subject!.ShouldStartWith(recipient.Variant is null ? "First First" : "Second First");
            }
        }

        var ledger = await harness.LedgerAsync(id);
        (check.Sendable, check.HeldOut).ShouldBe((ledger.Sent, ledger.Reasons[Reasons.Holdout]));
        check.HeldOut.ShouldBeInRange(60, 130);
        check.Variants.ShouldBe(
        [
            new("A", batches.Sum(b => b.Recipients.Count(r => r is { Status: MessageStatus.Sent, Variant: null }))),
            new("B", batches.Sum(b => b.Recipients.Count(r => r is { Status: MessageStatus.Sent, Variant: 1 }))),
        ]);
        check.Warnings.Select(w => w.Code).ShouldNotContain("many_unreachable");
    }

    [Fact]
    public async Task A_test_is_of_one_variant()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await CheckCampaignTests.DraftAsync(harness, c => c with { Variants = Two });
        foreach (var (variant, subject) in new[] { (null, "[Test] First Ada"), ("a", "[Test] First Ada"), ("B", "[Test] Second Ada") })
        {
            harness.Vendor.Contents.Clear();
            await harness.Get<TestCampaign>().HandleAsync(id, new(["x@example.com"], null, variant), default);
            harness.Vendor.Contents.Values.Single().Subject.ShouldBe(subject);
        }
    }
}
