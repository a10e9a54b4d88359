using FluentValidation;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Delivery;

public sealed class ReclassifyInputValidator : AbstractValidator<ReclassifyInput>
{
    public ReclassifyInputValidator() => RuleFor(r => r.CampaignId).Length(1, 100);
}

public sealed class FigureFunctions(CampaignProgress progress, Reclassify reclassify, EngagementTimes times, CustomerStore customers, TimeProvider clock)
{
    [Function("FollowCampaign")]
    [RequireRole(Role.Viewer)]
    [Describe("Follow a campaign", "Server-sent events: `progress` with the ledger, the rate and the time left whenever they have changed, at most one a second, and `end` when the campaign has ended. After 200 seconds the answer ends without; connect again.")]
    [Answers(200, typeof(ProgressView), ContentType = "text/event-stream"), Problems(404)]
    public IResult Follow(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}/events")] HttpRequest request, string id) =>
        new EventStreamReply(token => progress.FollowAsync(id, token), clock);

    [Function("StartReclassification")]
    [RequireRole(Role.Admin), Idempotent]
    [Describe("Judge again which opens and clicks were people's", "From the events kept with each message, by the rules as they are now. Customers, segments and orders put down to a click follow within seconds. The same again while it runs changes nothing.")]
    [Body(typeof(ReclassifyInput)), Answers(202, typeof(Reclassification)), Problems(404, 413, 415)]
    public async Task<IResult> Start(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/delivery/reclassify")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Accepted(await reclassify.StartAsync(await request.ReadAsync<ReclassifyInput>(cancellation), request.Caller().Id, cancellation));

    [Function("GetReclassification")]
    [RequireRole(Role.Admin)]
    [Describe("See how far it is"), Answers(200, typeof(Reclassification)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/delivery/reclassify/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await reclassify.ReadAsync(id, cancellation));

    [Function("GetEngagementTimes")]
    [RequireRole(Role.Viewer)]
    [Describe("See when people open and click", "By weekday and hour where they are: of one customer, of a segment, or of all.")]
    [Query("customerId", typeof(string), "Only this customer."), Query("segmentId", typeof(string), "Only members of this segment."), Query("zone", typeof(string), "IANA time zone of customers whose own is not known; UTC when absent.")]
    [Answers(200, typeof(EngagementTimesView)), Problems(404)]
    public async Task<IResult> Times(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/delivery/engagement")] HttpRequest request, CancellationToken cancellation)
    {
        var zone = request.Zone("zone") ?? TimeZoneInfo.Utc;
        return Reply.Ok(request.Text("customerId") is { } id
            ? EngagementTimes.Of((await customers.ReadAsync(id, cancellation) ?? throw await customers.MissingAsync(id, cancellation)).Value, zone)
            : await times.ReadAsync(request.Text("segmentId"), zone, cancellation));
    }
}
