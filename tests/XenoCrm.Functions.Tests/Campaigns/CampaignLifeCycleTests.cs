using XenoCrm.Campaigns;
using static XenoCrm.Campaigns.CampaignAction;
using static XenoCrm.Campaigns.CampaignState;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class CampaignLifeCycleTests
{
    // Written out once more, state by state: the table says the same in another order.
    private static readonly Dictionary<CampaignState, (CampaignAction Action, CampaignState Next)[]> Expected = new()
    {
        [Draft] = [(Submit, Submitted), (Schedule, Scheduled), (Launch, Planning)],
        [Submitted] = [(Approve, Approved), (Reject, Draft)],
        [Approved] = [(Reject, Draft), (Schedule, Scheduled), (Launch, Planning)],
        [Scheduled] = [(Unschedule, Draft), (Launch, Planning), (Cancel, Cancelled), (Complete, Completed)],
        [Planning] = [(FinishPlanning, Sending), (Pause, Paused), (Cancel, Cancelled), (Fail, Failed)],
        [Sending] = [(Pause, Paused), (Cancel, Cancelled), (Complete, Completed), (Fail, Failed)],
        [Paused] = [(Resume, Planning), (Cancel, Cancelled)],
        [Completed] = [(Reopen, Sending)],
        [Cancelled] = [],
        [Failed] = [(Resume, Planning), (Cancel, Cancelled)],
    };

    [Fact]
    public void Every_pair_of_state_and_action_is_decided()
    {
        var pairs = 0;
        foreach (var state in Enum.GetValues<CampaignState>())
        {
            foreach (var action in Enum.GetValues<CampaignAction>())
            {
                CampaignState? expected = Expected[state].Where(e => e.Action == action).Select(e => (CampaignState?)e.Next).SingleOrDefault();
                CampaignLifeCycle.After(state, action).ShouldBe(expected, $"{state} + {action}");
                pairs++;
            }
        }

        pairs.ShouldBe(10 * 13);
    }

    [Fact]
    public void Every_pair_of_states_is_joined_by_one_action_at_most()
    {
        foreach (var state in Enum.GetValues<CampaignState>())
        {
            var next = CampaignLifeCycle.Possible(state).Select(a => CampaignLifeCycle.After(state, a)!.Value).ToList();
            next.ShouldBeUnique();
            next.ShouldNotContain(state);
        }
    }

    [Fact]
    public void Nothing_is_sent_of_a_campaign_before_its_launch_and_nothing_after_its_cancellation()
    {
        CampaignState[] sending = [Planning, Sending];
        foreach (var state in Enum.GetValues<CampaignState>())
        {
            foreach (var action in CampaignLifeCycle.Possible(state).Where(a => sending.Contains(CampaignLifeCycle.After(state, a)!.Value)))
            {
                action.ShouldBeOneOf(Launch, Resume, FinishPlanning, Reopen);
            }
        }

        CampaignLifeCycle.Possible(Cancelled).ShouldBeEmpty();
    }

    [Fact]
    public void An_end_has_its_time_and_loses_it_when_the_campaign_goes_on()
    {
        var now = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        var campaign = Samples.Campaign() with { State = Sending };
        var completed = campaign.After(Complete, now)!;
        completed.EndedAt.ShouldBe(now);
        completed.After(Reopen, now.AddHours(1))!.EndedAt.ShouldBeNull();
        completed.After(Launch, now).ShouldBeNull();
    }
}
