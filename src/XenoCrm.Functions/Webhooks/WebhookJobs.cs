using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Webhooks;

/// <summary>The functions of outgoing webhooks that nobody calls.</summary>
public sealed class WebhookJobs(PublishEvents publish, DeliverWebhook deliver, ReplayDeliveries replay, PoisonMessages poison, QueueWork work)
{
    private const string Poison = WebhookJob.Queue + "-poison";

    [Function("DeliverWebhook")]
    public Task Deliver([QueueTrigger(WebhookJob.Queue)] string message, CancellationToken cancellation) =>
        work.RunAsync(WebhookJob.Queue, message, () => deliver.HandleAsync(QueueWork.Read<WebhookJob>(message), cancellation), cancellation);

    [Function("GiveUpWebhook")]
    public Task GiveUp([QueueTrigger(Poison)] string message, CancellationToken cancellation) =>
        work.RunAsync(Poison, message, () => deliver.GiveUpAsync(QueueWork.Read<WebhookJob>(message), cancellation), cancellation);

    [Function("ReplayWebhookPage")]
    public Task Replay([QueueTrigger(ReplayJob.Queue)] string message, CancellationToken cancellation) =>
        work.RunAsync(ReplayJob.Queue, message, () => replay.HandleAsync(QueueWork.Read<ReplayJob>(message), cancellation), cancellation);

    [Function("GiveUpWebhookReplay")]
    public Task GiveUpReplay([QueueTrigger(ReplayJob.Queue + "-poison")] string message, CancellationToken cancellation) =>
        work.RunAsync(ReplayJob.Queue + "-poison", message, () => poison.BuryAsync(ReplayJob.Queue, message, cancellation), cancellation);

    [Function("AnnounceCampaigns")]
    public Task Announce([TimerTrigger(PublishEvents.Cron)] TimerInfo timer, CancellationToken cancellation) => publish.SweepCampaignsAsync(cancellation);

    [Function("SweepWebhooks")]
    public Task Sweep([TimerTrigger(DeliverWebhook.SweepCron)] TimerInfo timer, CancellationToken cancellation) => deliver.SweepAsync(cancellation);
}
