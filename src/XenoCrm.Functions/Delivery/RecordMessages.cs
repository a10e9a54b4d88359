using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <summary>Batches whose messages their customers do not know as they are.</summary>
public sealed record MessagesToRecord(IReadOnlyList<string> BatchIds)
{
    public const string Queue = "customer-messages";

    /// <summary>A thousand customers at a time.</summary>
    public const int MaxBatches = 10;
}

/// <summary>
/// Brings what became of messages to the customers: their recent messages and engagement, and with them the segments
/// whose rule asks for it and the orders that are put down to a message. A batch says itself what it has to tell (<see cref="Batch.Unrecorded"/>), so nothing is lost
/// by a crash; a moment's quiet is waited for, so that "sent" and "delivered" are mostly one write of the customer.
/// </summary>
/// <remarks>
/// Customers first, under their ETags, then the batch: a repeat after a crash in between finds the messages at the
/// customers and changes nothing.
/// </remarks>
public sealed class RecordMessages(
    BatchStore batches, CustomerStore customers, CreditOrders orders, WorkspaceStore<Campaign> campaigns, IEnumerable<IMessageListener> listeners, JobQueue queue,
    Sender sender, ReceiptWindow receipts, IOptions<DeliveryOptions> options, TimeProvider clock) : IDisposable
{
    public const string Cron = "*/10 * * * * *";

    /// <summary>A quarter of a million messages from one look to the next.</summary>
    private const int BatchesPerSweep = 2500;

    /// <summary>
    /// A thousand customers take some 20 MB until they are written. With what the host lets run at once, 24 of these, a
    /// campaign's peak was 200 MB higher, and telling the customers took no less time.
    /// </summary>
    private readonly SemaphoreSlim turns = new(2);

    private DateTimeOffset? postponedSince;

    public void Dispose() => turns.Dispose();

    /// <summary>Asks for the recording of every batch that has something to tell.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        if (IsPostponed())
        {
            return;
        }

        if (await queue.DepthAsync(MessagesToRecord.Queue, cancellation) > 0)
        {
            // What the last sweep asked for is not done: asking again would do it twice.
            return;
        }

        foreach (var ids in (await batches.UnrecordedAsync(BatchesPerSweep, options.Value.RecordAfter, cancellation)).Chunk(MessagesToRecord.MaxBatches))
        {
            await queue.SendAsync(MessagesToRecord.Queue, new MessagesToRecord(ids), delay: null, cancellation);
        }
    }

    /// <summary>
    /// People wait for messages to go out and vendors for their receipts to be taken, and nobody for what is told here: it takes
    /// as much of the processor and the database as sending does.
    /// </summary>
    private bool IsPostponed()
    {
        postponedSince = sender.IsBusy || receipts.IsBusy ? postponedSince ?? clock.GetUtcNow() : null;
        if (clock.GetUtcNow() - postponedSince < options.Value.RecordWithin)
        {
            return true;
        }

        postponedSince = null;
        return false;
    }

    public async Task HandleAsync(MessagesToRecord message, CancellationToken cancellation)
    {
        await turns.WaitAsync(cancellation);
        try
        {
            await RecordAsync(message, cancellation);
        }
        finally
        {
            turns.Release();
        }
    }

    private async Task RecordAsync(MessagesToRecord message, CancellationToken cancellation)
    {
        var charges = RequestCharges.Begin();
        var stored = await batches.ReadManyAsync(message.BatchIds, cancellation);
        var sent = new Dictionary<string, Campaign?>();
        foreach (var id in stored.Select(b => b.Value.CampaignId).Distinct())
        {
            sent[id] = (await campaigns.ReadAsync(id, cancellation))?.Value;
        }

        var told = stored.Select(b => b.Value).ToDictionary(b => b.Id);
        var news = told.Values.SelectMany(b => News(b, sent[b.CampaignId])).ToLookup(n => n.CustomerId);
        var waiting = await TellAsync(news, cancellation);
        foreach (var listener in listeners)
        {
            // Before the batch says that it was told: after a crash in between they hear it again, under the same keys.
            await listener.HearAsync(told.Values.SelectMany(b => MessageNews.Of(b, sent[b.CampaignId])).Where(n => !waiting.Contains(n.CustomerId)), cancellation);
        }

        await batches.ChangeAsync(
            stored,
            batch => Recorded(batch, told[batch.Id], waiting) with { Units = batch.Units + (charges.Total / stored.Count) + batches.TypicalWrite },
            cancellation);
    }

    /// <returns>Ids of customers that are just being merged: they are told when that is over.</returns>
    private async Task<HashSet<string>> TellAsync(ILookup<string, New> news, CancellationToken cancellation)
    {
        var waiting = new HashSet<string>();
        IReadOnlyCollection<string> left = [.. news.Select(n => n.Key)];
        while (left.Count > 0)
        {
            // Who is not found any more has nothing to be told; who was merged has become another one, and who was
            // changed meanwhile is read again.
            await customers.RefreshSegmentsAsync(cancellation);
            var slots = await customers.ReadSlotsAsync(left, cancellation);
            var ids = left.ToLookup(id => CustomerOf(slots, id, waiting));
            var changes = new List<(Versioned<Customer> Before, Customer After)>(left.Count);
            foreach (var same in ids.Where(s => s.Key is not null))
            {
                var before = slots[same.Key!];
                var after = same.SelectMany(id => news[id]).Aggregate(before.Customer!, (c, n) => CustomerMessage.Note(c, n.Message, n.Counted));
                if (!ReferenceEquals(after, before.Customer))
                {
                    changes.Add((new(before.Customer!, before.ETag), after));
                }
            }

            var changed = await orders.SetMessagesAsync(changes, cancellation);
            left = [.. changed.SelectMany(id => ids[id])];
        }

        return waiting;
    }

    /// <summary>The id of the customer that there is for an id by now; null when there is none, or none yet.</summary>
    private static string? CustomerOf(Dictionary<string, CustomerSlot> slots, string id, HashSet<string> waiting)
    {
        var slot = CustomerSlot.Follow(slots, id);
        if (slot is { IsFrozen: true })
        {
            waiting.Add(id);
        }

        return slot?.Customer?.Id;
    }

    private sealed record New(string CustomerId, CustomerMessage Message, EngagementShare Counted);

    /// <param name="campaign">Null: gone; its messages have no channel to name.</param>
    private static IEnumerable<New> News(Batch batch, Campaign? campaign)
    {
        for (var i = 0; i < batch.Recipients.Count; i++)
        {
            var recipient = batch.Recipients[i];
            if (recipient.IsUnrecorded)
            {
                var message = new CustomerMessage(
                    batch.MessageId(i), campaign?.Channel.Name() ?? "unknown", recipient.IsHeldOut ? CustomerMessage.HeldOut : recipient.Status.ToString().ToLowerInvariant(),
                    batch.Time(recipient.At) ?? batch.CreatedAt, batch.Time(recipient.SentAt), batch.Time(recipient.OpenedAt), batch.Time(recipient.ClickedAt))
                {
                    LaterClicks = Ledger.LaterClicks(recipient) is { Count: > 0 } clicks ? [.. clicks.Select(at => batch.Time(at)!.Value)] : null,
                    Variant = !recipient.IsHeldOut && campaign?.Variants is { Count: > 1 } variants ? variants.ElementAtOrDefault(recipient.Variant ?? 0)?.Name : null,
                    IsCompared = campaign?.Holdout > 0,
                };
                yield return new(recipient.CustomerId, message, MessageMark.ShareOf(recipient.Recorded));
            }
        }
    }

    /// <summary>What has come to the batch since it was read is still to be told.</summary>
    private static Batch Recorded(Batch batch, Batch told, HashSet<string> waiting) => Ledger.Count(batch with
    {
        Recipients = [.. batch.Recipients.Zip(
            told.Recipients, (now, then) => then.IsUnrecorded && !waiting.Contains(then.CustomerId) ? now with { Recorded = MessageMark.Of(then) } : now)],
    });
}

