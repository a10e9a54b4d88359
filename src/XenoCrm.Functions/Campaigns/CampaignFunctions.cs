using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Campaigns;

public sealed class CampaignFunctions(WorkspaceStore<Campaign> campaigns, SaveCampaign save, SteerCampaign steer, Cursors cursors)
{
    [Function("ListCampaigns")]
    [RequireRole(Role.Viewer)]
    [Describe("List campaigns, newest first"), Paged, Answers(200, typeof(Page<CampaignView>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, "campaigns");
        var found = await campaigns.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, "campaigns", c => CampaignView.Of(c.Value), c => c.Value.Id));
    }

    [Function("CreateCampaign")]
    [RequireRole(Role.Marketer), Idempotent]
    [Describe("Create a draft campaign", "One `content`, a template, or two to five `variants` that share the recipients by their weights; with a `holdout` share that gets nothing, and a `winner` rule by which a part of the audience tests the variants for the rest."), Body(typeof(CampaignInput)), Answers(201, typeof(CampaignView)), Problems(413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns")] HttpRequest request, CancellationToken cancellation)
    {
        var created = await save.CreateAsync(await request.ReadAsync<CampaignInput>(cancellation), request.Caller(), cancellation, request.EffectId());
        return Reply.Created($"/api/campaigns/{created.Value.Id}", CampaignView.Of(created.Value), created.ETag);
    }

    [Function("GetCampaign")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a campaign"), Answers(200, typeof(CampaignView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException());

    [Function("UpdateCampaign")]
    [RequireRole(Role.Marketer)]
    [Describe("Change a campaign that is not scheduled or launched", "Needs If-Match. What was submitted or approved is a draft again."), Body(typeof(CampaignInput)), Answers(200, typeof(CampaignView)), Problems(404, 409, 412, 413, 415, 428)]
    public async Task<IResult> Update(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = "api/campaigns/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var ifMatch = request.RequireIfMatch();
        return Answer(await save.UpdateAsync(id, ifMatch, await request.ReadAsync<CampaignInput>(cancellation), request.Caller(), cancellation));
    }

    [Function("DeleteCampaign")]
    [RequireRole(Role.Marketer)]
    [Describe("Delete a draft campaign", "Needs If-Match."), Answers(204), Problems(404, 409, 412, 428)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/campaigns/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await save.DeleteAsync(id, request.RequireIfMatch(), cancellation);
        return Reply.NoContent();
    }

    [Function("LaunchCampaign")]
    [RequireRole(Role.Marketer, Scope = "campaigns:launch"), Idempotent]
    [Describe("Launch a campaign", "Freezes the audience and begins to send. A second launch is a 409. Above `Campaigns:ApprovalAbove` customers it needs an approval that still holds, and a manager; without that setting, a manager."), Answers(202, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Launch(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/launch")] HttpRequest request, string id, CancellationToken cancellation) =>
        Accept(await steer.LaunchAsync(id, request.IfMatch(), request.Caller(), cancellation, request.EffectId()));

    [Function("PauseCampaign")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Pause a campaign"), Answers(202, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Pause(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/pause")] HttpRequest request, string id, CancellationToken cancellation) =>
        Accept(await steer.PauseAsync(id, request.IfMatch(), cancellation, request.EffectId()));

    [Function("ResumeCampaign")]
    [RequireRole(Role.Manager, Scope = "campaigns:launch"), Idempotent]
    [Describe("Resume a paused or failed campaign", "Nothing is sent twice."), Answers(202, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Resume(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/resume")] HttpRequest request, string id, CancellationToken cancellation) =>
        Accept(await steer.ResumeAsync(id, request.IfMatch(), cancellation, request.EffectId()));

    [Function("CancelCampaign")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Cancel a campaign", "What is not with the vendor yet is skipped."), Answers(202, typeof(CampaignView)), Problems(404, 409, 412)]
    public async Task<IResult> Cancel(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/cancel")] HttpRequest request, string id, CancellationToken cancellation) =>
        Accept(await steer.CancelAsync(id, request.IfMatch(), cancellation, request.EffectId()));

    private static IResult Answer(Versioned<Campaign> campaign) => Reply.Ok(CampaignView.Of(campaign.Value), campaign.ETag);

    private static IResult Accept(Versioned<Campaign> campaign) => Reply.Accepted(CampaignView.Of(campaign.Value), campaign.ETag);
}
