using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Delivery;

public enum CheckBasis
{
    /// <summary>Every customer of the audience was looked at.</summary>
    All,

    /// <summary>A part of a large audience, chosen by the last digits of the id, which are random.</summary>
    Sample,
}

/// <param name="CustomerIds">Some of them.</param>
public sealed record MissingField(string Field, int Customers, IReadOnlyList<string> CustomerIds);

public sealed record SmsParts(int Parts, int Customers);

/// <param name="Customers">Who got a message of that campaign in the last days.</param>
public sealed record Overlap(string CampaignId, string? Name, int Customers);

/// <param name="Customers">Of those examined, as if no winner were looked for.</param>
public sealed record VariantSize(string Name, int Customers);

/// <param name="Until">When the last of them are written to.</param>
public sealed record Waiting(int Customers, DateTimeOffset Until);

/// <param name="Code">Stable: <c>audience_empty</c>, <c>nobody_reachable</c>, <c>many_unreachable</c>, <c>fields_missing</c>, <c>sms_parts</c>, <c>recently_written_to</c>, <c>price_unknown</c>, <c>approval_needed</c>, <c>approval_stale</c>.</param>
public sealed record CheckWarning(string Code, string Detail);

/// <summary>What a launch now would meet. Nothing is sent or changed.</summary>
/// <param name="Audience">How many customers satisfy the segment's rule. Exact.</param>
/// <param name="Reachable">Of them, who has a usable address and has not said no. Exact; suppressed addresses count as reachable.</param>
/// <param name="Basis">What the figures from here on are of.</param>
/// <param name="Examined">How many customers were looked at. The counts below are of these; only the cost is scaled to the audience.</param>
/// <param name="Sendable">Who would be written to.</param>
/// <param name="HeldOut">Who would be written to if they were not held out.</param>
/// <param name="Variants">Who of those that would be written to would get which.</param>
/// <param name="Suppressed">By reason.</param>
/// <param name="Skipped">By reason: <c>address_missing</c>, <c>address_unusable</c>, <c>consent_withdrawn</c>, <c>consent_missing</c>, <c>capped</c>, <c>local_time_passed</c>.</param>
/// <param name="MissingFields">Of who would be written to: fields that the content names and they do not have.</param>
/// <param name="Sms">How many parts the texts take; null on other channels.</param>
/// <param name="WrittenToRecently">Who got a message of another campaign in the last seven days.</param>
/// <param name="Overlaps">The campaigns that they are of, the largest first.</param>
/// <param name="Price">Of one message (of one part of an SMS); null: not set up.</param>
/// <param name="Cost">For the whole audience.</param>
/// <param name="LaunchAt">What all this is as of: the schedule's next launch, or now.</param>
/// <param name="QuietHours">Who is to be written to in their quiet hours, and waits; null: nobody.</param>
/// <param name="FinishesAt">When the last message is with the vendor, as far as its rate, quiet hours and local times decide; if a winner is looked for, at the latest.</param>
public sealed record CheckView(
    long Audience, long Reachable, CheckBasis Basis, int Examined, int Sendable, int HeldOut, IReadOnlyList<VariantSize> Variants, IReadOnlyDictionary<string, int> Suppressed, IReadOnlyDictionary<string, int> Skipped,
    IReadOnlyList<MissingField> MissingFields, IReadOnlyList<SmsParts>? Sms, int WrittenToRecently, IReadOnlyList<Overlap> Overlaps,
    decimal? Price, decimal? Cost, string Currency, IReadOnlyList<CheckWarning> Warnings, DateTimeOffset At,
    DateTimeOffset LaunchAt, Waiting? QuietHours, DateTimeOffset FinishesAt);

