using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Insights;

public sealed class AiFunctions(SuggestSegment suggest, WriteMessages write, SummarizeCampaign summarize, TagCampaign tag, DescribeSegment describe, FindLookalikes lookalikes, AiAccount account, TimeProvider clock)
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
        return WantsEvents(request)
            ? new EventStreamReply(token => write.StreamAsync(wanted, token), clock)
            : Reply.Ok(await write.HandleAsync(wanted, cancellation));
    }

    [Function("SummarizeCampaign")]
    [RequireRole(Role.Marketer)]
    [Describe("Summarise how a campaign went", "The figures first, then text in which every number is one of them; what a model wrote beyond them was dropped and is counted. With `Accept: text/event-stream` the figures come at once (event `figures`), then the text (`text`).")]
    [Answers(200, typeof(CampaignSummary)), Problems(404)]
    public async Task<IResult> Summary(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/campaigns/{id}/summary")] HttpRequest request, string id, CancellationToken cancellation) =>
        WantsEvents(request) ? new EventStreamReply(token => summarize.StreamAsync(id, token), clock) : Reply.Ok(await summarize.HandleAsync(id, cancellation));

    [Function("TagCampaign")]
    [RequireRole(Role.Marketer)]
    [Describe("Propose tags for a campaign", "From what was sent, to whom, and what came of it."), Answers(200, typeof(CampaignTags)), Problems(404)]
    public async Task<IResult> Tags(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/campaigns/{id}/tags")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await tag.HandleAsync(id, cancellation));

    [Function("DescribeSegment")]
    [RequireRole(Role.Marketer)]
    [Describe("Find what distinguishes a segment", "What is more or less common among its members than among everybody, by more than chance makes: with shares, sample sizes, intervals and p-values corrected for the number of comparisons; how its size went; its RFM mix; and all that in words. What the rule itself is about is left out and named. With `Accept: text/event-stream` the figures come at once (event `figures`), then the text (`text`).")]
    [Answers(200, typeof(SegmentInsightsView)), Problems(404)]
    public async Task<IResult> Describe(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/segments/{id}/insights")] HttpRequest request, string id, CancellationToken cancellation) =>
        WantsEvents(request) ? new EventStreamReply(token => describe.StreamAsync(id, token), clock) : Reply.Ok(await describe.HandleAsync(id, cancellation));

    [Function("FindLookalikes")]
    [RequireRole(Role.Marketer)]
    [Describe("Find customers who look like a segment's members", "Ranked by a logistic regression over the fields of rules, which is tried on customers that it did not see: where it is no better than chance, or there are too few members, nobody is ranked and the answer says so. What the segment's own rule is about is left out and named. Saves nothing: to keep an audience, give its customers a tag (`POST /api/customers/{id}/tags`) and make a segment of the tag.")]
    [Body(typeof(LookalikeRequest)), Answers(200, typeof(LookalikeView)), Problems(404, 413, 415)]
    public async Task<IResult> Lookalikes(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/ai/segments/{id}/lookalike")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await lookalikes.HandleAsync(id, await request.ReadAsync<LookalikeRequest>(cancellation), cancellation));

    private static bool WantsEvents(HttpRequest request) => request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase);

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
