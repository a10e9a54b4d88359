using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using XenoCrm.Platform;

namespace XenoCrm.Webhooks;

public enum WebhookDeliveryState
{
    /// <summary>To be sent, or to be tried again.</summary>
    Pending,
    Delivered,

    /// <summary>Given up.</summary>
    Failed,

    /// <summary>The subscription is disabled. A replay sends it.</summary>
    Held,
}

/// <summary>One try, which is several requests where each event has its own.</summary>
/// <param name="Status">What the receiver answered; null: it did not. Of several requests, that of one that failed if any did.</param>
/// <param name="Error">Null: all went well. A code: <c>timeout</c>, <c>dns</c>, <c>connection</c>, <c>tls</c>, <c>address_refused</c>, <c>redirect</c>, <c>http_500</c>…</param>
public sealed record WebhookAttempt(DateTimeOffset At, int Requests, int Delivered, int? Status, string? Error, int Milliseconds);

/// <summary>
/// Up to a hundred events to a subscriber: what is to be sent, and the log of how that went. One item, as a batch is of
/// messages: two writes for a hundred events.
/// </summary>
public sealed record WebhookDelivery
{
    public const int MaxEvents = 100;
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);
    private const int AttemptsKept = 20;

    public required string Id { get; init; }
    public required string SubscriptionId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Orders the log.</summary>
    public string Key => KeyOf(CreatedAt, Id);
    public required WebhookDeliveryState State { get; init; }

    /// <summary>Whether all events are one request.</summary>
    public bool Batch { get; init; }
    public required IReadOnlyList<WebhookEventType> Types { get; init; }
    public required int Events { get; init; }

    /// <summary>See <see cref="PackedEvents"/>.</summary>
    public required byte[] Body { get; init; }

    /// <summary>Places of events that are not delivered yet, of a delivery that is so in part; null: all, or none, as the state says.</summary>
    public IReadOnlyList<int>? Open { get; init; }

    /// <summary>Which queue message the delivery waits for: an older one is a repetition.</summary>
    public int Turn { get; init; }

    /// <summary>Since it was created or replayed.</summary>
    public int Tries { get; init; }

    /// <summary>The last ones.</summary>
    public IReadOnlyList<WebhookAttempt> Attempts { get; init; } = [];

    /// <summary>When it is tried next, if it is pending.</summary>
    public DateTimeOffset? NextAt { get; init; }
    public int Replays { get; init; }

    /// <summary>Seconds since the last change.</summary>
    [JsonPropertyName("ttl")]
    public int TimeToLive { get; init; } = (int)Retention.TotalSeconds;

    /// <summary>The same events make the same delivery: found to exist when it is created again after a crash.</summary>
    public static WebhookDelivery Create(WebhookSubscription subscription, IReadOnlyList<OutgoingEvent> events, DateTimeOffset now)
    {
        var ids = Encoding.UTF8.GetBytes(string.Join('\n', events.Select(e => e.Id).Prepend(subscription.Id)));
        return new()
        {
            Id = Convert.ToHexStringLower(SHA256.HashData(ids).AsSpan(0, 16)),
            SubscriptionId = subscription.Id,
            CreatedAt = now,
            State = subscription.IsEnabled ? WebhookDeliveryState.Pending : WebhookDeliveryState.Held,
            Batch = subscription.Batch,
            Types = [.. events.Select(e => e.Type).Distinct().Order()],
            Events = events.Count,
            Body = PackedEvents.Pack(events),
            NextAt = subscription.IsEnabled ? now : null,
        };
    }

    public static string KeyOf(DateTimeOffset createdAt, string id) => $"{UtcTimeConverter.Write(createdAt)}-{id}";

    public WebhookDelivery With(WebhookAttempt attempt) => this with { Attempts = [.. Attempts.TakeLast(AttemptsKept - 1), attempt], Tries = Tries + 1 };

    public WebhookDelivery End(WebhookDeliveryState state) => this with { State = state, NextAt = null, Open = state == WebhookDeliveryState.Delivered ? null : Open };

    /// <summary>From the beginning, with all of its events.</summary>
    public WebhookDelivery Replay(DateTimeOffset now) => this with
    {
        State = WebhookDeliveryState.Pending, Open = null, Turn = Turn + 1, Tries = 0, NextAt = now, Replays = Replays + 1,
    };
}

/// <param name="Batch">Whether its events are one request, whose <c>webhook-id</c> is then this id.</param>
/// <param name="Events">How many.</param>
/// <param name="Open">How many of them the receiver has not taken.</param>
/// <param name="Tries">Since it was created or replayed.</param>
/// <param name="Attempts">The last twenty.</param>
/// <param name="Payload">The events as they are sent; only of a single delivery.</param>
public sealed record WebhookDeliveryView(
    string Id, DateTimeOffset CreatedAt, WebhookDeliveryState State, bool Batch, IReadOnlyList<WebhookEventType> Types, int Events, int Open, int Tries,
    IReadOnlyList<WebhookAttempt> Attempts, DateTimeOffset? NextAt, int Replays, IReadOnlyList<JsonElement>? Payload)
{
    public static WebhookDeliveryView Of(WebhookDelivery d, bool payload = false) => new(
        d.Id, d.CreatedAt, d.State, d.Batch, d.Types, d.Events, d.State == WebhookDeliveryState.Delivered ? 0 : d.Open?.Count ?? d.Events, d.Tries,
        d.Attempts, d.NextAt, d.Replays, payload ? JsonSerializer.Deserialize<List<JsonElement>>(PackedEvents.Unpack(d.Body)) : null);
}