/// <summary>
/// The flight check: goes over the audience with the rules of sending. Sizes are counted from indexes and always exact;
/// everything else is read from the customers, page by page, all of them up to <see cref="CampaignOptions.CheckLimit"/> and a
/// sample of about as many above it. So the time is bounded whatever the audience, and the answer says what it is of.
/// </summary>
public sealed class CheckCampaign(
    WorkspaceStore<Campaign> campaigns, SegmentDirectory segments, SegmentAudience audience, CustomerStore customers, ChannelReach reach, SendDecisions decisions,
    CampaignTemplates templates, MergeFields merge, TrackingLinks links, SendTiming timing, CapBook caps, VendorPool vendors, LaunchRules rules,
    IOptions<CampaignOptions> options, IOptions<WorkspaceOptions> workspace, TimeProvider clock)
{
    private const int PageSize = 1000;
    private const int MaxOverlaps = 10;

    /// <summary>Above this share of the audience without a message something is probably wrong with the segment.</summary>
    private const double ManyUnreachable = 0.2;
    private static readonly TimeSpan Recent = TimeSpan.FromDays(7);

    public async Task<CheckView> HandleAsync(string id, CancellationToken cancellation)
    {
        var campaign = (await campaigns.ReadAsync(id, cancellation))?.Value ?? throw new CampaignNotFound(id).ToException();
        var segment = await segments.ReadAsync(campaign.SegmentId, cancellation) ?? throw new CampaignSegmentGone(campaign.SegmentId).ToException();
        var now = clock.GetUtcNow();
        var filter = audience.Filter(segment, now);
        var size = await customers.CountAsync(filter, cancellation);
        var estimate = (await reach.EstimateAsync(filter, cancellation)).Single(e => e.Channel == campaign.Channel.Name());

        var launch = campaign is { State: CampaignState.Scheduled, Schedule.At: var at } && at > now ? at : now;
        var sampled = size > options.Value.CheckLimit;
        await timing.PrepareAsync(campaign, cancellation);
        var tally = new CheckTally(campaign, templates, merge, links, timing, caps, now - Recent, launch);
        await ExamineAsync(campaign.Channel, sampled ? filter.And(Part((double)options.Value.CheckLimit / size)) : filter, tally, cancellation);

        // Parts for SMS, messages elsewhere, of the whole audience.
        var units = tally.Examined == 0 ? 0 : tally.Units * ((decimal)size / tally.Examined);
        var cost = estimate.Price * (sampled ? units : tally.Units);
        return new(
            size, estimate.Reachable, sampled ? CheckBasis.Sample : CheckBasis.All, tally.Examined, tally.Sendable, tally.HeldOut, tally.Variants, tally.Suppressed, tally.Skipped, tally.MissingFields,
            campaign.Channel == Channel.Sms ? tally.Sms : null, tally.WrittenToRecently, await NameAsync(tally.Overlaps.Take(MaxOverlaps), cancellation),
            estimate.Price, cost, workspace.Value.Currency, [.. Warnings(campaign, segment, size, tally, estimate.Price)], now,
            launch, tally.QuietHours, tally.FinishesAt(vendors.Choose(campaign.Channel).Vendor.MessagesPerSecond, tally.Examined == 0 ? 1 : (double)size / tally.Examined));
    }

    /// <summary>
    /// The condition that holds for about that share of all customers, and is independent of everything else about them: ids
    /// are UUIDv7, whose last digits are random. A sample by the order of ids would be one by age.
    /// </summary>
    internal static string Part(double share)
    {
        var digits = share >= 1.0 / 16 ? 1 : 2;
        var of = digits == 1 ? 16 : 256;
        var endings = Enumerable.Range(0, Math.Clamp((int)(share * of), 1, of)).Select(n => n.ToString($"x{digits}", System.Globalization.CultureInfo.InvariantCulture));
        return string.Join(" OR ", endings.Select(e => $"ENDSWITH(c.id, '{e}')"));
    }

    private async Task ExamineAsync(Channel channel, CustomerFilter filter, CheckTally tally, CancellationToken cancellation)
    {
        string? last = null;
        while (true)
        {
            var page = await customers.PageAsync(filter, last, PageSize, cancellation);
            var decided = await decisions.DecideAsync(channel, page, cancellation);
            foreach (var (customer, _) in page)
            {
                tally.Add(customer, decided[customer.Id].Decision);
            }

            if (page.Count < PageSize)
            {
                return;
            }

            last = page[^1].Value.Id;
        }
    }

    private async Task<IReadOnlyList<Overlap>> NameAsync(IEnumerable<(string CampaignId, int Customers)> overlaps, CancellationToken cancellation) =>
        await Task.WhenAll(overlaps.Select(async o => new Overlap(o.CampaignId, (await campaigns.ReadAsync(o.CampaignId, cancellation))?.Value.Name, o.Customers)));

    private IEnumerable<CheckWarning> Warnings(Campaign campaign, Segment segment, long size, CheckTally tally, decimal? price)
    {
        if (size == 0)
        {
            yield return new("audience_empty", "Nobody satisfies the segment's rule.");
        }
        else if (tally.Sendable == 0)
        {
            yield return new("nobody_reachable", "Nobody of the audience would be written to.");
        }
        else if (tally.Examined - tally.Sendable - tally.HeldOut is var unreachable && unreachable > tally.Examined * ManyUnreachable)
        {
            yield return new("many_unreachable", $"{unreachable} of {tally.Examined} customers would not be written to.");
        }

        foreach (var field in tally.MissingFields)
        {
            yield return new("fields_missing", $"{field.Customers} customers have no {field.Field}: its place is empty, or holds the default.");
        }

        if (tally.Sms.Where(s => s.Parts > 1).Sum(s => s.Customers) is > 0 and var longer)
        {
            yield return new("sms_parts", $"The text takes more than one part for {longer} customers; each part is paid for.");
        }

        if (tally.WrittenToRecently > 0)
        {
            yield return new("recently_written_to", $"{tally.WrittenToRecently} customers got a message of another campaign in the last {Recent.Days} days.");
        }

        if (price is null)
        {
            yield return new("price_unknown", $"No price is set up for {campaign.Channel.Name()}.");
        }

        if (campaign.Approval is { } approval)
        {
            if (!rules.Covers(approval, approval with { Fingerprint = LaunchRules.Fingerprint(campaign, segment), Audience = size }))
            {
                yield return new("approval_stale", "The campaign is not what was approved any more: its launch would be refused.");
            }
        }
        else if (size > rules.ApprovalAbove)
        {
            yield return new("approval_needed", $"Above {rules.ApprovalAbove} customers somebody else has to approve the campaign.");
        }
    }
}
