using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

/// <summary>Campaigns keep their segment from being deleted from the moment they are handed in until they are over. A draft does not.</summary>
public sealed class CampaignSegments(WorkspaceStore<Campaign> campaigns) : ISegmentUser
{
    public async Task<IReadOnlyList<SegmentUse>> UsesOfAsync(string segmentId, CancellationToken cancellation)
    {
        var uses = new List<SegmentUse>();
        await foreach (var (campaign, _) in campaigns.AllAsync(cancellation))
        {
            if (campaign.SegmentId == segmentId && Needs(campaign.State))
            {
                uses.Add(new("campaign", campaign.Id, campaign.Name));
            }
        }

        return uses;
    }

    /// <summary>A failed campaign can be resumed, and plans its audience again then.</summary>
    public static bool Needs(CampaignState state) => state is not (CampaignState.Draft or CampaignState.Completed or CampaignState.Cancelled);
}
