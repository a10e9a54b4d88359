using System.Security.Cryptography;
using System.Text.Json.Serialization;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Webhooks;

/// <param name="Value"><c>whsec_</c> and base64: what requests are signed with.</param>
/// <param name="ValidUntil">Set when another one has taken its place.</param>
/// <param name="RequestId">Of the request that made it, if it had an <c>Idempotency-Key</c>.</param>
public sealed record WebhookSecret(string Value, DateTimeOffset CreatedAt, DateTimeOffset? ValidUntil, string? RequestId = null)
{
    private const string Prefix = "whsec_";

    /// <summary>Receivers have so long to take over a new secret.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    public static WebhookSecret Create(DateTimeOffset now, string? requestId = null) => new(Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), now, null, requestId);

    public byte[] Key() => Convert.FromBase64String(Value[Prefix.Length..]);
}

/// <summary>Who is told of which events, and how that goes.</summary>
public sealed record WebhookSubscription : IWorkspaceItem
{
    public const string KindName = "webhook-subscription";

    /// <summary>Each is asked for with every thousand messages and costs for every event.</summary>
    public const int MaxSubscriptions = 50;

    public required string Id { get; init; }
    public string Kind => KindName;
    public required string Name { get; init; }
    public required string Url { get; init; }
    public required IReadOnlyList<WebhookEventType> Events { get; init; }

    /// <summary>Whether a request carries up to a hundred events, as an array.</summary>
    public bool Batch { get; init; }

    /// <summary>The newest first; at most two.</summary>
    public required IReadOnlyList<WebhookSecret> Secrets { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Null: it is enabled.</summary>
    public DateTimeOffset? DisabledAt { get; init; }

    /// <summary>A code: <see cref="ByRequest"/>, <see cref="Gone"/>, <see cref="Failing"/>.</summary>
    public string? DisabledReason { get; init; }

    /// <summary>The first failure after the last success; null: nothing is known against the receiver.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    public const string ByRequest = "by_request";

    /// <summary>The receiver answered 410.</summary>
    public const string Gone = "gone";

    /// <summary>The receiver has failed for <see cref="WebhookOptions.DisableAfter"/>.</summary>
    public const string Failing = "failing";

    [JsonIgnore]
    public bool IsEnabled => DisabledAt is null;

    /// <summary>Whether events are noted for it. A disabled one gets its own by a replay, for as long as they are kept; after that it is left alone.</summary>
    public bool IsCollecting(DateTimeOffset now) => DisabledAt is not { } at || now - at < WebhookDelivery.Retention;

    public WebhookSubscription Disable(string reason, DateTimeOffset now) => IsEnabled ? this with { DisabledAt = now, DisabledReason = reason, UpdatedAt = now } : this;

    /// <summary>A receiver that is trusted again begins without a past.</summary>
    public WebhookSubscription Enable() => this with { DisabledAt = null, DisabledReason = null, FailingSince = null };

    /// <summary>A new secret, which the present one accompanies for a day. An older one ends at once.</summary>
    public WebhookSubscription Rotate(DateTimeOffset now, string? requestId) => this with
    {
        Secrets = [WebhookSecret.Create(now, requestId), Secrets[0] with { ValidUntil = now + WebhookSecret.Overlap }],
        UpdatedAt = now,
    };

    public IEnumerable<WebhookSecret> SecretsAt(DateTimeOffset now) => Secrets.Where(s => !(s.ValidUntil <= now));
}

/// <param name="DisabledReason"><c>by_request</c>; <c>gone</c>: the receiver answered 410; <c>failing</c>: it has failed for days.</param>
/// <param name="FailingSince">The first failure since the last success.</param>
/// <param name="PreviousSecretUntil">So long the secret before the present one signs as well.</param>
public sealed record WebhookSubscriptionView(
    string Id, string Name, string Url, IReadOnlyList<WebhookEventType> Events, bool Batch, bool Enabled, string? DisabledReason, DateTimeOffset? DisabledAt,
    DateTimeOffset? FailingSince, DateTimeOffset? PreviousSecretUntil, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset UpdatedAt)
{
    public static WebhookSubscriptionView Of(WebhookSubscription s, DateTimeOffset now) => new(
        s.Id, s.Name, s.Url, s.Events, s.Batch, s.IsEnabled, s.DisabledReason, s.DisabledAt,
        s.FailingSince, s.SecretsAt(now).Skip(1).FirstOrDefault()?.ValidUntil, s.CreatedAt, s.CreatedBy, s.UpdatedAt);
}

/// <param name="Secret">Said here and never again.</param>
public sealed record NewSecretView(string Secret, WebhookSubscriptionView Subscription);
