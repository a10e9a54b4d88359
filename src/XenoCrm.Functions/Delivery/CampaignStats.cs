using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>Statistics are sums over what is stored: there is no counter that could drift from it.</summary>
public sealed class CampaignStats(
    WorkspaceStore<Campaign> campaigns, WorkspaceStore<Plan> plans, BatchStore batches, CampaignBreakdown breakdowns, CampaignOrders orders, PriceTable prices, IOptions<WorkspaceOptions> workspace)
{
    /// <param name="by">Null: without a breakdown, which looks at every recipient.</param>
    /// <param name="zone">Of the hours.</param>
    public async Task<CampaignStatsView> ReadAsync(string id, CancellationToken cancellation, BreakdownBy? by = null, TimeZoneInfo? zone = null)
    {
        // The plan before the sums: "planned" then never goes with an audience that was still growing.
        var campaign = (await campaigns.ReadAsync(id, cancellation))?.Value ?? throw new CampaignNotFound(id).ToException();
        var plan = (await plans.ReadAsync(id, cancellation))?.Value;
        var reading = (Reasons: batches.ReasonsAsync(id, cancellation), Sums: batches.SumAsync(id, cancellation), Credited: orders.CreditedAsync(id, cancellation));
        await Task.WhenAll(reading.Reasons, reading.Sums, reading.Credited);
        var (reasons, sums, credited) = (await reading.Reasons, await reading.Sums, await reading.Credited);
        var c = sums.Counts;
        var heldOut = reasons.GetValueOrDefault(Reasons.Holdout);
        return new(
            campaign.State, c.Audience, c.Sent, c.Delivered, c.Failed, c.Suppressed, c.Skipped, c.Pending, c.Unknown,
            c.Opened, c.Clicked, c.AutoOpened, c.AutoClicked, c.Unsubscribed, c.Complained, reasons, plan?.Done == true || campaign.State == CampaignState.Cancelled)
        {
            Queued = c.Queued,
            Waiting = c.Waiting,
            HeldOut = heldOut,
            Funnel = FunnelStep.Of(c, credited.Count),
            Rates = Rates.Of(c, credited.Count),
            Conversions = Conversions.Of(credited.Count, MessageOrders.Sum(credited.Values), c.Sent),
            Holdout = campaign.Holdout > 0 ? await CompareAsync(id, c.Audience - c.Suppressed - c.Skipped - c.Queued, heldOut, cancellation) : null,
            Cost = CostOf(sums, plan),
            Breakdown = by is { } property ? await breakdowns.ReadAsync(campaign, property, zone ?? TimeZoneInfo.Utc, sums, credited, cancellation) : null,
        };
    }

    private CampaignCost CostOf(BatchSums sums, Plan? plan)
    {
        var units = Math.Round(sums.Units + (plan?.Units ?? 0));
        return new(sums.Cost / PriceTable.Scale, sums.Unpriced, units, prices.OfUnits(units), workspace.Value.Currency);
    }

    private async Task<HoldoutComparison> CompareAsync(string id, int sentMembers, int heldOutMembers, CancellationToken cancellation)
    {
        var (sent, heldOut) = await orders.ComparedAsync(id, cancellation);
        var difference = Proportions.Compare(sent.Count, sentMembers, heldOut.Count, heldOutMembers);
        return new(
            Group(sent, sentMembers), Group(heldOut, heldOutMembers), difference,
            !difference.IsConclusive ? ComparisonOutcome.Undecided : difference.Value > 0 ? ComparisonOutcome.MoreOrders : ComparisonOutcome.FewerOrders,
            difference.Value is { } value ? Math.Round(value * sentMembers, 1) : null);
    }

    private static ComparisonGroup Group(IReadOnlyDictionary<string, MessageOrders> converted, int members)
    {
        var all = MessageOrders.Sum(converted.Values);
        return new(members, Proportions.Rate(converted.Count, members), all.Orders, Revenue.Of(all, members));
    }
}
