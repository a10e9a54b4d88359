using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Campaigns;

/// <summary>Submit, approve, reject: somebody else looks at a campaign before it is sent.</summary>
public sealed class ReviewCampaign(CampaignSteps steps, LaunchRules rules)
{
    /// <summary>Hands the campaign in as it is now, with the size of its audience.</summary>
    public Task<Versioned<Campaign>> SubmitAsync(string id, string? ifMatch, Caller caller, CancellationToken cancellation, string? requestId = null) =>
        steps.TakeAsync(id, ifMatch, CampaignAction.Submit, async (_, next) => next with { Submission = await rules.MeasureAsync(next, caller.Id, cancellation) }, cancellation, requestId);

    /// <summary>
    /// Binds the approval to content, rule and audience as they are now, which must be what was submitted: nobody approves
    /// what they have not seen.
    /// </summary>
    public Task<Versioned<Campaign>> ApproveAsync(string id, string? ifMatch, Caller caller, CancellationToken cancellation, string? requestId = null) =>
        steps.TakeAsync(
            id, ifMatch, CampaignAction.Approve,
            async (current, next) =>
            {
                if (caller.Id == current.Value.CreatedBy || caller.Id == current.Value.EditedBy)
                {
                    throw new SelfApproval().ToException();
                }

                var now = await rules.MeasureAsync(next, caller.Id, cancellation);
                if (current.Value.Submission is { } submitted && !rules.Covers(submitted, now))
                {
                    var stale = new ApprovalStale(submitted, now);
                    await steps.ReturnAsync(current, stale.Code, cancellation);
                    throw stale.ToException();
                }

                return next with { Approval = now };
            },
            cancellation, requestId);

    /// <summary>Back to draft. An approval can be taken back in the same way until the campaign is launched.</summary>
    public Task<Versioned<Campaign>> RejectAsync(string id, string? ifMatch, CancellationToken cancellation, string? requestId = null) =>
        steps.TakeAsync(id, ifMatch, CampaignAction.Reject, (_, next) => Task.FromResult(next with { Note = "rejected" }), cancellation, requestId);
}
