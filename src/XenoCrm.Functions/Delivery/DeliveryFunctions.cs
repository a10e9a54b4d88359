using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <summary>Messages of all campaigns, and what waits or went wrong.</summary>
/// <param name="StrayReceipts">Receipts of the last month that belong to no message.</param>
/// <param name="PoisonRuns">Runs that were given up and not replayed.</param>
/// <param name="PoisonReceipts">Messages of receipts that were given up and not replayed.</param>
/// <param name="PoisonMessages">The same of other queues, such as those of segments.</param>
/// <param name="Queues">Messages waiting, approximately, by queue.</param>
public sealed record DeliveryStatsView(Counts Messages, IReadOnlyDictionary<string, int> Reasons, int StrayReceipts, int PoisonRuns, int PoisonReceipts, int PoisonMessages, IReadOnlyDictionary<string, int> Queues);

public sealed class DeliveryFunctions(
    CampaignStats stats, CampaignMessages messages, BatchStore batches, StrayReceiptStore strays, PoisonList poison, JobQueue queue, Cursors cursors)
{
    [Function("GetCampaignStats")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a campaign's ledger", "audience = delivered + failed + suppressed + skipped + pending, always."), Answers(200, typeof(CampaignStatsView)), Problems(404)]
    public async Task<IResult> Stats(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}/stats")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await stats.ReadAsync(id, cancellation));

    [Function("ListCampaignMessages")]
    [RequireRole(Role.Viewer)]
    [Describe("List a campaign's messages", "Who got it, who did not, and why."), Paged, Query("status", typeof(MessageStatus), "Only messages with this status.")]
    [Answers(200, typeof(Page<MessageView>)), Problems(404)]
    public async Task<IResult> Messages(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}/messages")] HttpRequest request, string id, CancellationToken cancellation)
    {
        MessageStatus? status = null;
        if (request.Query["status"].ToString() is { Length: > 0 } text)
        {
            if (!Enum.TryParse<MessageStatus>(text, ignoreCase: true, out var parsed) || !char.IsLetter(text[0]))
            {
                throw RequestInvalid.At("/status", "One of " + string.Join(", ", Enum.GetNames<MessageStatus>().Select(n => n.ToLowerInvariant())) + " is expected.").ToException();
            }

            status = parsed;
        }

        var list = $"messages:{id}:{status}";
        return Reply.Ok(await messages.ReadAsync(id, status, PageRequest.From(request, cursors, list), list, cancellation));
    }

    [Function("GetDeliveryStats")]
    [RequireRole(Role.Viewer)]
    [Describe("Read the ledger over all campaigns, and what waits or went wrong"), Answers(200, typeof(DeliveryStatsView))]
    public async Task<IResult> AllStats(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/delivery/stats")] HttpRequest request, CancellationToken cancellation)
    {
        var poisoned = await poison.CountAsync(cancellation);
        string[] names = [SendRun.Queue, SendRun.Queue + "-poison", ReceiptInbox.Queue, ReceiptInbox.Queue + "-poison"];
        var depths = await Task.WhenAll(names.Select(n => queue.DepthAsync(n, cancellation)));
        return Reply.Ok(new DeliveryStatsView(
            await batches.SumAsync(null, cancellation), await batches.ReasonsAsync(null, cancellation), await strays.CountAsync(cancellation),
            poisoned.Runs, poisoned.Receipts, poisoned.Messages, names.Zip(depths).ToDictionary(n => n.First, n => n.Second)));
    }

    [Function("ListPoisonRuns")]
    [RequireRole(Role.Manager)]
    [Describe("List work that was given up", "Runs that could not be sent, receipts that could not be applied, and other messages that failed again and again: the queue says what for."), Paged, Answers(200, typeof(Page<PoisonView>))]
    public async Task<IResult> Poison(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/delivery/poison")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, "poison");
        var found = await poison.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, "poison", p => p, p => p.Id));
    }

    [Function("ReplayPoisonRun")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Do after all what was given up", "Sends the run's messages, applies the receipts, or does whatever the message asks for."), Answers(202, typeof(PoisonView)), Problems(404, 409)]
    public async Task<IResult> Replay(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/delivery/poison/{id}/replay")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Accepted(await poison.ReplayAsync(id, cancellation, request.EffectId()));
}
