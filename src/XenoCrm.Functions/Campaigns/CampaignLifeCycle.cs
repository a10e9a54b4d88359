namespace XenoCrm.Campaigns;

public enum CampaignState
{
    /// <summary>Being written; the only state in which it can be edited.</summary>
    Draft,

    /// <summary>Waits for someone else's approval.</summary>
    Submitted,
    Approved,

    /// <summary>Launches by itself at its time.</summary>
    Scheduled,

    /// <summary>The audience is being frozen. What is frozen already is being sent.</summary>
    Planning,

    /// <summary>The audience is frozen.</summary>
    Sending,
    Paused,

    /// <summary>Every message has left sending; receipts may still be outstanding.</summary>
    Completed,
    Cancelled,

    /// <summary>Planning could not go on; <see cref="CampaignAction.Resume"/> tries again.</summary>
    Failed,
}

public enum CampaignAction
{
    Submit,
    Approve,
    Reject,
    Schedule,
    Unschedule,
    Launch,

    /// <summary>The whole audience is frozen.</summary>
    FinishPlanning,
    Pause,
    Resume,
    Cancel,

    /// <summary>No message is left to send.</summary>
    Complete,
    Fail,

    /// <summary>Messages that had been given up are sent after all.</summary>
    Reopen,
}

/// <summary>The whole life of a campaign as one table: what is not in it is not possible.</summary>
public static class CampaignLifeCycle
{
    private static readonly Dictionary<(CampaignState, CampaignAction), CampaignState> Table = new()
    {
        [(CampaignState.Draft, CampaignAction.Submit)] = CampaignState.Submitted,
        [(CampaignState.Draft, CampaignAction.Schedule)] = CampaignState.Scheduled,
        [(CampaignState.Draft, CampaignAction.Launch)] = CampaignState.Planning,
        [(CampaignState.Submitted, CampaignAction.Approve)] = CampaignState.Approved,
        [(CampaignState.Submitted, CampaignAction.Reject)] = CampaignState.Draft,
        [(CampaignState.Approved, CampaignAction.Reject)] = CampaignState.Draft,
        [(CampaignState.Approved, CampaignAction.Schedule)] = CampaignState.Scheduled,
        [(CampaignState.Approved, CampaignAction.Launch)] = CampaignState.Planning,
        [(CampaignState.Scheduled, CampaignAction.Unschedule)] = CampaignState.Draft,
        [(CampaignState.Scheduled, CampaignAction.Launch)] = CampaignState.Planning,
        [(CampaignState.Scheduled, CampaignAction.Cancel)] = CampaignState.Cancelled,

        // A recurring campaign whose last occurrence is made.
        [(CampaignState.Scheduled, CampaignAction.Complete)] = CampaignState.Completed,
        [(CampaignState.Planning, CampaignAction.FinishPlanning)] = CampaignState.Sending,
        [(CampaignState.Planning, CampaignAction.Pause)] = CampaignState.Paused,
        [(CampaignState.Planning, CampaignAction.Cancel)] = CampaignState.Cancelled,
        [(CampaignState.Planning, CampaignAction.Fail)] = CampaignState.Failed,
        [(CampaignState.Sending, CampaignAction.Pause)] = CampaignState.Paused,
        [(CampaignState.Sending, CampaignAction.Cancel)] = CampaignState.Cancelled,
        [(CampaignState.Sending, CampaignAction.Complete)] = CampaignState.Completed,
        [(CampaignState.Sending, CampaignAction.Fail)] = CampaignState.Failed,

        // To planning, whatever was done before the pause: the planner knows how far it came and moves on at once.
        [(CampaignState.Paused, CampaignAction.Resume)] = CampaignState.Planning,
        [(CampaignState.Paused, CampaignAction.Cancel)] = CampaignState.Cancelled,
        [(CampaignState.Completed, CampaignAction.Reopen)] = CampaignState.Sending,
        [(CampaignState.Failed, CampaignAction.Resume)] = CampaignState.Planning,
        [(CampaignState.Failed, CampaignAction.Cancel)] = CampaignState.Cancelled,
    };

    /// <returns>The state that <paramref name="action"/> leads to, or null when it is not possible in <paramref name="state"/>.</returns>
    public static CampaignState? After(CampaignState state, CampaignAction action) =>
        Table.TryGetValue((state, action), out var next) ? next : null;

    /// <summary>Whether those who listen to campaigns from outside are told of it: what happens between writing and launching is nobody's business there.</summary>
    public static bool IsToldOf(this CampaignAction action) => action is CampaignAction.Launch or CampaignAction.Pause or CampaignAction.Resume
        or CampaignAction.Cancel or CampaignAction.Complete or CampaignAction.Fail or CampaignAction.Reopen;

    /// <summary>What can be done in <paramref name="state"/>.</summary>
    public static IEnumerable<CampaignAction> Possible(CampaignState state) =>
        Table.Keys.Where(k => k.Item1 == state).Select(k => k.Item2);
}
