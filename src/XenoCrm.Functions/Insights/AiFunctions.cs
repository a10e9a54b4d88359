using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Insights;

public sealed class AiFunctions(SuggestSegment suggest)
{
    [Function("SuggestSegment")]
    [RequireRole(Role.Marketer)]
    [Describe("Turn a sentence into a rule", "\"People who haven't shopped in 6 months and spent over 5,000\": the rule, the rule in English, who it finds, who is just outside, and what could be read otherwise. Saves nothing.")]
    [Body(typeof(SegmentText)), Answers(200, typeof(SegmentSuggestion)), Problems(413, 415, 422)]
    public async Task<IResult> Segments(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/segments")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await suggest.HandleAsync(await request.ReadAsync<SegmentText>(cancellation), cancellation));
}
