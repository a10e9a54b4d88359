using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Webhooks;

/// <summary>Sends deliveries to their receivers, again and again until they are taken or given up.</summary>
/// <remarks>
/// <para>
/// Post → the next try is enqueued → the delivery says what came of it (compare-and-swap). A crash before the last step
/// leaves the delivery as it was, and the message that began this comes back: events are posted again under the same ids.
/// Messages carry the turn that they are for, so the one that was enqueued for the next try means nothing until the
/// delivery has got there, and nothing any more when it is past that.
/// </para>
/// <para>A receiver that takes nothing is left alone for a while; its deliveries go back to the queue without a request.</para>
/// </remarks>
public sealed partial class DeliverWebhook(
    WorkspaceStore<WebhookSubscription> subscriptions, WebhookDeliveryStore deliveries, WebhookPoster poster, Receivers receivers, JobQueue queue,
    IOptions<WebhookOptions> options, TimeProvider clock, ILogger<DeliverWebhook> log)
{
    public const string SweepCron = "45 */5 * * * *";

    /// <summary>Three and a half days in all: longer than a receiver may fail. A fifth is added or taken off by chance, so that what failed together does not come together.</summary>
    private static readonly TimeSpan[] Delays =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1),
        TimeSpan.FromHours(2), TimeSpan.FromHours(4), TimeSpan.FromHours(8), .. Enumerable.Repeat(TimeSpan.FromHours(12), 6),
    ];

    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(12);

    /// <summary>A receiver that has taken none of so many is not asked for the rest.</summary>
    private const int Patience = 5;

    /// <summary>A delivery that should have been tried so long ago has perhaps no message: its maker died in between.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan NextSweep = TimeSpan.FromDays(1);
    private const int DeliveriesPerSweep = 100;

    public async Task HandleAsync(WebhookJob job, CancellationToken cancellation)
    {
        if (await deliveries.ReadAsync(job.SubscriptionId, job.DeliveryId, cancellation) is not var (delivery, etag)
            || delivery.State != WebhookDeliveryState.Pending || job.Turn < delivery.Turn)
        {
            return;
        }

        if (job.Turn > delivery.Turn)
        {
            await queue.SendAsync(WebhookJob.Queue, job, Delays[0], cancellation);
            return;
        }

        if ((await subscriptions.ReadAsync(job.SubscriptionId, cancellation))?.Value is not { } subscription)
        {
            return;
        }

        if (!subscription.IsEnabled)
        {
            await deliveries.TryReplaceAsync(delivery.End(WebhookDeliveryState.Held), etag, cancellation);
            return;
        }

        var receiver = receivers.Of(subscription.Id);
        if (receiver.Rest() is { } rest)
        {
            await queue.SendAsync(WebhookJob.Queue, job, Jitter(rest) + TimeSpan.FromSeconds(1), cancellation);
            return;
        }

        var round = await PostAsync(subscription, delivery, receiver, cancellation);
        var now = clock.GetUtcNow();
        var tried = delivery.With(round.Attempt) with { Open = round.Open };
        var after = await NoteAsync(subscription, round, now, cancellation);
        if (round.Open.Count == 0)
        {
            tried = tried.End(WebhookDeliveryState.Delivered);
        }
        else if (after is { IsEnabled: false })
        {
            tried = tried.End(WebhookDeliveryState.Held);
        }
        else if (tried.Tries > Delays.Length)
        {
            tried = tried.End(WebhookDeliveryState.Failed);
            LogGivenUp(delivery.Id, subscription.Id);
        }
        else
        {
            var delay = Jitter(Delays[tried.Tries - 1]);
            delay = round.RetryAfter > delay ? round.RetryAfter.Value : delay;
            delay = delay < LongestDelay ? delay : LongestDelay;
            tried = tried with { Turn = delivery.Turn + 1, NextAt = now + delay };
            await queue.SendAsync(WebhookJob.Queue, job with { Turn = tried.Turn }, delay, cancellation);
        }

        await deliveries.TryReplaceAsync(tried, etag, cancellation);
    }

    /// <summary>Sends a test event at once, once. It is in the log.</summary>
    public async Task<WebhookDelivery> TestAsync(WebhookSubscription subscription, string id, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var delivery = WebhookDelivery.Create(subscription, [OutgoingEvent.Test(id, subscription.Id, now)], now);
        var round = await PostAsync(subscription, delivery, receivers.Of(subscription.Id), cancellation);
        if (round.Worked)
        {
            await NoteAsync(subscription, round, clock.GetUtcNow(), cancellation);
        }

        delivery = delivery.With(round.Attempt).End(round.Worked ? WebhookDeliveryState.Delivered : WebhookDeliveryState.Failed);
        await deliveries.CreateManyAsync([delivery], cancellation);
        return delivery;
    }

    /// <summary>The delivery's message has failed for a reason that is not the receiver's. It is in the log and can be replayed.</summary>
    public async Task GiveUpAsync(WebhookJob job, CancellationToken cancellation)
    {
        if (await deliveries.ReadAsync(job.SubscriptionId, job.DeliveryId, cancellation) is var (delivery, etag)
            && delivery.State == WebhookDeliveryState.Pending && delivery.Turn == job.Turn)
        {
            var attempt = new WebhookAttempt(clock.GetUtcNow(), 0, 0, null, "poison", 0);
            await deliveries.TryReplaceAsync(delivery.With(attempt).End(WebhookDeliveryState.Failed), etag, cancellation);
            LogGivenUp(delivery.Id, job.SubscriptionId);
        }
    }

    /// <summary>Enqueues again what was stored by somebody who died before enqueuing it. Once a day each: a receiver that rests has many that wait.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        foreach (var (delivery, etag) in await deliveries.OverdueAsync(now - Overdue, DeliveriesPerSweep, cancellation))
        {
            await queue.SendAsync(WebhookJob.Queue, new WebhookJob(delivery.SubscriptionId, delivery.Id, delivery.Turn), null, cancellation);
            await deliveries.TryReplaceAsync(delivery with { NextAt = now + NextSweep }, etag, cancellation);
        }
    }

    private sealed record Round(WebhookAttempt Attempt, IReadOnlyList<int> Open, bool Worked, bool Gone, TimeSpan? RetryAfter);

    private async Task<Round> PostAsync(WebhookSubscription subscription, WebhookDelivery delivery, Receiver receiver, CancellationToken cancellation)
    {
        var all = PackedEvents.Unpack(delivery.Body);
        IReadOnlyList<(string Id, ReadOnlyMemory<byte> Json)> posts = delivery.Batch ? [(delivery.Id, all)] : PackedEvents.Split(all);
        var open = delivery.Batch ? [0] : delivery.Open ?? [.. Enumerable.Range(0, posts.Count)];
        var results = new PostResult?[posts.Count];
        var (at, begin) = (clock.GetUtcNow(), clock.GetTimestamp());
        var stop = false;
        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = options.Value.ConcurrentPosts, CancellationToken = cancellation }, async (index, token) =>
        {
            if (Volatile.Read(ref stop))
            {
                return;
            }

            results[index] = await receiver.PostAsync(() => poster.PostAsync(subscription, posts[index].Id, posts[index].Json, token), token);
            if (results[index]!.Status is 410 or 429 || (results.Count(r => r is { IsTaken: false }) >= Patience && !results.Any(r => r is { IsTaken: true })))
            {
                Volatile.Write(ref stop, true);
            }
        });

        var answers = results.OfType<PostResult>().ToList();
        var telling = answers.FirstOrDefault(r => !r.IsTaken) ?? answers[0];
        var taken = answers.Count(r => r.IsTaken);
        var attempt = new WebhookAttempt(
            at, answers.Count, delivery.Batch ? taken * delivery.Events : taken, telling.Status, telling.Error, (int)clock.GetElapsedTime(begin).TotalMilliseconds);
        return new(attempt, [.. open.Where(i => results[i] is not { IsTaken: true })], taken > 0, answers.Any(r => r.Status == 410), answers.Max(r => r.RetryAfter));
    }

    /// <summary>What the try says about the receiver. It is written only where it says something new.</summary>
    /// <returns>The subscription as it is by now.</returns>
    private async Task<WebhookSubscription?> NoteAsync(WebhookSubscription subscription, Round round, DateTimeOffset now, CancellationToken cancellation)
    {
        if (round.Worked)
        {
            receivers.Of(subscription.Id).Worked();
        }
        else
        {
            receivers.Of(subscription.Id).Failed(round.RetryAfter);
        }

        var noted = Noted(subscription, round, now);
        if (noted == subscription)
        {
            return subscription;
        }

        // An address that was changed meanwhile is another receiver.
        var stored = (await subscriptions.UpdateAsync(subscription.Id, s => s.Url == subscription.Url && Noted(s, round, now) is { } next && next != s ? next : null, cancellation))?.Value;
        if (stored is { IsEnabled: false })
        {
            LogDisabled(stored.Id, stored.DisabledReason!);
        }

        return stored;
    }

    private WebhookSubscription Noted(WebhookSubscription s, Round round, DateTimeOffset now) => round switch
    {
        { Gone: true } => s.Disable(WebhookSubscription.Gone, now),
        { Worked: true } => s with { FailingSince = null },
        _ when now - s.FailingSince >= options.Value.DisableAfter => s.Disable(WebhookSubscription.Failing, now),
        _ => s with { FailingSince = s.FailingSince ?? now },
    };

    private static TimeSpan Jitter(TimeSpan delay) => delay * (RandomNumberGenerator.GetInt32(80, 121) / 100.0);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Webhook delivery {DeliveryId} of subscription {SubscriptionId} is given up")]
    private partial void LogGivenUp(string deliveryId, string subscriptionId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Webhook subscription {SubscriptionId} is disabled: {Reason}")]
    private partial void LogDisabled(string subscriptionId, string reason);
}
