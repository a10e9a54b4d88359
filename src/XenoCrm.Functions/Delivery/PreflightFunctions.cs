using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Delivery;

/// <summary>What is asked for before a launch, and after one that did not reach everybody.</summary>
public sealed class PreflightFunctions(CheckCampaign check, TestCampaign test, RetryFailed retry)
{
    [Function("CheckCampaign")]
    [RequireRole(Role.Marketer, Reads = true)]
    [Describe("Check a campaign before its launch", "Who would be written to and who not and why, what the content lacks, SMS parts, overlap with other campaigns, cost, sizes of variants and holdout, who waits for the end of quiet hours, and when it would be done at the vendor's rate. Sizes are exact; the rest is of the whole audience up to `Campaigns:CheckLimit` customers, and of a random sample above: `basis` and `examined` say which. Sends nothing.")]
    [Answers(200, typeof(CheckView)), Problems(404, 409)]
    public async Task<IResult> Check(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/check")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await check.HandleAsync(id, cancellation));

    [Function("TestCampaign")]
    [RequireRole(Role.Marketer), Idempotent]
    [Describe("Send a campaign to a few addresses as a test", "At most ten, marked [Test]; rendered for a customer or a made-up one. Not in the ledger and not tracked. Suppressed addresses get nothing.")]
    [Body(typeof(TestInput)), Answers(200, typeof(TestView)), Problems(404, 413, 415)]
    public async Task<IResult> Test(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/test")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await test.HandleAsync(id, await request.ReadAsync<TestInput>(cancellation), cancellation, request.EffectId()));

    [Function("RetryFailedMessages")]
    [RequireRole(Role.Manager, Scope = "campaigns:launch"), Idempotent]
    [Describe("Send messages that failed for a passing reason", "Those whose run was given up (`poison`), that the vendor put off too often, or that it says it never got (`not_taken`): it certainly has none of them. Never bounces, refusals or what the vendor may have. For completed campaigns; a repeat sends nothing twice.")]
    [Answers(202, typeof(RetryView)), Problems(404, 409, 412)]
    public async Task<IResult> Retry(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/campaigns/{id}/retry-failed")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Accepted(await retry.HandleAsync(id, request.IfMatch(), cancellation));
}
