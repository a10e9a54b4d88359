using XenoCrm.Campaigns;
using static XenoCrm.Campaigns.CampaignState;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class CampaignSegmentsTests
{
    [Fact]
    public void A_segment_is_kept_by_every_campaign_that_will_ask_for_it_again()
    {
        CampaignState[] needing = [Submitted, Approved, Scheduled, Planning, Sending, Paused, Failed];
        foreach (var state in Enum.GetValues<CampaignState>())
        {
            CampaignSegments.Needs(state).ShouldBe(needing.Contains(state), $"{state}");
        }

        // Whatever leads to planning without going through a draft is covered.
        foreach (var state in Enum.GetValues<CampaignState>().Where(s => s != Draft && CampaignLifeCycle.Possible(s).Any(a => CampaignLifeCycle.After(s, a) == Planning)))
        {
            needing.ShouldContain(state);
        }
    }
}
