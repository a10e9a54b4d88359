using System.Globalization;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>Sending with all its rules at once (variants, holdout, caps, quiet hours), killed at each of its ways out.</summary>
public sealed class RulesCrashTests(DeliveryEmulator emulator)
{
    private const int Audience = 60;
    private const string Awake = "Etc/GMT-6";
    private const string Asleep = "Etc/GMT+6";

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Nobody_is_sent_to_twice_nobody_is_forgotten_and_no_place_under_a_cap_is_lost(bool idempotent, bool after)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Delivery:Caps:0:Messages", "1"), ("Delivery:Caps:0:Days", "1"));
        harness.Vendor.Idempotent = idempotent;
        harness.Vendor.MaxMessages = 20;
        harness.Vendor.Answer = m => IsRefused(NumberOf(m.To)) ? new(VendorAnswer.Rejected, "invalid_recipient") : new(VendorAnswer.Accepted, null);
        var crashes = 0;
        for (var at = 1; ; at++)
        {
            // Half of the customers are in their quiet hours for some more minutes.
            await harness.AddCustomersAsync(Enumerable.Range(1, Audience), c => Person(c, harness.Clock.GetUtcNow()));
            var night = TimeOnly.FromDateTime(harness.Clock.GetUtcNow().UtcDateTime.AddHours(-6));
            var id = await harness.LaunchAsync(c => c with
            {
                Variants = [new("A", 1, new("First", null, "a", null)), new("B", 1, new("Second", null, "b", null))], Holdout = 0.2,
                Sending = new(QuietHours: new(Text(night.AddHours(-1)), Text(night.AddMinutes(4)))),
            });
            await harness.RunAsync(until: () => harness.Crash.Spare(() => Read(harness, id)).State == CampaignState.Sending);
            harness.Vendor.Carried.Clear();
            harness.Vendor.Asked.Clear();
            harness.Vendor.Contents.Clear();
            harness.Crash.Arm(at, after);
            var crashed = false;
            await harness.RunAsync(() =>
            {
                crashed = true;
                return Task.CompletedTask;
            });

            await CheckAsync(harness, id, idempotent, crashed);
            if (!crashed)
            {
                break;
            }

            crashes++;
            harness.Clock.Advance(TimeSpan.FromDays(2));
        }

        crashes.ShouldBeGreaterThan(12);
    }

    private static async Task CheckAsync(DeliveryHarness harness, string id, bool idempotent, bool crashed)
    {
        var campaign = Read(harness, id);
        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Audience).ShouldBe((CampaignState.Completed, Audience));
        harness.Vendor.Carried.ShouldBeUnique();
        if (!idempotent)
        {
            harness.Vendor.Asked.Values.ShouldAllBe(n => n == 1);
        }

        var customers = (await harness.Get<CustomerStore>().ReadManyAsync([.. Enumerable.Range(1, Audience).Select(n => Samples.Customer(n).Id)], default)).ToDictionary(c => c.Value.Id, c => c.Value);
        foreach (var (batch, i) in (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.Select((_, i) => (b, i))))
        {
            var recipient = batch.Recipients[i];
            var number = Convert.ToInt32(recipient.CustomerId, 16);
            var expected = number % 10 == 7 ? Reasons.AddressMissing : number % 10 == 3 ? Reasons.Capped : Assignment.IsHeldOut(campaign, recipient.CustomerId) ? Reasons.Holdout : null;
            var contacts = customers[recipient.CustomerId].Contacts ?? [];
            if (expected is not null)
            {
                (recipient.Status, recipient.Reason).ShouldBe((MessageStatus.Skipped, expected), $"{number}");
                contacts.ShouldNotContain(c => c.MessageId == batch.MessageId(i), $"{number}");
                continue;
            }

            if (IsRefused(number) && recipient.Status == MessageStatus.Failed)
            {
                contacts.ShouldBeEmpty($"{number} was refused.");
                continue;
            }

            // Unknown: the vendor that does not know ids is not asked again, so it may have been sent, and counts.
            recipient.Status.ShouldBe(crashed && !idempotent && recipient.Status == MessageStatus.Unknown ? MessageStatus.Unknown : MessageStatus.Sent, $"{number}");
            contacts.Where(c => c.MessageId == batch.MessageId(i)).Count().ShouldBe(IsRefused(number) ? contacts.Count : 1, $"{number}");
            (recipient.Variant ?? 0).ShouldBe(Assignment.VariantOf(campaign, recipient.CustomerId));
            if (harness.Vendor.Contents.TryGetValue(batch.MessageId(i), out var content))
            {
                content.Subject.ShouldBe(recipient.Variant is null ? "First" : "Second");
            }
        }
    }

    private static Customer Person(Customer customer, DateTimeOffset now)
    {
        var number = Convert.ToInt32(customer.Id, 16);
        return customer with
        {
            TimeZone = number % 2 == 0 ? Awake : Asleep,
            Email = number % 10 == 7 ? null : customer.Email,
            Contacts = number % 10 == 3 ? [new("other.0.0", "email", now)] : null,
        };
    }

    private static bool IsRefused(int number) => number % 10 == 5;

    private static int NumberOf(string address) => int.Parse(address[1..address.IndexOf('@', StringComparison.Ordinal)], CultureInfo.InvariantCulture);

    private static string Text(TimeOnly time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);

    private static Campaign Read(DeliveryHarness harness, string id) => harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default).GetAwaiter().GetResult()!.Value;
}
