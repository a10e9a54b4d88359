using XenoCrm.Platform.Errors;

namespace XenoCrm.Campaigns;

public sealed record CampaignNotFound(string Id)
    : Problem(404, "campaign.not_found", "There is no such campaign", $"No campaign has the id {Id}.");

public sealed record CampaignNotEditable(CampaignState State)
    : Problem(409, "campaign.not_editable", "The campaign can no longer be edited", $"Only drafts can be changed or deleted; this campaign is {State.ToString().ToLowerInvariant()}.");

public sealed record CampaignStateConflict(CampaignState State, CampaignAction Action)
    : Problem(409, "campaign.state", "The campaign's state does not allow this", $"A campaign that is {State.ToString().ToLowerInvariant()} cannot {Verb(Action)}.")
{
    private static string Verb(CampaignAction action) => action switch
    {
        CampaignAction.Launch => "be launched",
        CampaignAction.Pause => "be paused",
        CampaignAction.Resume => "be resumed",
        CampaignAction.Cancel => "be cancelled",
        _ => "do that",
    };
}

public sealed record CampaignSegmentGone(string SegmentId)
    : Problem(409, "campaign.segment_gone", "The campaign's segment no longer exists", $"No segment has the id {SegmentId}. Choose another one.");

public sealed record TemplateNotFound(string Id)
    : Problem(404, "template.not_found", "There is no such template", $"No template has the id {Id}.");
