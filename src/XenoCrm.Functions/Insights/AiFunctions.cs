using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Insights;

public sealed class AiFunctions(SuggestSegment suggest, WriteMessages write, SummarizeCampaign summarize, TagCampaign tag, AiAccount account, TimeProvider clock)
{
    [Function("SuggestSegment")]
    [RequireRole(Role.Marketer)]
    [Describe("Turn a sentence into a rule", "\"People who haven't shopped in 6 months and spent over 5,000\": the rule, the rule in English, who it finds, who is just outside, and what could be read otherwise. Saves nothing.")]
    [Body(typeof(SegmentText)), Answers(200, typeof(SegmentSuggestion)), Problems(413, 415, 422)]
    public async Task<IResult> Segments(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/segments")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await suggest.HandleAsync(await request.ReadAsync<SegmentText>(cancellation), cancellation));

    [Function("WriteMessages")]
    [RequireRole(Role.Marketer)]
    [Describe("Write messages for an audience", "Two or three variants for a segment or rule, a channel, a goal and a tone, checked by rendering: within the channel's limits, with known placeholders, promising nothing that the goal does not. With `Accept: text/event-stream` the audience comes at once (event `audience`), then each message (`variant`), then how they came about (`done`).")]
    [Body(typeof(MessageRequest)), Answers(200, typeof(MessageSuggestion)), Problems(404, 413, 415)]
    public async Task<IResult> Messages(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/messages")] HttpRequest request, CancellationToken cancellation)
    {
        var wanted = await request.ReadAsync<MessageRequest>(cancellation, Json.StrictTree);
        return request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase)
            ? new EventStreamReply(token => write.StreamAsync(wanted, token), clock)
            : Reply.Ok(await write.HandleAsync(wanted, cancellation));
    }

    [Function("SummarizeCampaign")]
    [RequireRole(Role.Marketer)]
    [Describe("Summarise how a campaign went", "The figures first, then text in which every number is one of them; what a model wrote beyond them was dropped and is counted.")]
    [Answers(200, typeof(CampaignSummary)), Problems(404)]
    public async Task<IResult> Summary(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/campaigns/{id}/summary")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await summarize.HandleAsync(id, cancellation));

    [Function("TagCampaign")]
    [RequireRole(Role.Marketer)]
    [Describe("Propose tags for a campaign", "From what was sent, to whom, and what came of it."), Answers(200, typeof(CampaignTags)), Problems(404)]
    public async Task<IResult> Tags(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/campaigns/{id}/tags")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await tag.HandleAsync(id, cancellation));

    [Function("GetAiUsage")]
    [RequireRole(Role.Manager)]
    [Describe("Read what the model was asked and what that cost", "Of today (UTC), or of `day`."), Query("day", typeof(string), "YYYY-MM-DD."), Answers(200, typeof(AiUsageView))]
    public async Task<IResult> Usage(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/ai/usage")] HttpRequest request, CancellationToken cancellation)
    {
        var day = request.Query["day"].ToString();
        if (day.Length > 0 && !DateOnly.TryParseExact(day, "yyyy-MM-dd", out _))
        {
            throw Platform.Errors.RequestInvalid.At("/day", "A day is expected, such as 2026-01-31.").ToException();
        }

        return Reply.Ok(await account.ReadAsync(day.Length == 0 ? null : day, cancellation));
    }
}
