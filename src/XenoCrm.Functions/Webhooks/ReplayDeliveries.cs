using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Webhooks;

/// <param name="After">Keys (<see cref="WebhookDelivery.Key"/>) after this one.</param>
/// <param name="All">Also what was delivered.</param>
public sealed record ReplayJob(string SubscriptionId, string After, string Before, bool All)
{
    public const string Queue = "webhook-replays";
}

/// <param name="Deliveries">How many are sent again.</param>
public sealed record ReplayView(DateTimeOffset Since, int Deliveries);

/// <summary>Sends deliveries again, from the log: the same bytes under the same ids.</summary>
public sealed class ReplayDeliveries(
    WorkspaceStore<WebhookSubscription> subscriptions, WebhookDeliveryStore deliveries, Receivers receivers, JobQueue queue, TimeProvider clock)
{
    private const int PageSize = 100;

    public async Task<WebhookDelivery> OneAsync(string subscriptionId, string deliveryId, CancellationToken cancellation)
    {
        await RequireEnabledAsync(subscriptionId, cancellation);
        while (true)
        {
            var stored = await deliveries.ReadAsync(subscriptionId, deliveryId, cancellation) ?? throw new WebhookDeliveryNotFound(deliveryId).ToException();
            if (await ReplayAsync(stored, cancellation) is { } replayed)
            {
                return replayed;
            }
        }
    }

    public async Task<ReplayView> SinceAsync(string subscriptionId, DateTimeOffset since, bool all, CancellationToken cancellation)
    {
        await RequireEnabledAsync(subscriptionId, cancellation);
        var job = new ReplayJob(subscriptionId, WebhookDelivery.KeyOf(since, ""), WebhookDelivery.KeyOf(clock.GetUtcNow().AddMilliseconds(1), ""), all);
        var count = await deliveries.CountToReplayAsync(subscriptionId, job.After, job.Before, all, cancellation);
        if (count > 0)
        {
            await queue.SendAsync(ReplayJob.Queue, job, null, cancellation);
        }

        return new(since, count);
    }

    /// <summary>A page, and then a message for the next one. A page that is repeated after a crash sends some of it once more.</summary>
    public async Task HandleAsync(ReplayJob job, CancellationToken cancellation)
    {
        var page = await deliveries.ToReplayAsync(job.SubscriptionId, job.After, job.Before, job.All, PageSize, cancellation);
        foreach (var delivery in page)
        {
            // Whoever changed it meanwhile has tried it at this moment.
            await ReplayAsync(delivery, cancellation);
        }

        if (page.Count == PageSize)
        {
            await queue.SendAsync(ReplayJob.Queue, job with { After = page[^1].Value.Key }, null, cancellation);
        }
    }

    /// <summary>What waits for its next try is tried now.</summary>
    /// <returns>Null when someone else changed it.</returns>
    private async Task<WebhookDelivery?> ReplayAsync(Versioned<WebhookDelivery> stored, CancellationToken cancellation)
    {
        var replayed = stored.Value;
        if (replayed.State != WebhookDeliveryState.Pending)
        {
            // Stored before it is enqueued: a crash in between leaves one that is overdue, which is looked for.
            replayed = replayed.Replay(clock.GetUtcNow());
            if (!await deliveries.TryReplaceAsync(replayed, stored.ETag, cancellation))
            {
                return null;
            }
        }

        await queue.SendAsync(WebhookJob.Queue, new WebhookJob(replayed.SubscriptionId, replayed.Id, replayed.Turn), null, cancellation);
        return replayed;
    }

    private async Task RequireEnabledAsync(string subscriptionId, CancellationToken cancellation)
    {
        var (subscription, _) = await subscriptions.ReadAsync(subscriptionId, cancellation) ?? throw new SubscriptionNotFound(subscriptionId).ToException();
        if (!subscription.IsEnabled)
        {
            throw new SubscriptionDisabled().ToException();
        }

        // Somebody says that it works again.
        receivers.Of(subscriptionId).Worked();
    }
}
