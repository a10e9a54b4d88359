using XenoCrm.Campaigns;
using XenoCrm.Delivery;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class VendorThrottleTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task Time_is_taken_once_whoever_takes_it_at_once()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var begun = harness.Clock.GetUtcNow();
        var throttles = Enumerable.Range(0, 4).Select(_ => harness.Create<VendorThrottle>()).ToList();
        var turns = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => throttles[i % 4].ReserveAsync("v", 10, 100, default)));
        var times = turns.Select(t => t.At).Order().ToList();
        times[0].ShouldBeGreaterThanOrEqualTo(begun.AddMilliseconds(-1));
        times.Zip(times.Skip(1), (a, b) => Math.Round((b - a).TotalSeconds, 2)).ShouldAllBe(seconds => seconds >= 9.99);
        (await harness.Create<VendorThrottle>().ReserveAsync("another", 10, 100, default)).At.ShouldBeLessThan(times[1]);
    }

    [Fact]
    public async Task Campaigns_at_once_keep_to_the_vendors_rate_together()
    {
        const double rate = 100;
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        harness.Vendor.MessagesPerSecond = rate;
        await harness.AddCustomersAsync(Enumerable.Range(1, 250));
        var asked = new List<(DateTimeOffset At, int Count)>();
        harness.Vendor.Taken = messages =>
        {
            lock (asked)
            {
                asked.Add((harness.Clock.GetUtcNow(), messages.Count));
            }

            return Task.CompletedTask;
        };
        var ids = new[] { await harness.LaunchAsync(), await harness.LaunchAsync() };
        await harness.RunAsync();

        foreach (var id in ids)
        {
            var s = await harness.LedgerAsync(id);
            (s.State, s.Sent).ShouldBe((CampaignState.Completed, 250));
        }

        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
        asked.ShouldAllBe(a => a.Count <= rate);
        for (var first = 0; first < asked.Count; first++)
        {
            var window = 0.0;
            for (var last = first; last < asked.Count; last++)
            {
                // Within any stretch: what the rate allows, the second's worth that goes out in one request at its end, and
                // half a second for a busy machine, on which the first one may have gone out late.
                window += asked[last].Count;
                window.ShouldBeLessThanOrEqualTo(rate * ((asked[last].At - asked[first].At).TotalSeconds + 1.5));
            }
        }
    }
}
