using System.Text.Json;
using Azure;
using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <summary>The queue-triggered functions of sending.</summary>
/// <remarks>
/// Payloads are read here and not by the host's binding, whose JSON settings are not this service's. While the storage
/// does not answer, a message is put back with a delay instead of failing: a long outage would use up its tries and
/// poison work that is in perfect order.
/// </remarks>
public sealed partial class DeliveryJobs(Planner planner, Sender sender, ApplyReceipts apply, RecordMessages record, SettleUnknown settle, Reclassify reclassify, PoisonRuns poison,
    PoisonMessages poisonMessages, JobQueue queue, ILogger<DeliveryJobs> log)
{
    private static readonly TimeSpan OutageDelay = TimeSpan.FromSeconds(10);

    [Function("PlanCampaign")]
    public Task Plan([QueueTrigger(CampaignTurn.Queue)] string message, CancellationToken cancellation) =>
        RunAsync(CampaignTurn.Queue, message, () => planner.HandleAsync(Read<CampaignTurn>(message), cancellation), cancellation);

    [Function("SendRun")]
    public Task Send([QueueTrigger(SendRun.Queue)] string message, CancellationToken cancellation) =>
        RunAsync(SendRun.Queue, message, () => sender.HandleAsync(Read<SendRun>(message), cancellation), cancellation);

    [Function("ApplyReceipts")]
    public Task Apply([QueueTrigger(ReceiptInbox.Queue)] string message, CancellationToken cancellation) =>
        RunAsync(ReceiptInbox.Queue, message, () => apply.HandleAsync(Read<Receipt[]>(message), cancellation), cancellation);

    [Function("RecordMessages")]
    public Task Record([QueueTrigger(MessagesToRecord.Queue)] string message, CancellationToken cancellation) =>
        RunAsync(MessagesToRecord.Queue, message, () => record.HandleAsync(Read<MessagesToRecord>(message), cancellation), cancellation);

    [Function("SweepMessages")]
    public Task Sweep([TimerTrigger(RecordMessages.Cron)] TimerInfo timer, CancellationToken cancellation) => record.SweepAsync(cancellation);

    [Function("SettleUnknown")]
    public Task Settle([TimerTrigger(SettleUnknown.Cron)] TimerInfo timer, CancellationToken cancellation) => settle.SweepAsync(cancellation);

    [Function("Reclassify")]
    public Task Reclassify([QueueTrigger(ReclassifyTurn.Queue)] string message, CancellationToken cancellation) =>
        RunAsync(ReclassifyTurn.Queue, message, () => reclassify.HandleAsync(Read<ReclassifyTurn>(message), cancellation), cancellation);

    [Function("GiveUpReclassification")]
    public Task GiveUpReclassification([QueueTrigger(ReclassifyTurn.Queue + "-poison")] string message, CancellationToken cancellation) =>
        RunAsync(ReclassifyTurn.Queue + "-poison", message, () => reclassify.GiveUpAsync(Read<ReclassifyTurn>(message), cancellation), cancellation);

    [Function("GiveUpReceipts")]
    public Task GiveUpReceipts([QueueTrigger(ReceiptInbox.Queue + "-poison")] string message, CancellationToken cancellation) =>
        RunAsync(ReceiptInbox.Queue + "-poison", message, () => poisonMessages.BuryAsync(ReceiptInbox.Queue, message, cancellation), cancellation);

    [Function("GiveUpRecordMessages")]
    public Task GiveUpRecord([QueueTrigger(MessagesToRecord.Queue + "-poison")] string message, CancellationToken cancellation) =>
        RunAsync(MessagesToRecord.Queue + "-poison", message, () => poisonMessages.BuryAsync(MessagesToRecord.Queue, message, cancellation), cancellation);

    [Function("GiveUpPlan")]
    public Task GiveUpPlan([QueueTrigger(CampaignTurn.Queue + "-poison")] string message, CancellationToken cancellation) =>
        RunAsync(CampaignTurn.Queue + "-poison", message, () => planner.GiveUpAsync(Read<CampaignTurn>(message), cancellation), cancellation);

    [Function("GiveUpRun")]
    public Task GiveUpRun([QueueTrigger(SendRun.Queue + "-poison")] string message, CancellationToken cancellation) =>
        RunAsync(SendRun.Queue + "-poison", message, () => poison.BuryAsync(Read<SendRun>(message), cancellation), cancellation);

    private static T Read<T>(string message) =>
        JsonSerializer.Deserialize<T>(message, Json.Options) ?? throw new JsonException("The message is null.");

    private async Task RunAsync(string name, string message, Func<Task> work, CancellationToken cancellation)
    {
        try
        {
            await work();
        }
        catch (Exception exception) when (IsOutage(exception))
        {
            LogOutage(exception, name);
            await queue.SendJsonAsync(name, System.Text.Encoding.UTF8.GetBytes(message), OutageDelay, cancellation);
        }
    }

    private static bool IsOutage(Exception exception) => exception switch
    {
        CosmosException cosmos => (int)cosmos.StatusCode is 408 or 429 or 449 or >= 500,
        RequestFailedException request => request.Status is 0 or 429 or >= 500,
        HttpRequestException => true,
        _ => false,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "The storage does not answer; a message of {Queue} is put back")]
    private partial void LogOutage(Exception exception, string queue);
}
