using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform;

namespace XenoCrm.Webhooks;

public enum WebhookEventType
{
    [JsonStringEnumMemberName("campaign.launched")]
    CampaignLaunched,

    [JsonStringEnumMemberName("campaign.paused")]
    CampaignPaused,

    /// <summary>It goes on after a pause or a failure, or sends after all what had failed.</summary>
    [JsonStringEnumMemberName("campaign.resumed")]
    CampaignResumed,

    [JsonStringEnumMemberName("campaign.completed")]
    CampaignCompleted,

    [JsonStringEnumMemberName("campaign.cancelled")]
    CampaignCancelled,

    [JsonStringEnumMemberName("campaign.failed")]
    CampaignFailed,

    /// <summary>The vendor has it.</summary>
    [JsonStringEnumMemberName("message.sent")]
    MessageSent,

    [JsonStringEnumMemberName("message.delivered")]
    MessageDelivered,

    [JsonStringEnumMemberName("message.failed")]
    MessageFailed,

    [JsonStringEnumMemberName("message.bounced")]
    MessageBounced,

    [JsonStringEnumMemberName("message.complained")]
    MessageComplained,

    /// <summary>By a person, as far as can be told; the first time. So is the click.</summary>
    [JsonStringEnumMemberName("message.opened")]
    MessageOpened,

    [JsonStringEnumMemberName("message.clicked")]
    MessageClicked,

    [JsonStringEnumMemberName("message.unsubscribed")]
    MessageUnsubscribed,

    /// <summary>Asked for, to see whether a receiver works. Nobody subscribes to it.</summary>
    [JsonStringEnumMemberName("webhook.test")]
    Test,
}

/// <summary>What a receiver gets, as Standard Webhooks has it, and the event's id.</summary>
/// <param name="Id">The same however often the event comes: what a receiver has seen already it can drop.</param>
/// <param name="Timestamp">When it happened; events do not come in its order.</param>
public sealed record WebhookEvent<TData>(string Id, WebhookEventType Type, DateTimeOffset Timestamp, TData Data);

/// <summary>Of a message: ids, and nothing about the person.</summary>
/// <param name="Reason">Why it failed or bounced: a stable code, or what the vendor said.</param>
public sealed record MessageEventData(string CampaignId, string MessageId, string CustomerId, string Channel, string? Reason);

/// <param name="Failure">Why it failed; only while it is failed.</param>
/// <param name="SeriesId">The recurring campaign that it was made from.</param>
public sealed record CampaignEventData(string CampaignId, string Name, Channel Channel, CampaignState State, string? Failure, string? SeriesId);

public sealed record TestEventData(string SubscriptionId);

/// <summary>An event in the bytes that are sent.</summary>
public sealed record OutgoingEvent(string Id, WebhookEventType Type, byte[] Body)
{
    public static OutgoingEvent Of(MessageNews news)
    {
        var type = news.Kind switch
        {
            MessageNewsKind.Sent => WebhookEventType.MessageSent,
            MessageNewsKind.Delivered => WebhookEventType.MessageDelivered,
            MessageNewsKind.Bounced => WebhookEventType.MessageBounced,
            MessageNewsKind.Complained => WebhookEventType.MessageComplained,
            MessageNewsKind.Opened => WebhookEventType.MessageOpened,
            MessageNewsKind.Clicked => WebhookEventType.MessageClicked,
            MessageNewsKind.Unsubscribed => WebhookEventType.MessageUnsubscribed,
            _ => WebhookEventType.MessageFailed,
        };

        // No full stops: the signature is over id.timestamp.body.
        return Create($"msg_{news.Key.Replace('.', '_')}", type, news.At, new MessageEventData(news.CampaignId, news.MessageId, news.CustomerId, news.Channel, news.Reason));
    }

    public static OutgoingEvent Of(Campaign campaign, CampaignMove move)
    {
        var type = move.Action switch
        {
            CampaignAction.Launch => WebhookEventType.CampaignLaunched,
            CampaignAction.Pause => WebhookEventType.CampaignPaused,
            CampaignAction.Cancel => WebhookEventType.CampaignCancelled,
            CampaignAction.Complete => WebhookEventType.CampaignCompleted,
            CampaignAction.Fail => WebhookEventType.CampaignFailed,
            _ => WebhookEventType.CampaignResumed,
        };
        var failure = move.State == CampaignState.Failed ? campaign.Failure : null;
        return Create($"cmp_{campaign.Id}_{move.Number}", type, move.At, new CampaignEventData(campaign.Id, campaign.Name, campaign.Channel, move.State, failure, campaign.SeriesId));
    }

    public static OutgoingEvent Test(string id, string subscriptionId, DateTimeOffset now) => Create($"test_{id}", WebhookEventType.Test, now, new TestEventData(subscriptionId));

    private static OutgoingEvent Create<T>(string id, WebhookEventType type, DateTimeOffset at, T data) =>
        new(id, type, JsonSerializer.SerializeToUtf8Bytes(new WebhookEvent<T>(id, type, at, data), Json.Options));
}

/// <summary>
/// Events as they are kept: the very bytes, so that a replay sends what was sent. A hundred events of messages are 27 KB
/// and, packed, 5 KB.
/// </summary>
public static class PackedEvents
{
    public static byte[] Pack(IReadOnlyList<OutgoingEvent> events)
    {
        var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Optimal))
        {
            for (var i = 0; i < events.Count; i++)
            {
                brotli.WriteByte((byte)(i == 0 ? '[' : ','));
                brotli.Write(events[i].Body);
            }

            brotli.WriteByte((byte)']');
        }

        return packed.ToArray();
    }

    /// <summary>The events as a JSON array.</summary>
    public static byte[] Unpack(byte[] packed)
    {
        using var brotli = new BrotliStream(new MemoryStream(packed), CompressionMode.Decompress);
        var array = new MemoryStream();
        brotli.CopyTo(array);
        return array.ToArray();
    }

    /// <summary>The bytes of each event, and its id.</summary>
    public static IReadOnlyList<(string Id, ReadOnlyMemory<byte> Json)> Split(byte[] array)
    {
        var events = new List<(string, ReadOnlyMemory<byte>)>();
        var reader = new Utf8JsonReader(array);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var json = array.AsMemory(start..(int)reader.BytesConsumed);
            using var document = JsonDocument.Parse(json);
            events.Add((document.RootElement.GetProperty("id").GetString()!, json));
        }

        return events;
    }
}