/// <summary>
/// What a customer was told of a message, in one number: its status, which of its times were known, and above that, for
/// messages that somebody did something with, a hash of these times; and whether they complained or left.
/// </summary>
internal static class MessageMark
{
    private const int Sent = 1;
    private const int Opened = 2;
    private const int Clicked = 4;
    private const int Delivered = 1 << 7;
    private const int Complained = 1 << 24;
    private const int Unsubscribed = 1 << 25;
    private const int StatusShift = 3;
    private const int StatusMask = 15;
    private const int TimesShift = 8;

    public static int Of(Recipient recipient) =>
        ((int)recipient.Status << StatusShift)
        | (recipient.SentAt is null ? 0 : Sent)
        | (recipient.OpenedAt is null ? 0 : Opened)
        | (recipient.ClickedAt is null ? 0 : Clicked)
        | (recipient is { Status: not MessageStatus.Delivered, DeliveredAt: null } ? 0 : Delivered)
        | (recipient.Has(MessageEventKind.Complained) ? Complained : 0)
        | (recipient.Has(MessageEventKind.Unsubscribed) ? Unsubscribed : 0)
        | (Times(recipient) << TimesShift);

    public static EngagementShare ShareOf(int? mark) => mark is { } m
        ? new((m & Sent) != 0, (MessageStatus)((m >> StatusShift) & StatusMask) == MessageStatus.Delivered, (m & Opened) != 0, (m & Clicked) != 0)
        : default;

    /// <summary>Whether this is what was told, or part of it.</summary>
    public static bool Tells(int? mark, MessageNewsKind kind) => mark is { } m && kind switch
    {
        MessageNewsKind.Sent => (m & Sent) != 0,
        MessageNewsKind.Delivered => (m & Delivered) != 0,
        MessageNewsKind.Opened => (m & Opened) != 0,
        MessageNewsKind.Clicked => (m & Clicked) != 0,
        MessageNewsKind.Complained => (m & Complained) != 0,
        MessageNewsKind.Unsubscribed => (m & Unsubscribed) != 0,
        MessageNewsKind.Bounced => (MessageStatus)((m >> StatusShift) & StatusMask) == MessageStatus.Bounced,
        _ => (MessageStatus)((m >> StatusShift) & StatusMask) == MessageStatus.Failed,
    };

    /// <summary>16 bits: a change that they miss is told with the next one. Not a hash of the runtime's, which is another one after each start.</summary>
    private static int Times(Recipient recipient)
    {
        if (recipient.Events is null)
        {
            return 0;
        }

        var hash = unchecked(((recipient.OpenedAt ?? -1) * 31) + (recipient.ClickedAt ?? -1));
        foreach (var at in Ledger.LaterClicks(recipient))
        {
            hash = unchecked((hash * 31) + at);
        }

        return (int)((ulong)hash * 0x9E3779B97F4A7C15UL >> 48);
    }
}
