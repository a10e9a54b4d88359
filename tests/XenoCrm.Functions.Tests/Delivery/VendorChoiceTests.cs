using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class VendorChoiceTests(DeliveryEmulator emulator)
{
    private static readonly (string, string) Both = ("Vendors:Email:1", "second");

    [Fact]
    public async Task While_the_first_vendor_is_down_the_second_one_carries_and_each_message_goes_to_one_of_them()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, Both);
        await harness.AddCustomersAsync(Enumerable.Range(1, 600));
        harness.Vendor.MaxMessages = 20;
        var asked = 0;
        harness.Vendor.Fails = () => ++asked > 5 ? new VendorException(VendorFailure.NotTaken, "down") : null;
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Sent).ShouldBe((CampaignState.Completed, 600));
        harness.Vendor.Carried.Count.ShouldBe(100);
        harness.Second.Carried.Count.ShouldBe(500);
        harness.Vendor.Carried.Concat(harness.Second.Carried).ShouldBeUnique();
        foreach (var batch in await harness.BatchesAsync(id))
        {
            for (var i = 0; i < batch.Recipients.Count; i++)
            {
                var by = harness.Vendor.Asked.ContainsKey(batch.MessageId(i)) ? "recording" : "second";
                batch.VendorOf(i).ShouldBe(by);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_vendor_may_have_is_asked_of_no_other(bool idempotent)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, Both);
        await harness.AddCustomersAsync(Enumerable.Range(1, 300));
        harness.Vendor.Idempotent = idempotent;
        harness.Vendor.MaxMessages = 10;
        var asked = 0;
        harness.Vendor.Taken = _ => ++asked <= 20 ? throw new VendorException(VendorFailure.Ambiguous, "no answer") : Task.CompletedTask;
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        s.State.ShouldBe(CampaignState.Completed);
        harness.Vendor.Asked.Keys.Intersect(harness.Second.Asked.Keys).ShouldBeEmpty();
        harness.Vendor.Carried.Concat(harness.Second.Carried).ShouldBeUnique();
        harness.Second.Carried.ShouldNotBeEmpty("The first one's circuit opened.");
        (s.Sent + s.Unknown).ShouldBe(300);
        (s.Unknown > 0).ShouldBe(!idempotent);
    }

    [Fact]
    public async Task A_host_that_stops_records_what_the_vendor_has_said()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 60));
        (harness.Vendor.Idempotent, harness.Vendor.MaxMessages) = (false, 1);
        using var stop = new CancellationTokenSource();
        var asked = 0;
        harness.Vendor.Taken = _ => ++asked == 10 ? stop.CancelAsync() : Task.CompletedTask;
        var id = await harness.LaunchAsync();
        await harness.RunAsync(until: () => harness.Queues.Sent.Any(m => m.Queue == SendRun.Queue));
        await Should.ThrowAsync<OperationCanceledException>(() => harness.Get<Sender>().HandleAsync(new(id, 0, 1), stop.Token));
        var s = await harness.LedgerAsync(id);
        (s.Sent, s.Unknown).ShouldBe((10, 0));

        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Sent.ShouldBe(60);
        harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
    }

    [Theory]
    [InlineData("Vendors:Email:0", "nobody", "Vendors__Email names the vendor 'nobody', which does not exist. There are: generic,")]
    [InlineData("Vendors:Generic:BaseAddress", "", "Vendors__Generic__BaseAddress must be")]
    [InlineData("Vendors:Generic:MessagesPerSecond", "0", "Vendors__Generic__MessagesPerSecond must be")]
    public void A_vendor_that_cannot_be_used_is_found_out_at_the_start(string key, string value, string message)
    {
        var services = DeliveryHarness.Services(new() { [key] = value });
        Should.Throw<OptionsValidationException>(() => services.GetRequiredService<IOptions<VendorOptions>>().Value).Message.ShouldContain(message);
    }
}
