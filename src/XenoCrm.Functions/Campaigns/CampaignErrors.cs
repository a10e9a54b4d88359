using XenoCrm.Platform.Errors;

namespace XenoCrm.Campaigns;

public sealed record CampaignNotFound(string Id)
    : Problem(404, "campaign.not_found", "There is no such campaign", $"No campaign has the id {Id}.");

public sealed record CampaignNotEditable(CampaignState State)
    : Problem(409, "campaign.not_editable", "The campaign can no longer be edited", State == CampaignState.Scheduled
        ? "It is scheduled: take it from the schedule first."
        : $"Only what was not launched can be changed, and only drafts can be deleted; this campaign is {State.ToString().ToLowerInvariant()}.");

public sealed record CampaignStateConflict(CampaignState State, CampaignAction Action)
    : Problem(409, "campaign.state", "The campaign's state does not allow this", $"A campaign that is {State.ToString().ToLowerInvariant()} cannot {Verb(Action)}.")
{
    private static string Verb(CampaignAction action) => action switch
    {
        CampaignAction.Submit => "be submitted",
        CampaignAction.Approve => "be approved",
        CampaignAction.Reject => "be rejected",
        CampaignAction.Schedule => "be scheduled",
        CampaignAction.Unschedule => "be taken from the schedule",
        CampaignAction.Launch => "be launched",
        CampaignAction.Pause => "be paused",
        CampaignAction.Resume => "be resumed",
        CampaignAction.Cancel => "be cancelled",
        CampaignAction.Reopen => "be sent again in part: it must have been completed",
        _ => "do that",
    };
}

public sealed record CampaignSegmentGone(string SegmentId)
    : Problem(409, "campaign.segment_gone", "The campaign's segment no longer exists", $"No segment has the id {SegmentId}. Choose another one.");

public sealed record SelfApproval()
    : Problem(403, "campaign.self_approval", "Nobody approves their own campaign", "You made this campaign or changed it last. Somebody else has to approve it.");

public sealed record ApprovalRequired(long Audience, long Above)
    : Problem(409, "campaign.approval_required", "The campaign needs approval", $"It goes to {Audience} customers; above {Above} somebody else has to approve it. Submit it.");

/// <summary>What was submitted or approved is not what would be sent. The campaign is a draft again.</summary>
public sealed record ApprovalStale(Review Reviewed, Review Now)
    : Problem(409, "campaign.approval_stale", "The campaign is not what was reviewed any more", Reviewed.Fingerprint != Now.Fingerprint
        ? "The rule of its segment has changed since then. It is a draft again: submit it."
        : $"Its audience was {Reviewed.Audience} customers and is {Now.Audience} now. It is a draft again: submit it.");

public sealed record LaunchNeedsManager(long? Above)
    : Problem(403, "campaign.launch_needs_manager", "A manager has to launch this campaign", Above is { } above
        ? $"Marketers launch campaigns to at most {above} customers."
        : "No size is set up to which marketers launch campaigns.");

public sealed record CampaignRecurring()
    : Problem(409, "campaign.recurring", "The campaign is recurring", "Its occurrences are launched, each at its time. Take it from the schedule to launch it now.");

public sealed record TemplateNotFound(string Id)
    : Problem(404, "template.not_found", "There is no such template", $"No template has the id {Id}.");
