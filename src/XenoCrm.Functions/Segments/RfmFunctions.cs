using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Segments;

public sealed class RfmFunctions(RfmJob job, ReadRfm read, PoisonMessages poison)
{
    [Function("GetRfm")]
    [RequireRole(Role.Viewer)]
    [Describe("Show how customers are spread over the RFM segments", "As of the last finished scoring; run says how far the present one is.")]
    [Answers(200, typeof(RfmView))]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/rfm")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await read.HandleAsync(cancellation));

    [Function("RebuildRfm")]
    [RequireRole(Role.Marketer), Idempotent]
    [Describe("Score all customers with orders now", "It runs in the background, once at a time: while a run is under way this begins no other.")]
    [Answers(202, typeof(RfmView))]
    public async Task<IResult> Rebuild(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/segments/rfm/rebuild")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Accepted(read.Of(await job.StartAsync(cancellation)));

    [Function("ScoreRfmDaily")]
    public Task Daily([TimerTrigger(RfmJob.Cron)] TimerInfo timer, CancellationToken cancellation) => job.StartAsync(cancellation);

    [Function("ScoreRfm")]
    public Task Score([QueueTrigger(ScoreRfm.Queue)] ScoreRfm message, CancellationToken cancellation) => job.HandleAsync(message, cancellation);

    [Function("GiveUpScoreRfm")]
    public Task GiveUp([QueueTrigger(ScoreRfm.Queue + "-poison")] string message, CancellationToken cancellation) => poison.BuryAsync(ScoreRfm.Queue, message, cancellation);
}
