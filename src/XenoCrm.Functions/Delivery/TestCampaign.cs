using System.ComponentModel.DataAnnotations;
using FluentValidation;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

/// <param name="To">Addresses on the campaign's channel; they need not be any customer's.</param>
/// <param name="CustomerId">For whom the content is rendered; null: for a made-up customer.</param>
/// <param name="Variant">Null: the first.</param>
public sealed record TestInput([property: MaxLength(TestInputValidator.MaxAddresses)] IReadOnlyList<string>? To, string? CustomerId, string? Variant = null);

public sealed class TestInputValidator : AbstractValidator<TestInput>
{
    public const int MaxAddresses = 10;

    public TestInputValidator()
    {
        RuleFor(t => t.To).NotEmpty().Must(to => to is null || to.Count <= MaxAddresses).WithMessage($"At most {MaxAddresses} addresses.");
        RuleForEach(t => t.To).NotEmpty().MaximumLength(500);
    }
}

public enum TestOutcome
{
    Accepted,
    Rejected,

    /// <summary>The vendor asks for it later; a test is not sent again by itself.</summary>
    Deferred,

    /// <summary>The vendor did not answer, and does not have it.</summary>
    NotTaken,

    /// <summary>The vendor may have it.</summary>
    Unknown,

    /// <summary>The address is suppressed: it is never written to, not even as a test.</summary>
    Suppressed,
    AddressUnusable,
}

public sealed record TestResult(string To, TestOutcome Outcome, string? Reason);

/// <param name="Empty">Fields that the content names and this customer does not have.</param>
public sealed record TestView(IReadOnlyList<TestResult> Results, IReadOnlyList<string> Empty);

/// <summary>
/// Sends what a customer would get to a few named addresses, marked as a test, through the channel's vendor. Nothing of it is
/// in a ledger, at a customer or tracked.
/// </summary>
public sealed class TestCampaign(
    WorkspaceStore<Campaign> campaigns, CustomerStore customers, SuppressionStore suppressions, AddressHasher hasher, CampaignTemplates templates, MergeFields merge,
    VendorPool vendors, Ids ids, TimeProvider clock)
{
    public const string Mark = "[Test] ";

    /// <summary>A campaign's id never begins so: it is hexadecimal.</summary>
    private const string IdPrefix = "test-";
    private static readonly TimeSpan VendorTime = TimeSpan.FromSeconds(14);

    /// <summary>Whether a receipt is about a test: then nobody misses the message that it belongs to.</summary>
    public static bool IsTest(string messageId) => messageId.StartsWith(IdPrefix, StringComparison.Ordinal);

    public async Task<TestView> HandleAsync(string id, TestInput input, CancellationToken cancellation, string? requestId = null)
    {
        var campaign = (await campaigns.ReadAsync(id, cancellation))?.Value ?? throw new CampaignNotFound(id).ToException();
        var customer = input.CustomerId is { } customerId
            ? (await customers.ReadAsync(customerId, cancellation))?.Value ?? throw new CustomerNotFound(customerId).ToException()
            : SampleCustomer.At(clock.GetUtcNow());
        var variant = campaign.RequireVariant(input.Variant);
        var content = templates.Get(variant.Content);
        var rendered = Marked(campaign.Channel, content.Render(customer, RenderContent.Untracked));

        var to = input.To!.Select(a => Normal(campaign.Channel, a)).DistinctBy(a => a.ToUpperInvariant()).ToList();
        var hashes = to.ToDictionary(a => a, a => hasher.Hash(campaign.Channel, a));
        var suppressed = await suppressions.ReasonsAsync(hashes.Values, cancellation);
        var allowed = to.Where(a => SendRules.Usable(campaign.Channel, a) && !suppressed.ContainsKey(hashes[a])).ToList();

        var test = IdPrefix + (requestId ?? ids.New());
        var messages = allowed.Select((a, i) => new VendorMessage($"{test}.0.{i}", campaign.Channel, a, variant.Content.From, () => rendered)).ToList();
        var answers = allowed.Zip(messages.Count == 0 ? [] : await vendors.Choose(campaign.Channel).HandOverAsync(messages, VendorTime, cancellation)).ToDictionary(a => a.First, a => a.Second);
        return new(
            [.. to.Select(a => answers.TryGetValue(a, out var answer) ? new TestResult(a, Outcome(answer.Outcome), answer.Reason)
                : suppressed.TryGetValue(hashes[a], out var reason) ? new(a, TestOutcome.Suppressed, reason)
                : new(a, TestOutcome.AddressUnusable, null))],
            merge.EmptyOf(customer, content.Fields));
    }

    private static string Normal(Channel channel, string address) =>
        channel is Channel.Sms or Channel.WhatsApp && PhoneNumbers.ToE164(address, country: null) is { } number ? number : address.Trim();

    /// <summary>In the subject, or in the text where there is none; a vendor's template has no place for it.</summary>
    private static RenderedContent Marked(Channel channel, RenderedContent content) => channel == Channel.Email || content.Subject is not null
        ? content with { Subject = Mark + content.Subject, UnsubscribeUrl = null }
        : content with { Text = Mark + content.Text, UnsubscribeUrl = null };

    private static TestOutcome Outcome(HandOver answer) => answer switch
    {
        HandOver.Accepted => TestOutcome.Accepted,
        HandOver.Rejected => TestOutcome.Rejected,
        HandOver.Deferred => TestOutcome.Deferred,
        HandOver.NotTaken => TestOutcome.NotTaken,
        _ => TestOutcome.Unknown,
    };
}
