using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

/// <summary>What a campaign was at some time, as far as a reviewer judges it.</summary>
/// <param name="Fingerprint">Of its variants, how they are sent, and the rule of its segment.</param>
/// <param name="Audience">How many customers satisfied the rule.</param>
public sealed record Review(string By, DateTimeOffset At, string Fingerprint, long Audience)
{
    /// <summary>Whether the campaign is still what was reviewed.</summary>
    /// <param name="tolerance">The share by which the audience may differ, up or down.</param>
    public bool Covers(string fingerprint, long audience, double tolerance) =>
        fingerprint == Fingerprint && Math.Abs(audience - Audience) <= Audience * tolerance;
}

/// <summary>Whether a campaign may be launched: what was approved is what is sent.</summary>
public sealed class LaunchRules(
    SegmentDirectory segments, SegmentAudience audience, CustomerStore customers, IOptions<CampaignOptions> options, TimeProvider clock)
{
    /// <summary>Above so many customers a campaign needs approval; null: never.</summary>
    public long? ApprovalAbove => options.Value.ApprovalAbove;

    /// <summary>The campaign as it is now, for <paramref name="by"/> to look at.</summary>
    public async Task<Review> MeasureAsync(Campaign campaign, string by, CancellationToken cancellation)
    {
        var segment = await segments.ReadAsync(campaign.SegmentId, cancellation) ?? throw new CampaignSegmentGone(campaign.SegmentId).ToException();
        var now = clock.GetUtcNow();
        return new(by, now, Fingerprint(campaign, segment), await customers.CountAsync(audience.Filter(segment, now), cancellation));
    }

    /// <summary>For the planner, which reads the segment itself: the rule whose audience it freezes is the one that was approved.</summary>
    public static void RequireApprovedRule(Campaign campaign, Segment segment)
    {
        if (campaign.Approval is { } approval && Fingerprint(campaign, segment) is var now && now != approval.Fingerprint)
        {
            throw new ApprovalStale(approval, approval with { Fingerprint = now }).ToException();
        }
    }

    public bool Covers(Review earlier, Review now) => earlier.Covers(now.Fingerprint, now.Audience, options.Value.ApprovalTolerance);

    /// <param name="role">Whose launch it is; null: the schedule's, which somebody was allowed to make.</param>
    /// <returns>Why not, or null. The audience is counted only where its size decides.</returns>
    public async Task<Problem?> RefusalAsync(Campaign campaign, Role? role, CancellationToken cancellation)
    {
        if (await segments.ReadAsync(campaign.SegmentId, cancellation) is null)
        {
            return new CampaignSegmentGone(campaign.SegmentId);
        }

        var above = options.Value.ApprovalAbove;
        if (above is null && campaign.Approval is null)
        {
            return role < Role.Manager ? new LaunchNeedsManager(null) : null;
        }

        var now = await MeasureAsync(campaign, "", cancellation);
        if (role < Role.Manager && !(now.Audience <= above))
        {
            return new LaunchNeedsManager(above);
        }

        return campaign.Approval is { } approval
            ? Covers(approval, now) ? null : new ApprovalStale(approval, now)
            : now.Audience > above ? new ApprovalRequired(now.Audience, above.Value) : null;
    }

    /// <summary>
    /// The rule and what is sent, how, in one hash. The rule's text and not its version: renaming a segment changes nothing. What
    /// other segments mean that the rule asks about is not in it; a change of those shows in the size.
    /// </summary>
    public static string Fingerprint(Campaign campaign, Segment segment) => Convert.ToHexStringLower(SHA256.HashData(
        JsonSerializer.SerializeToUtf8Bytes(new { campaign.Channel, campaign.Variants, campaign.Holdout, campaign.Winner, campaign.Sending, campaign.SegmentId, segment.Rule }, Json.Options)));
}
