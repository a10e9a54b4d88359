using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Campaigns;

/// <summary>What comes between a draft and its launch.</summary>
public sealed class LifeCycleFunctions(ReviewCampaign review, ScheduleCampaign schedule, Cursors cursors)
{
    [Function("SubmitCampaign")]
    [RequireRole(Role.Marketer), Idempotent]
    [Describe("Submit a draft for approval", "Notes content, rule and the size of the audience as they are now. Changing the campaign makes it a draft again.")]
    [Answers(200, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Submit(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/submit")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await review.SubmitAsync(id, request.IfMatch(), request.Caller(), cancellation, request.EffectId()));

    [Function("ApproveCampaign")]
    [RequireRole(Role.Manager, PeopleOnly = true), Idempotent]
    [Describe("Approve a submitted campaign", "Never one's own (403 `campaign.self_approval`). The approval holds for this content, this rule and this size of the audience, give or take `Campaigns:ApprovalTolerance`: otherwise the launch is refused (409 `campaign.approval_stale`) and the campaign is a draft again.")]
    [Answers(200, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Approve(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/approve")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await review.ApproveAsync(id, request.IfMatch(), request.Caller(), cancellation, request.EffectId()));

    [Function("RejectCampaign")]
    [RequireRole(Role.Manager, PeopleOnly = true), Idempotent]
    [Describe("Reject a submitted campaign, or take an approval back", "It is a draft again."), Answers(200, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Reject(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/reject")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await review.RejectAsync(id, request.IfMatch(), cancellation, request.EffectId()));

    [Function("ScheduleCampaign")]
    [RequireRole(Role.Marketer, Scope = "campaigns:launch"), Idempotent]
    [Describe("Schedule a campaign", "Once at a time, or every day, week or month at a local time: then each occurrence is a campaign of its own. With `local` each recipient gets it at that time by their own time zone (else `Delivery:TimeZone`): it is launched when the first zone comes to it, and who lives where it has passed already gets it at once, or nothing (`late: skip`, reason `local_time_passed`). Launched within ten seconds of the time. A time that passed while the service was down is caught up on within `Campaigns:LateLaunch` (note `launched_late`); later the campaign is a draft again, and an occurrence is cancelled (note `schedule_missed`). Approval is checked now and at the launch.")]
    [Body(typeof(ScheduleInput)), Answers(200, typeof(CampaignView)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Schedule(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/schedule")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await schedule.ScheduleAsync(id, request.IfMatch(), await request.ReadAsync<ScheduleInput>(cancellation), request.Caller(), cancellation, request.EffectId()));

    [Function("UnscheduleCampaign")]
    [RequireRole(Role.Marketer)]
    [Describe("Take a campaign from the schedule", "It is a draft again; an approval is lost."), Answers(200, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Unschedule(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/campaigns/{id}/schedule")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await schedule.UnscheduleAsync(id, request.IfMatch(), cancellation));

    [Function("ListOccurrences")]
    [RequireRole(Role.Viewer)]
    [Describe("List the campaigns made from a recurring one, newest first"), Paged, Answers(200, typeof(Page<CampaignView>)), Problems(404)]
    public async Task<IResult> Occurrences(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}/occurrences")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var list = $"occurrences:{id}";
        var page = PageRequest.From(request, cursors, list);
        var found = await schedule.OccurrencesAsync(id, page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, list, CampaignView.Of, c => c.Id));
    }

    private static IResult Answer(Versioned<Campaign> campaign) => Reply.Ok(CampaignView.Of(campaign.Value), campaign.ETag);
}
