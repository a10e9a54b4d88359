using System.Globalization;
using XenoCrm.Campaigns;

namespace XenoCrm.Delivery;

public enum MessageNewsKind
{
    Sent,
    Delivered,
    Failed,
    Bounced,
    Complained,
    Opened,
    Clicked,
    Unsubscribed,
}

/// <summary>Something that has become known of a message since it was last told of.</summary>
/// <param name="Key">The same each time this is told, and nothing else's.</param>
/// <param name="Batch">The batch's id.</param>
public sealed record MessageNews(
    string Key, MessageNewsKind Kind, string CampaignId, string Batch, string MessageId, string CustomerId, string Channel, DateTimeOffset At, string? Reason)
{
    /// <summary>What the batch knows of its messages and its marks do not tell.</summary>
    /// <param name="campaign">Null: gone; its messages have no channel to name.</param>
    public static IEnumerable<MessageNews> Of(Batch batch, Campaign? campaign)
    {
        for (var i = 0; i < batch.Recipients.Count; i++)
        {
            var recipient = batch.Recipients[i];
            if (!recipient.IsUnrecorded)
            {
                continue;
            }

            var id = batch.MessageId(i);
            foreach (var (kind, at) in Known(recipient))
            {
                if (!MessageMark.Tells(recipient.Recorded, kind))
                {
                    var reason = kind is MessageNewsKind.Failed or MessageNewsKind.Bounced ? recipient.Reason : null;
                    yield return new(
                        KeyOf(id, kind, recipient), kind, batch.CampaignId, batch.Id, id, recipient.CustomerId, campaign?.Channel.Name() ?? "unknown", batch.Time(at) ?? batch.CreatedAt, reason);
                }
            }
        }
    }

    private static IEnumerable<(MessageNewsKind Kind, long? At)> Known(Recipient r)
    {
        if (r.SentAt is not null)
        {
            yield return (MessageNewsKind.Sent, r.SentAt);
        }

        // Who opens it has got it, whether or not the vendor ever says so.
        if (r.Status == MessageStatus.Delivered || r.DeliveredAt is not null)
        {
            yield return (MessageNewsKind.Delivered, r.DeliveredAt ?? r.At);
        }

        if (r.Status is MessageStatus.Failed or MessageStatus.Bounced)
        {
            yield return (r.Status == MessageStatus.Failed ? MessageNewsKind.Failed : MessageNewsKind.Bounced, r.At);
        }

        if (r.OpenedAt is not null)
        {
            yield return (MessageNewsKind.Opened, r.OpenedAt);
        }

        if (r.ClickedAt is not null)
        {
            yield return (MessageNewsKind.Clicked, r.ClickedAt);
        }

        if (r.Events?.FirstOrDefault(e => e.Kind == MessageEventKind.Complained) is { } complaint)
        {
            yield return (MessageNewsKind.Complained, complaint.At);
        }

        if (r.Events?.FirstOrDefault(e => e.Kind == MessageEventKind.Unsubscribed) is { } farewell)
        {
            yield return (MessageNewsKind.Unsubscribed, farewell.At);
        }
    }

    /// <summary>
    /// No time is in it: an earlier one may become known between two tries. What failed before the vendor had it can be sent
    /// after all (<see cref="RetryFailed"/>) and fail at the vendor's: that is another failure.
    /// </summary>
    private static string KeyOf(string messageId, MessageNewsKind kind, Recipient recipient) => string.Create(
        CultureInfo.InvariantCulture,
        $"{messageId}.{(kind == MessageNewsKind.Failed && recipient.SentAt is null ? "refused" : kind.ToString().ToLowerInvariant())}");
}

/// <summary>Is told what becomes of messages: at least once, each time under the same key, in no particular order.</summary>
public interface IMessageListener
{
    /// <summary>Returns when what it makes of them is stored.</summary>
    Task HearAsync(IEnumerable<MessageNews> news, CancellationToken cancellation);
}
