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
public sealed record DeliveryStatsView(Counts Messages, IReadOnlyDictionary<string, int> Reasons, int StrayReceipts, int PoisonRuns, int PoisonReceipts, int PoisonMessages, IReadOnlyDictionary<string, int> Queues)
{
    /// <summary>Null unless asked for.</summary>
    public IReadOnlyList<DeliveryRow>? Rows { get; init; }
}

public sealed class DeliveryFunctions(
    CampaignStats stats, DeliveryStats all, CampaignMessages messages, BatchStore batches, StrayReceiptStore strays, PoisonList poison, JobQueue queue, Cursors cursors)
{
    [Function("GetCampaignStats")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a campaign's figures", "The ledger (audience = delivered + failed + suppressed + skipped + pending, always), rates with intervals, orders put down to it, the comparison with its holdout, what it cost.")]
    [Query("by", typeof(BreakdownBy), "Also by one property of the messages. Reads every batch: a second or two for 100,000 recipients.")]
    [Query("zone", typeof(string), "IANA time zone of the hours; UTC when absent.")]
    [Answers(200, typeof(CampaignStatsView)), Problems(404)]
    public async Task<IResult> Stats(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}/stats")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await stats.ReadAsync(id, cancellation, request.Choice<BreakdownBy>("by"), request.Zone("zone")));

    [Function("ListCampaignMessages")]
    [RequireRole(Role.Viewer)]
    [Describe("List a campaign's messages", "Who got it, who did not, and why. As CSV all of them, sent while they are read.")]
    [Paged, Query("status", typeof(MessageStatus), "Only messages with this status."), Query("reason", typeof(string), "Only messages with this reason."), Query("variant", typeof(string), "Only messages of this variant.")]
    [Query("vendor", typeof(string), "Only messages that this vendor got."), Query("customerId", typeof(string), "Only messages to this customer."), Query("format", typeof(string), "csv for CSV, as with Accept: text/csv.")]
    [Answers(200, typeof(Page<MessageView>)), Answers(200, typeof(string), ContentType = "text/csv"), Problems(404)]
    public async Task<IResult> Messages(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}/messages")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var campaign = await messages.CampaignAsync(id, cancellation);
        var filter = MessageFilter.Of(request, campaign);
        if (request.WantsCsv())
        {
            return messages.Export(campaign, filter);
        }

        var list = $"messages:{id}:{filter}";
        return Reply.Ok(await messages.ReadAsync(campaign, filter, PageRequest.From(request, cursors, list), list, cancellation));
    }

    [Function("GetCampaignMessage")]
    [RequireRole(Role.Viewer)]
    [Describe("Read one message", "With what was reported of it, event by event, and which events are taken for a program's and why."), Answers(200, typeof(MessageDetailView)), Problems(404)]
    public async Task<IResult> Message(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/campaigns/{id}/messages/{messageId}")] HttpRequest request, string id, string messageId, CancellationToken cancellation) =>
        Reply.Ok(await messages.ReadAsync(id, messageId, cancellation));

    [Function("GetDeliveryStats")]
    [RequireRole(Role.Viewer)]
    [Describe("Read the ledger over all campaigns, and what waits or went wrong"), Query("by", typeof(DeliveryBy), "Also by campaign (the newest first), channel or vendor."), Answers(200, typeof(DeliveryStatsView))]
    public async Task<IResult> AllStats(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/delivery/stats")] HttpRequest request, CancellationToken cancellation)
    {
        var poisoned = await poison.CountAsync(cancellation);
        string[] names = [SendRun.Queue, SendRun.Queue + "-poison", ReceiptInbox.Queue, ReceiptInbox.Queue + "-poison"];
        var depths = await Task.WhenAll(names.Select(n => queue.DepthAsync(n, cancellation)));
        return Reply.Ok(new DeliveryStatsView(
            (await batches.SumAsync(null, cancellation)).Counts, await batches.ReasonsAsync(null, cancellation), await strays.CountAsync(cancellation),
            poisoned.Runs, poisoned.Receipts, poisoned.Messages, names.Zip(depths).ToDictionary(n => n.First, n => n.Second))
        {
            Rows = request.Choice<DeliveryBy>("by") is { } by ? await all.ReadAsync(by, cancellation) : null,
        });
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
