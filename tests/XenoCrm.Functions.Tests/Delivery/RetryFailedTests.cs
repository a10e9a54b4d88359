using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class RetryFailedTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task Only_what_failed_for_a_passing_reason_is_sent_after_all()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 250), c => c.Id.EndsWith('a') ? c with { Email = null } : c);
        var withoutAddress = Enumerable.Range(1, 250).Count(n => n % 16 == 10);

        // Batch 0 is given up before anything of it was sent; of the others one is put off for ever, one refused after being
        // put off, one never reached the vendor, one bounces, one fails after the vendor had taken it.
        var putOff = 0;
        harness.Vendor.Answer = m => m.To switch
        {
            "c101@example.com" => new(VendorAnswer.Deferred, "greylisted"),
            "c102@example.com" => ++putOff < 5 ? new(VendorAnswer.Deferred, "greylisted") : new(VendorAnswer.Rejected, "invalid_recipient"),
            "c104@example.com" => new(VendorAnswer.Rejected, Reasons.NotTaken),
            _ => new(VendorAnswer.Accepted, null),
        };
        var id = await harness.LaunchAsync();
        await harness.RunAsync(until: () => harness.Queues.Sent.Any(m => m.Queue == SendRun.Queue));
        await harness.Get<PoisonRuns>().BuryAsync(new SendRun(id, 0, 1), default);
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<RetryFailed>().HandleAsync(id, null, default))).Problem.Code.ShouldBe("campaign.state");
        await harness.RunAsync();
        await harness.Get<ApplyReceipts>().HandleAsync(
            [DeliveryHarness.Receipt($"{id}.1.10", ReceiptStatus.Bounced, "hard"), DeliveryHarness.Receipt($"{id}.1.11", ReceiptStatus.Failed, "blocked")], default);

        var s = await harness.LedgerAsync(id);
        s.State.ShouldBe(CampaignState.Completed);
        s.Reasons["poison"].ShouldBe(100);
        (s.Reasons["greylisted"], s.Reasons["invalid_recipient"], s.Reasons["hard"], s.Reasons["blocked"]).ShouldBe((1, 1, 1, 1));

        harness.Vendor.Answer = _ => new(VendorAnswer.Accepted, null);
        var retry = harness.Get<RetryFailed>();
        (await Should.ThrowAsync<ProblemException>(() => retry.HandleAsync(id, "\"stale\"", default))).Problem.Status.ShouldBe(412);
        (await retry.HandleAsync(id, null, default)).Messages.ShouldBe(102);
        await retry.HandleAsync(id, null, default);
        await harness.RunAsync();

        s = await harness.LedgerAsync(id);
        (s.State, s.Failed, s.Skipped, s.Sent).ShouldBe((CampaignState.Completed, 3, withoutAddress, 250 - withoutAddress - 1));
        s.Reasons.Keys.Order().ShouldBe(["address_missing", "blocked", "hard", "invalid_recipient"]);
        harness.Vendor.Carried.ShouldBeUnique();
        (await retry.HandleAsync(id, null, default)).Messages.ShouldBe(0);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Killed_anywhere_a_retry_reaches_everyone_once(bool idempotent, bool after)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        harness.Vendor.Idempotent = idempotent;
        await harness.AddCustomersAsync(Enumerable.Range(1, 150));
        for (var at = 1; ; at++)
        {
            var id = await harness.LaunchAsync();
            await harness.RunAsync(until: () => harness.Queues.Sent.Any(m => m.Queue == SendRun.Queue && m.Json.Contains(id, StringComparison.Ordinal)));
            await harness.Get<PoisonRuns>().BuryAsync(new SendRun(id, 0, 2), default);
            await harness.RunAsync();
            (await harness.LedgerAsync(id)).Failed.ShouldBe(150);

            harness.Vendor.Carried.Clear();
            harness.Vendor.Asked.Clear();
            await harness.Get<RetryFailed>().HandleAsync(id, null, default);
            harness.Crash.Arm(at, after);
            var crashed = false;
            await harness.RunAsync(() =>
            {
                crashed = true;
                return Task.CompletedTask;
            });

            var s = await harness.LedgerAsync(id);
            (s.State, s.Failed, s.Sent + s.Unknown).ShouldBe((CampaignState.Completed, 0, 150));
            harness.Vendor.Carried.ShouldBeUnique();
            harness.Vendor.Carried.Count.ShouldBeLessThanOrEqualTo(150);
            if (idempotent)
            {
                s.Sent.ShouldBe(150);
            }
            else
            {
                harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
            }

            if (!crashed)
            {
                at.ShouldBeGreaterThan(8);
                break;
            }
        }
    }
}
