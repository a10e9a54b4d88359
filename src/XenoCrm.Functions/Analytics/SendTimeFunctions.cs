using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Analytics;

public sealed class SendTimeFunctions(SendTimes times)
{
    private const string What =
        "From when people opened and clicked, by their own clocks, drawn towards everybody's times the more, the fewer answers there are; with the sample, the interval, and `notEnoughData` or `noPreference` when it is so. Campaigns with `bestTime` send by it.";

    [Function("GetSendTime")]
    [RequireRole(Role.Marketer)]
    [Describe("Find the best time to send", What)]
    [Query("customerId", typeof(string), "Of this customer."), Query("segmentId", typeof(string), "Of this segment's members. With neither: of everybody."), Query("fresh", typeof(bool), "`true`: computed now. Otherwise up to a day old; see `computedAt`.")]
    [Answers(200, typeof(SendTimeView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/ai/send-time")] HttpRequest request, CancellationToken cancellation)
    {
        var (customer, segment) = (request.Text("customerId"), request.Text("segmentId"));
        if (customer is not null && segment is not null)
        {
            throw RequestInvalid.At("/segmentId", "Either a customer or a segment, not both.").ToException();
        }

        return Reply.Ok(await times.HandleAsync(new(customer, segment, DateRange.IsFresh(request)), cancellation));
    }

    [Function("FindSendTime")]
    [RequireRole(Role.Marketer, Reads = true)]
    [Describe("Find the best time to send, as the other routes below /api/ai are asked", What)]
    [Body(typeof(SendTimeRequest)), Answers(200, typeof(SendTimeView)), Problems(404, 413, 415)]
    public async Task<IResult> Find(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/send-time")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await times.HandleAsync(await request.ReadAsync<SendTimeRequest>(cancellation), cancellation));
}
