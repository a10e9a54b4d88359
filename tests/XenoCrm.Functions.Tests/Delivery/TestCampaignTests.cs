using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class TestCampaignTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task A_test_goes_to_the_addresses_named_and_leaves_no_trace()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([7], c => c with { FirstName = "Grace" });
        var hash = harness.Get<AddressHasher>().Hash(Channel.Email, "never@example.com");
        await harness.Get<SuppressionStore>().AddAsync(new(hash, Channel.Email, "complained", Samples.Noon, "u"), default);
        harness.Vendor.Answer = m => m.To == "bad@example.com" ? new(VendorAnswer.Rejected, "invalid_recipient") : new(VendorAnswer.Accepted, null);
        var id = await CheckCampaignTests.DraftAsync(harness, c => c);

        var test = harness.Get<TestCampaign>();
        var input = new TestInput(["a@example.com", "A@example.com ", "Never@example.com", "bad@example.com", "no address"], Samples.Customer(7).Id);
        (await test.HandleAsync(id, input, default)).Results.ShouldBe(
        [
            new("a@example.com", TestOutcome.Accepted, null),
            new("Never@example.com", TestOutcome.Suppressed, "complained"),
            new("bad@example.com", TestOutcome.Rejected, "invalid_recipient"),
            new("no address", TestOutcome.AddressUnusable, null),
        ]);
        harness.Vendor.Carried.ShouldBe(["a@example.com"]);
        var content = harness.Vendor.Contents.Values.First();
        (content.Subject, content.Html).ShouldBe(("[Test] Hello Grace", "<p>Dear Grace</p>"));

        // Each test is one of its own, and what the vendor reports of it belongs to no message, and nobody misses it.
        await test.HandleAsync(id, new(["a@example.com"], null), default);
        harness.Vendor.Carried.Count.ShouldBe(2);
        await harness.Get<ApplyReceipts>().HandleAsync([.. harness.Vendor.Asked.Keys.Select(m => DeliveryHarness.Receipt(m, ReceiptStatus.Delivered))], default);
        (await harness.Get<StrayReceiptStore>().CountAsync(default)).ShouldBe(0);
        (await harness.LedgerAsync(id)).Audience.ShouldBe(0);
        (await harness.CustomerAsync(7)).Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task Texts_are_marked_at_their_beginning_and_numbers_are_written_out()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Vendors:Sms:0", "recording"));
        var id = await CheckCampaignTests.DraftAsync(harness, c => c with { Channel = Channel.Sms, Variants = Variant.Only(new(null, null, "Hi {{firstName}} {{company}}", null)) });
        var view = await harness.Get<TestCampaign>().HandleAsync(id, new(["+41 79 123 45 67", "12"], null), default);
        view.Results.ShouldBe([new("+41791234567", TestOutcome.Accepted, null), new("12", TestOutcome.AddressUnusable, null)]);
        view.Empty.ShouldBe(["company"]);
        harness.Vendor.Contents.Values.Single().Text.ShouldStartWith("[Test] Hi Ada");
    }

    [Fact]
    public async Task A_vendor_that_does_not_answer_is_a_result()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        harness.Vendor.Fails = () => new VendorException(VendorFailure.NotTaken, "down", TimeSpan.FromMilliseconds(1));
        var id = await CheckCampaignTests.DraftAsync(harness, c => c);
        (await harness.Get<TestCampaign>().HandleAsync(id, new(["a@example.com"], null), default)).Results.ShouldBe([new("a@example.com", TestOutcome.NotTaken, null)]);
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<TestCampaign>().HandleAsync(id, new(["a@example.com"], "nobody"), default))).Problem.Status.ShouldBe(404);
    }

    [Fact]
    public void At_most_ten_addresses_are_taken()
    {
        var validator = new TestInputValidator();
        validator.Validate(new TestInput([.. Enumerable.Repeat("a@example.com", 10)], null)).IsValid.ShouldBeTrue();
        validator.Validate(new TestInput([.. Enumerable.Repeat("a@example.com", 11)], null)).IsValid.ShouldBeFalse();
        validator.Validate(new TestInput([], null)).IsValid.ShouldBeFalse();
        validator.Validate(new TestInput(null, null)).IsValid.ShouldBeFalse();
        validator.Validate(new TestInput(["a@example.com", ""], null)).IsValid.ShouldBeFalse();
    }
}
