namespace XenoCrm.Delivery;

/// <summary>What became known of a message.</summary>
/// <param name="At">Milliseconds since the batch was created.</param>
/// <param name="Accepted">The vendor has, or must have had, the message.</param>
public readonly record struct Report(MessageStatus Status, long At, string? Reason = null, bool Accepted = false, MessageEvent? Event = null);

/// <summary>
/// How a message's state follows from what is reported of it. Reports arrive late, twice and in any order, and the
/// sender's own record of the vendor's answer is just one of them.
/// </summary>
public static class Ledger
{
    /// <summary>
    /// The greater of what is known and what is reported, member by member: statuses by rank (a delivered message stays
    /// delivered when a late "sent" comes), equal ones by the earlier time and then by the reason's text, times by the
    /// earlier. A maximum does not care about order or repetition, so neither does the ledger, and no list of the events
    /// already seen is needed.
    /// </summary>
    public static Recipient Fold(Recipient known, Report report)
    {
        // Decided before sending: there is no message that a report could be about.
        if (known.Status is MessageStatus.Suppressed or MessageStatus.Skipped)
        {
            return known;
        }

        report = report with { Reason = ReasonText.WithoutAddresses(report.Reason) };
        var wins = Compare(report, known) > 0;
        return Engage(known with
        {
            Status = wins ? report.Status : known.Status,
            Reason = wins ? report.Reason : known.Reason,
            At = wins ? report.At : known.At,
            SentAt = report.Accepted ? Earlier(known.SentAt, report.At) : known.SentAt,
            DeliveredAt = report is { Status: MessageStatus.Delivered, Event: null } ? Earlier(known.DeliveredAt, report.At) : known.DeliveredAt,
            Events = MessageEvent.Add(known.Events, report.Event),
        });
    }

    /// <summary>What the events say, taken anew from all of them: a later one can show that an earlier one was no person's.</summary>
    public static Recipient Engage(Recipient recipient)
    {
        if (recipient.Events is not { } events)
        {
            return recipient;
        }

        var automated = Automation.Judge(events, recipient.DeliveredAt ?? recipient.SentAt);
        return recipient with
        {
            OpenedAt = First(events, MessageEventKind.Opened, automated, false),
            ClickedAt = First(events, MessageEventKind.Clicked, automated, false),
            AutoOpenedAt = First(events, MessageEventKind.Opened, automated, true),
            AutoClickedAt = First(events, MessageEventKind.Clicked, automated, true),
        };
    }

    /// <summary>When a person clicked after the first time.</summary>
    public static IReadOnlyList<long> LaterClicks(Recipient recipient)
    {
        if (recipient.ClickedAt is not { } first || recipient.Events!.Count == 1)
        {
            return [];
        }

        var automated = Automation.Judge(recipient.Events, recipient.DeliveredAt ?? recipient.SentAt);
        return [.. recipient.Events.Where((e, i) => e.Kind == MessageEventKind.Clicked && !automated[i] && e.At > first).Select(e => e.At)];
    }

    private static long? First(IReadOnlyList<MessageEvent> events, MessageEventKind kind, bool[] automated, bool wanted)
    {
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Kind == kind && automated[i] == wanted)
            {
                return events[i].At;
            }
        }

        return null;
    }

    /// <summary>The vendor certainly does not have the message: it can be sent again. What was reported meanwhile holds.</summary>
    public static Recipient Return(Recipient known) =>
        known.Status == MessageStatus.Sending ? known with { Status = MessageStatus.Pending, At = null, Reason = null } : known;

    /// <summary>The batch with its counts and state as its recipients say. The one place where counts come from.</summary>
    public static Batch Count(Batch batch)
    {
        if (batch.Forgotten)
        {
            return batch;
        }

        var counts = Sum(batch.Recipients);
        var (unrecorded, cost, unpriced) = (false, 0L, 0);
        Dictionary<string, int>? reasons = null;
        foreach (var recipient in batch.Recipients)
        {
            unrecorded |= recipient.IsUnrecorded;
            var price = batch.PriceOf(recipient);
            cost += price ?? 0;
            unpriced += price is null ? 1 : 0;
            if (ReasonOf(recipient) is { } reason)
            {
                reasons ??= [];
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
            }
        }

        return batch with
        {
            State = counts.Queued == 0 ? BatchState.Sent : counts.Queued == counts.Waiting ? BatchState.Waiting : batch.State is BatchState.Sent or BatchState.Waiting ? BatchState.Queued : batch.State,
            LeaseUntil = counts.Queued == counts.Waiting ? null : batch.LeaseUntil,
            Unrecorded = unrecorded,
            Uncertain = counts.Unknown > 0,
            Counts = counts,
            Cost = cost,
            Unpriced = unpriced,
            Reasons = reasons is null ? [] : [.. reasons.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => new ReasonCount(r.Key, r.Value))],
        };
    }

    /// <summary>Why a message is what it is, where that is an end.</summary>
    public static string? ReasonOf(Recipient recipient) => recipient.Status is MessageStatus.Pending or MessageStatus.Sending ? null : recipient.Reason;

    public static Counts Sum(IReadOnlyCollection<Recipient> recipients)
    {
        int sent = 0, delivered = 0, failed = 0, suppressed = 0, skipped = 0, unknown = 0, opened = 0, clicked = 0, queued = 0;
        int autoOpened = 0, autoClicked = 0, unsubscribed = 0, complained = 0, waiting = 0;
        foreach (var recipient in recipients)
        {
            sent += recipient.SentAt is null ? 0 : 1;
            opened += recipient.OpenedAt is null ? 0 : 1;
            clicked += recipient.ClickedAt is null ? 0 : 1;
            autoOpened += recipient is { OpenedAt: null, AutoOpenedAt: not null } ? 1 : 0;
            autoClicked += recipient is { ClickedAt: null, AutoClickedAt: not null } ? 1 : 0;
            unsubscribed += recipient.Has(MessageEventKind.Unsubscribed) ? 1 : 0;
            complained += recipient.Has(MessageEventKind.Complained) ? 1 : 0;
            waiting += recipient.Waits ? 1 : 0;
            switch (recipient.Status)
            {
                case MessageStatus.Delivered:
                    delivered++;
                    break;
                case MessageStatus.Failed or MessageStatus.Bounced:
                    failed++;
                    break;
                case MessageStatus.Suppressed:
                    suppressed++;
                    break;
                case MessageStatus.Skipped:
                    skipped++;
                    break;
                case MessageStatus.Unknown:
                    unknown++;
                    break;
                case MessageStatus.Pending or MessageStatus.Sending:
                    queued++;
                    break;
            }
        }

        var audience = recipients.Count;
        var pending = audience - delivered - failed - suppressed - skipped;
        return new(audience, sent, delivered, failed, suppressed, skipped, pending, unknown, opened, clicked, autoOpened, autoClicked, unsubscribed, complained, queued, waiting);
    }

    private static int Compare(Report report, Recipient known)
    {
        var rank = report.Status.CompareTo(known.Status);
        if (rank != 0)
        {
            return rank;
        }

        var earlier = (known.At ?? long.MaxValue).CompareTo(report.At);
        return earlier != 0 ? earlier : string.CompareOrdinal(known.Reason, report.Reason);
    }

    private static long Earlier(long? known, long reported) => known is { } at && at < reported ? at : reported;
}
