using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Webhooks;

/// <param name="Turn">See <see cref="WebhookDelivery.Turn"/>.</param>
public sealed record WebhookJob(string SubscriptionId, string DeliveryId, int Turn)
{
    public const string Queue = "webhook-deliveries";
}

/// <summary>Makes deliveries of what happens: one for up to a hundred events of a batch or a campaign, and per subscription.</summary>
/// <remarks>
/// Whoever has an event keeps it until this returns: a batch has its marks (<see cref="RecordMessages"/>), a campaign its
/// moves. So the deliveries are stored and enqueued at least once; their ids follow from their events, and a repetition
/// makes the same ones. When the second try finds more events than the first, ids differ and some events are sent twice,
/// with the same event ids.
/// </remarks>
public sealed class PublishEvents(
    WorkspaceStore<WebhookSubscription> subscriptions, WorkspaceStore<Campaign> campaigns, WebhookDeliveryStore deliveries, JobQueue queue, TimeProvider clock)
    : IMessageListener
{
    public const string Cron = "*/5 * * * * *";

    /// <remarks>Nobody is asked from memory: one request for a thousand messages, and a subscription holds from the moment it is made.</remarks>
    public async Task HearAsync(IEnumerable<MessageNews> news, CancellationToken cancellation)
    {
        var listening = await ListeningAsync(cancellation);
        if (listening.Count > 0)
        {
            await PublishAsync(listening, news.GroupBy(n => n.Batch, OutgoingEvent.Of), cancellation);
        }
    }

    /// <summary>Tells of the steps that campaigns have made.</summary>
    public async Task SweepCampaignsAsync(CancellationToken cancellation)
    {
        await foreach (var (campaign, _) in campaigns.QueryAsync(new QueryDefinition("SELECT * FROM c WHERE c.unannounced = true"), cancellation))
        {
            if (campaign.Moves is not { } moves)
            {
                continue;
            }

            var listening = await ListeningAsync(cancellation);
            await PublishAsync(listening, moves.Select(m => new[] { OutgoingEvent.Of(campaign, m) }), cancellation);
            await campaigns.UpdateAsync(campaign.Id, c => c.Moves is null ? null : c.Announced(moves[^1].Number), cancellation);
        }
    }

    private async Task PublishAsync(List<WebhookSubscription> listening, IEnumerable<IEnumerable<OutgoingEvent>> groups, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var made = groups.Select(g => g.ToList())
            .SelectMany(g => listening.SelectMany(s => g.Where(e => s.Events.Contains(e.Type)).Chunk(WebhookDelivery.MaxEvents).Select(e => WebhookDelivery.Create(s, e, now))))
            .ToList();
        await deliveries.CreateManyAsync(made, cancellation);
        await Task.WhenAll(made.Where(d => d.State == WebhookDeliveryState.Pending)
            .Select(d => queue.SendAsync(WebhookJob.Queue, new WebhookJob(d.SubscriptionId, d.Id, d.Turn), null, cancellation)));
    }

    private async Task<List<WebhookSubscription>> ListeningAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var listening = new List<WebhookSubscription>();
        await foreach (var (subscription, _) in subscriptions.AllAsync(cancellation))
        {
            if (subscription.IsCollecting(now))
            {
                listening.Add(subscription);
            }
        }

        return listening;
    }
}
