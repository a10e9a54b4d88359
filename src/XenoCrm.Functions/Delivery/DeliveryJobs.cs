using Microsoft.Azure.Functions.Worker;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <summary>The queue-triggered functions of sending.</summary>
public sealed class DeliveryJobs(Planner planner, Sender sender, ApplyReceipts apply, RecordMessages record, SettleUnknown settle, Reclassify reclassify, PoisonRuns poison,
    PoisonMessages poisonMessages, QueueWork work)
{
    [Function("PlanCampaign")]
    public Task Plan([QueueTrigger(CampaignTurn.Queue)] string message, CancellationToken cancellation) =>
        work.RunAsync(CampaignTurn.Queue, message, () => planner.HandleAsync(QueueWork.Read<CampaignTurn>(message), cancellation), cancellation);

    [Function("SendRun")]
    public Task Send([QueueTrigger(SendRun.Queue)] string message, CancellationToken cancellation) =>
        work.RunAsync(SendRun.Queue, message, () => sender.HandleAsync(QueueWork.Read<SendRun>(message), cancellation), cancellation);

    [Function("ApplyReceipts")]
    public Task Apply([QueueTrigger(ReceiptInbox.Queue)] string message, CancellationToken cancellation) =>
        work.RunAsync(ReceiptInbox.Queue, message, () => apply.HandleAsync(ReceiptMessage.Read(message), cancellation), cancellation);

    [Function("RecordMessages")]
    public Task Record([QueueTrigger(MessagesToRecord.Queue)] string message, CancellationToken cancellation) =>
        work.RunAsync(MessagesToRecord.Queue, message, () => record.HandleAsync(QueueWork.Read<MessagesToRecord>(message), cancellation), cancellation);

    [Function("SweepMessages")]
    public Task Sweep([TimerTrigger(RecordMessages.Cron)] TimerInfo timer, CancellationToken cancellation) => record.SweepAsync(cancellation);

    [Function("SettleUnknown")]
    public Task Settle([TimerTrigger(SettleUnknown.Cron)] TimerInfo timer, CancellationToken cancellation) => settle.SweepAsync(cancellation);

    [Function("Reclassify")]
    public Task Reclassify([QueueTrigger(ReclassifyTurn.Queue)] string message, CancellationToken cancellation) =>
        work.RunAsync(ReclassifyTurn.Queue, message, () => reclassify.HandleAsync(QueueWork.Read<ReclassifyTurn>(message), cancellation), cancellation);

    [Function("GiveUpReclassification")]
    public Task GiveUpReclassification([QueueTrigger(ReclassifyTurn.Queue + "-poison")] string message, CancellationToken cancellation) =>
        work.RunAsync(ReclassifyTurn.Queue + "-poison", message, () => reclassify.GiveUpAsync(QueueWork.Read<ReclassifyTurn>(message), cancellation), cancellation);

    [Function("GiveUpReceipts")]
    public Task GiveUpReceipts([QueueTrigger(ReceiptInbox.Queue + "-poison")] string message, CancellationToken cancellation) =>
        work.RunAsync(ReceiptInbox.Queue + "-poison", message, () => poisonMessages.BuryAsync(ReceiptInbox.Queue, message, cancellation), cancellation);

    [Function("GiveUpRecordMessages")]
    public Task GiveUpRecord([QueueTrigger(MessagesToRecord.Queue + "-poison")] string message, CancellationToken cancellation) =>
        work.RunAsync(MessagesToRecord.Queue + "-poison", message, () => poisonMessages.BuryAsync(MessagesToRecord.Queue, message, cancellation), cancellation);

    [Function("GiveUpPlan")]
    public Task GiveUpPlan([QueueTrigger(CampaignTurn.Queue + "-poison")] string message, CancellationToken cancellation) =>
        work.RunAsync(CampaignTurn.Queue + "-poison", message, () => planner.GiveUpAsync(QueueWork.Read<CampaignTurn>(message), cancellation), cancellation);

    [Function("GiveUpRun")]
    public Task GiveUpRun([QueueTrigger(SendRun.Queue + "-poison")] string message, CancellationToken cancellation) =>
        work.RunAsync(SendRun.Queue + "-poison", message, () => poison.BuryAsync(QueueWork.Read<SendRun>(message), cancellation), cancellation);
}
