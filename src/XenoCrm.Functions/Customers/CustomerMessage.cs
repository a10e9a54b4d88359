using System.Text.Json.Serialization;

namespace XenoCrm.Customers;

/// <summary>What one message adds to its customer's <see cref="Engagement"/>.</summary>
public readonly record struct EngagementShare(bool Sent, bool Delivered, bool Opened, bool Clicked);

/// <summary>A message that a vendor was asked to carry, with what is known of it. Whoever sends keeps it at the customer.</summary>
/// <param name="Id"><c>{campaignId}.{batch}.{index}</c>.</param>
/// <param name="Status"><c>sent</c>, <c>delivered</c>, <c>failed</c>, <c>bounced</c>, <c>unknown</c>, or <c>holdout</c>: nothing was sent, to see what that makes of the customer.</param>
/// <param name="At">When the status came about.</param>
/// <param name="SentAt">When the vendor accepted it; null when it refused, or nobody knows.</param>
/// <param name="OpenedAt">The first time.</param>
/// <param name="ClickedAt">The first time.</param>
public sealed record CustomerMessage(
    string Id, string Channel, string Status, DateTimeOffset At, DateTimeOffset? SentAt = null, DateTimeOffset? OpenedAt = null, DateTimeOffset? ClickedAt = null)
{
    /// <summary>
    /// A customer carries so many, because each of them makes every write of the customer dearer, and beside them up to
    /// <see cref="MaxTouching"/> older ones that an order may still be put down to. All are in the batches.
    /// </summary>
    public const int MaxKept = 10;

    public const int MaxTouching = 20;

    /// <summary>So long before the newest, those that were clicked, or that belong to a comparison, are kept.</summary>
    public static readonly TimeSpan ClicksKept = TimeSpan.FromDays(30);

    /// <summary>So long those that were delivered; the last one delivered always.</summary>
    public static readonly TimeSpan DeliveriesKept = TimeSpan.FromDays(7);

    /// <summary>Of a message that was held out.</summary>
    public const string HeldOut = "holdout";

    /// <summary>Clicks after the first, in order of time; null: none. Orders are put down to the last click before them.</summary>
    public IReadOnlyList<DateTimeOffset>? LaterClicks { get; init; }

    /// <summary>The name of the variant, when the campaign has several.</summary>
    public string? Variant { get; init; }

    /// <summary>The campaign has a holdout that its recipients are compared with.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsCompared { get; init; }

    [JsonIgnore]
    public bool IsHeldOut => Status == HeldOut;

    [JsonIgnore]
    public DateTimeOffset? DeliveredAt => Status == "delivered" ? At : null;

    [JsonIgnore]
    public string CampaignId => Id[..Id.IndexOf('.', StringComparison.Ordinal)];

    [JsonIgnore]
    public EngagementShare Share => new(SentAt is not null, Status == "delivered", OpenedAt is not null, ClickedAt is not null);

    /// <summary>
    /// The customer with the message as it is now: its entry replaced or added (the oldest goes), and the counters moved by
    /// the difference to what they hold of it. Applying the same state again changes nothing.
    /// </summary>
    /// <param name="counted">What the counters hold of it if it has no entry: it is new, or has given way to later ones.</param>
    public static Customer Note(Customer customer, CustomerMessage message, EngagementShare counted)
    {
        var known = customer.Messages.FirstOrDefault(m => m.Id == message.Id);
        if (known == message)
        {
            return customer;
        }

        var before = known?.Share ?? counted;
        var after = message.Share;
        var engagement = customer.Engagement;
        IReadOnlyList<CustomerMessage> messages = known is not null
            ? [.. customer.Messages.Select(m => m.Id == message.Id ? message : m)]
            : Keep([.. customer.Messages, message]);
        return customer with
        {
            Messages = messages,
            Engagement = engagement with
            {
                Sent = engagement.Sent + Difference(before.Sent, after.Sent),
                Delivered = engagement.Delivered + Difference(before.Delivered, after.Delivered),
                Opened = engagement.Opened + Difference(before.Opened, after.Opened),
                Clicked = engagement.Clicked + Difference(before.Clicked, after.Clicked),
                LastOpenedAt = Last(engagement.LastOpenedAt, known?.OpenedAt, message.OpenedAt, messages, m => m.OpenedAt),
                LastClickedAt = Last(engagement.LastClickedAt, known?.ClickedAt, message.ClickedAt, messages, m => m.ClickedAt),
            },
        };
    }

    /// <summary>
    /// Those that a customer carries, of more: the newest, and of the others what attribution needs. So an order that comes
    /// now is put down to the right one however many messages there were since.
    /// </summary>
    /// <param name="messages">In the order in which they became known.</param>
    public static IReadOnlyList<CustomerMessage> Keep(IReadOnlyList<CustomerMessage> messages)
    {
        var older = messages.Count - MaxKept;
        if (older <= 0)
        {
            return messages;
        }

        var newest = messages.Max(m => m.LastAt);
        var delivered = messages.Where(m => m.DeliveredAt is not null).MaxBy(m => m.DeliveredAt)?.Id;
        var kept = messages.Take(older).Select(m => (Message: m, Rank: Rank(m))).Where(m => m.Rank < int.MaxValue)
            .OrderBy(m => m.Rank).ThenByDescending(m => m.Message.LastAt).Take(MaxTouching).Select(m => m.Message.Id).ToHashSet();
        return kept.Count == older ? messages : [.. messages.Where((m, i) => i >= older || kept.Contains(m.Id))];

        int Rank(CustomerMessage m) =>
            m.Id == delivered ? 0
            : m.ClickedAt is not null && newest - m.LastAt <= ClicksKept ? 1
            : m.IsCompared && newest - m.LastAt <= ClicksKept ? 2
            : m.DeliveredAt is not null && newest - m.LastAt <= DeliveriesKept ? 3
            : int.MaxValue;
    }

    /// <summary>When something was heard of it last.</summary>
    private DateTimeOffset LastAt => Later(Later(At, ClickedAt), LaterClicks is { Count: > 0 } clicks ? clicks[^1] : null)!.Value;

    /// <summary>By what it says, and not by whether it is the same list of clicks.</summary>
    public bool Equals(CustomerMessage? other) =>
        other is not null && (Id, Channel, Status, At, SentAt, OpenedAt, ClickedAt, Variant, IsCompared)
            == (other.Id, other.Channel, other.Status, other.At, other.SentAt, other.OpenedAt, other.ClickedAt, other.Variant, other.IsCompared)
        && (LaterClicks ?? []).SequenceEqual(other.LaterClicks ?? []);

    public override int GetHashCode() => HashCode.Combine(Id, Status, At, SentAt, OpenedAt, ClickedAt);

    /// <summary>The last time, of which one was taken for <paramref name="before"/> and is <paramref name="now"/>: judged again, what a person did can turn out to be a program's.</summary>
    private static DateTimeOffset? Last(DateTimeOffset? last, DateTimeOffset? before, DateTimeOffset? now, IReadOnlyList<CustomerMessage> messages, Func<CustomerMessage, DateTimeOffset?> time) =>
        before is not null && before == last && !(now >= before) ? messages.Max(time) : Later(last, now);

    private static int Difference(bool before, bool after) => (after ? 1 : 0) - (before ? 1 : 0);

    private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => a is null || b > a ? b : a;
}
