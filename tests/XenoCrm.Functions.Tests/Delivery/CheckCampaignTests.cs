using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class CheckCampaignTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task A_check_says_what_the_launch_then_does()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Prices:Email", "0.5"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 60));
        await harness.AddCustomersAsync([1, 2], c => c with { Email = null });
        await harness.AddCustomersAsync([3], c => c with { Email = "no address" });
        await harness.AddCustomersAsync([4], c => c with { Consent = new Dictionary<string, Consent> { ["email"] = new(ConsentState.Withdrawn, Samples.Noon, "api") } });
        await harness.AddCustomersAsync([5, 6, 7], c => c with { FirstName = null });
        var hash = harness.Get<AddressHasher>().Hash(Channel.Email, "c8@example.com");
        await harness.Get<SuppressionStore>().AddAsync(new(hash, Channel.Email, "complained", Samples.Noon, "u"), default);

        var id = await DraftAsync(harness, c => c);
        var check = await harness.Get<CheckCampaign>().HandleAsync(id, default);
        (check.Audience, check.Basis, check.Examined, check.Sendable, check.Reachable).ShouldBe((60L, CheckBasis.All, 60, 55, 57L));
        check.Skipped.ShouldBe(new Dictionary<string, int> { ["address_missing"] = 2, ["address_unusable"] = 1, ["consent_withdrawn"] = 1 }, ignoreOrder: true);
        check.Suppressed.ShouldBe(new Dictionary<string, int> { ["complained"] = 1 });
        var missing = check.MissingFields.ShouldHaveSingleItem();
        (missing.Field, missing.Customers).ShouldBe(("firstName", 3));
        missing.CustomerIds.ShouldBe([Samples.Customer(5).Id, Samples.Customer(6).Id, Samples.Customer(7).Id]);
        (check.Price, check.Cost, check.Sms).ShouldBe((0.5m, 27.5m, null));
        check.Warnings.Select(w => w.Code).ShouldBe(["fields_missing"]);
        harness.Vendor.Asked.ShouldBeEmpty();

        await harness.Get<SteerCampaign>().LaunchAsync(id, null, new Caller("u", "U", Role.Manager), default);
        await harness.RunAsync();
        var s = await harness.LedgerAsync(id);
        (s.Audience, s.Sent, s.Skipped, s.Suppressed).ShouldBe((60, check.Sendable, check.Skipped.Values.Sum(), check.Suppressed.Values.Sum()));
        foreach (var (reason, count) in check.Skipped.Concat(check.Suppressed))
        {
            s.Reasons[reason].ShouldBe(count);
        }

        // Who got it shows in the check of the next campaign for a week.
        await harness.RecordAsync();
        var next = await DraftAsync(harness, c => c);
        check = await harness.Get<CheckCampaign>().HandleAsync(next, default);
        check.WrittenToRecently.ShouldBe(55);
        check.Overlaps.ShouldBe([new Overlap(id, "Spring", 55)]);
        harness.Clock.Advance(TimeSpan.FromDays(8));
        (await harness.Get<CheckCampaign>().HandleAsync(next, default)).WrittenToRecently.ShouldBe(0);
    }

    [Fact]
    public async Task Texts_are_measured_as_each_customer_would_get_them()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Prices:Sms", "0.01"), ("Campaigns:ApprovalAbove", "10"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 12), c => c with { Phone = "+4179" + c.Id[^7..], PhoneUsable = true, FirstName = "Ada" });
        await harness.AddCustomersAsync([2], c => c with { Phone = "+41790000002", PhoneUsable = true, FirstName = "Zoe" + new string('x', 30) });
        await harness.AddCustomersAsync([3], c => c with { Phone = "+41790000003", PhoneUsable = true, FirstName = "漢" });
        var id = await DraftAsync(harness, c => c with { Channel = Channel.Sms, Variants = Variant.Only(new(null, null, "Hello {{firstName}}! " + new string('a', 140), null)) });
        var check = await harness.Get<CheckCampaign>().HandleAsync(id, default);
        check.Sms.ShouldBe([new SmsParts(1, 10), new SmsParts(2, 1), new SmsParts(3, 1)]);
        check.Cost.ShouldBe(0.15m);
        check.Warnings.Select(w => w.Code).ShouldBe(["sms_parts", "approval_needed"]);
    }

    [Fact]
    public async Task Nobody_and_no_segment_are_answers_too()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var check = await harness.Get<CheckCampaign>().HandleAsync(await DraftAsync(harness, c => c), default);
        check.Warnings.Select(w => w.Code).ShouldContain("audience_empty");
        var gone = await DraftAsync(harness, c => c with { SegmentId = "gone" });
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<CheckCampaign>().HandleAsync(gone, default))).Problem.Code.ShouldBe("campaign.segment_gone");
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<CheckCampaign>().HandleAsync("none", default))).Problem.Status.ShouldBe(404);
    }

    [Fact]
    public async Task Of_a_large_audience_a_part_is_looked_at_that_has_nothing_to_do_with_age()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Campaigns:CheckLimit", "400"), ("Prices:Email", "1"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 1600), c => c.Id.EndsWith('3') ? c with { Email = null } : c);
        var check = await harness.Get<CheckCampaign>().HandleAsync(await DraftAsync(harness, c => c), default);

        // A quarter: those whose id ends in 0 to 3, a quarter of which have no address.
        (check.Audience, check.Reachable, check.Basis, check.Examined, check.Sendable).ShouldBe((1600L, 1500L, CheckBasis.Sample, 400, 300));
        check.Cost.ShouldBe(1200m);
    }

    [Theory]
    [InlineData(0.99, 15)]
    [InlineData(0.25, 4)]
    [InlineData(0.0625, 1)]
    [InlineData(0.05, 12)]
    [InlineData(0.0001, 1)]
    public void A_share_is_so_many_endings_of_ids(double share, int endings) =>
        CheckCampaign.Part(share).Split(" OR ").Length.ShouldBe(endings);

    internal static async Task<string> DraftAsync(DeliveryHarness harness, Func<Campaign, Campaign> change)
    {
        var campaign = change(Samples.Campaign(Guid.NewGuid().ToString("N")));
        await harness.Get<WorkspaceStore<Campaign>>().TryCreateAsync(campaign, default);
        return campaign.Id;
    }
}
