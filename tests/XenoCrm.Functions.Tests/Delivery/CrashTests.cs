using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>The process is killed at each of its ways out, before the request leaves and after it was carried out.</summary>
public sealed class CrashTests(DeliveryEmulator emulator)
{
    /// <summary>Three pages of 300, the last one short.</summary>
    private const int Audience = 750;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Planning_killed_anywhere_puts_everyone_into_one_batch(bool after)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, Audience).Select(n => n * 10));
        var crashes = 0;
        for (var at = 1; ; at++)
        {
            var id = await harness.LaunchAsync();
            harness.Crash.Arm(at, after);
            var crashed = false;
            var fresh = at;
            await harness.RunAsync(
                async () =>
                {
                    // Between two tries someone leaves and someone joins, on every page.
                    crashed = true;
                    foreach (var page in new[] { 100, 3100, 6100 })
                    {
                        await harness.RemoveCustomerAsync(page + (fresh * 10));
                        await harness.AddCustomersAsync([page + (fresh * 10) + 5]);
                    }
                },
                until: () => IsPlanned(harness, id));

            var batches = await harness.BatchesAsync(id);
            var planned = batches.SelectMany(b => b.Recipients.Select(r => r.CustomerId)).ToList();
            planned.SequenceEqual(planned.Distinct().Order(StringComparer.Ordinal)).ShouldBeTrue("Everyone once, in the order of ids.");
            planned.Count.ShouldBeInRange(Audience, Audience + 3);
            Enumerable.Range(500, 100).Select(n => Samples.Customer(n * 10).Id).ShouldBeSubsetOf(planned, "Who stays in the segment is in the audience.");

            var plan = (await harness.Get<WorkspaceStore<Plan>>().ReadAsync(id, default))!.Value;
            (plan.Audience, plan.Batches).ShouldBe((planned.Count, batches.Count));
            RunsFor(harness, id).ShouldBe(Enumerable.Range(0, batches.Count), "A sender hears of every batch.");
            if (!crashed)
            {
                break;
            }

            crashes++;
            harness.Queues.Clear();
        }

        crashes.ShouldBeGreaterThan(20);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Sending_killed_anywhere_carries_nothing_twice_and_the_ledger_balances(bool idempotent, bool after)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        harness.Vendor.Idempotent = idempotent;
        harness.Vendor.MaxMessages = 150;
        await harness.AddCustomersAsync(Enumerable.Range(1, 250), c => c.Id.EndsWith('7') ? c with { Email = null } : c);
        var withoutAddress = Enumerable.Range(1, 250).Count(n => Samples.Customer(n).Id.EndsWith('7'));
        var crashes = 0;
        for (var at = 1; ; at++)
        {
            var id = await harness.LaunchAsync();
            await harness.RunAsync(until: () => IsPlanned(harness, id));
            harness.Vendor.Carried.Clear();
            harness.Vendor.Asked.Clear();
            harness.Crash.Arm(at, after);
            var crashed = false;
            await harness.RunAsync(() =>
            {
                crashed = true;
                return Task.CompletedTask;
            });

            var ledger = await harness.LedgerAsync(id);
            (ledger.State, ledger.Audience, ledger.Skipped).ShouldBe((CampaignState.Completed, 250, withoutAddress));
            harness.Vendor.Carried.ShouldBeUnique();
            if (idempotent)
            {
                ledger.Sent.ShouldBe(250 - withoutAddress);
                harness.Vendor.Carried.Count.ShouldBe(250 - withoutAddress);
            }
            else
            {
                harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
                (ledger.Sent + ledger.Unknown).ShouldBe(250 - withoutAddress);
                ledger.Sent.ShouldBeLessThanOrEqualTo(harness.Vendor.Carried.Count);
            }

            if (!crashed)
            {
                ledger.Unknown.ShouldBe(0);
                break;
            }

            crashes++;
        }

        crashes.ShouldBeGreaterThan(8);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Receipts_killed_anywhere_are_all_applied(bool after)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 120));
        for (var at = 1; ; at++)
        {
            var id = await harness.LaunchAsync();
            await harness.RunAsync();
            var receipts = (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.Select((_, i) => i % 10 == 3
                ? DeliveryHarness.Receipt(b.MessageId(i), ReceiptStatus.Failed, "blocked")
                : DeliveryHarness.Receipt(b.MessageId(i), ReceiptStatus.Delivered))).ToList();
            harness.Queues.PutBack(new(ReceiptInbox.Queue, JsonSerializer.Serialize(receipts, Json.Options), harness.Clock.GetUtcNow()));
            harness.Crash.Arm(at, after);
            var crashed = false;
            await harness.RunAsync(() =>
            {
                crashed = true;
                return Task.CompletedTask;
            });

            var ledger = await harness.LedgerAsync(id);
            (ledger.Delivered, ledger.Failed, ledger.Pending).ShouldBe((108, 12, 0));
            ledger.Reasons.ShouldBe(new Dictionary<string, int> { ["blocked"] = 12 });
            if (!crashed)
            {
                at.ShouldBeGreaterThan(2);
                break;
            }
        }
    }

    private static bool IsPlanned(DeliveryHarness harness, string id) => harness.Crash.Spare(() =>
        harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default).GetAwaiter().GetResult()!.Value.State == CampaignState.Sending);

    private static IEnumerable<int> RunsFor(DeliveryHarness harness, string id) => harness.Queues.Sent
        .Where(m => m.Queue == SendRun.Queue)
        .Select(m => JsonSerializer.Deserialize<SendRun>(m.Json, Json.Options)!)
        .Where(r => r.CampaignId == id)
        .SelectMany(r => Enumerable.Range(r.First, r.Count)).Distinct().Order();
}
