using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>The ledger of a campaign: audience = delivered + failed + suppressed + skipped + pending.</summary>
/// <param name="Audience">The recipients frozen so far; final when <paramref name="Planned"/>.</param>
/// <param name="Sent">Accepted by the vendor, whatever came after.</param>
/// <param name="Pending">To be sent, sent without a receipt yet, or unknown.</param>
/// <param name="Unknown">Part of pending: perhaps sent, and not to be asked again; a receipt settles it.</param>
/// <param name="Opened">By a person, as far as can be told from who fetched the image, and when.</param>
/// <param name="AutoOpened">Only by programs: scanners, prefetchers. Not part of <paramref name="Opened"/>.</param>
/// <param name="Reasons">Failed, suppressed, skipped and unknown messages by reason.</param>
/// <param name="Planned">Whether the audience is complete.</param>
public sealed record CampaignStatsView(
    CampaignState State, int Audience, int Sent, int Delivered, int Failed, int Suppressed, int Skipped, int Pending, int Unknown,
    int Opened, int Clicked, int AutoOpened, int AutoClicked, int Unsubscribed, int Complained, IReadOnlyDictionary<string, int> Reasons, bool Planned);

/// <summary>Statistics are sums over what is stored: there is no counter that could drift from it.</summary>
public sealed class CampaignStats(WorkspaceStore<Campaign> campaigns, WorkspaceStore<Plan> plans, BatchStore batches)
{
    public async Task<CampaignStatsView> ReadAsync(string id, CancellationToken cancellation)
    {
        // The plan before the sums: "planned" then never goes with an audience that was still growing.
        var campaign = (await campaigns.ReadAsync(id, cancellation))?.Value ?? throw new CampaignNotFound(id).ToException();
        var plan = (await plans.ReadAsync(id, cancellation))?.Value;
        var reasons = batches.ReasonsAsync(id, cancellation);
        var counts = await batches.SumAsync(id, cancellation);
        return new(
            campaign.State, counts.Audience, counts.Sent, counts.Delivered, counts.Failed, counts.Suppressed, counts.Skipped, counts.Pending, counts.Unknown,
            counts.Opened, counts.Clicked, counts.AutoOpened, counts.AutoClicked, counts.Unsubscribed, counts.Complained, await reasons, plan?.Done == true || campaign.State == CampaignState.Cancelled);
    }
}
