using System.Globalization;
using System.Text.Json.Serialization;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

public enum BatchState
{
    /// <summary>Has messages to send.</summary>
    Queued,

    /// <summary>Has messages to send, and none of them is to be sent yet.</summary>
    Waiting,

    /// <summary>A sender has it until <see cref="Batch.LeaseUntil"/>; after that it has died, and another one takes over.</summary>
    Sending,

    /// <summary>Nothing is left to send; receipts may be outstanding.</summary>
    Sent,
}

/// <summary>In the order of <see cref="Ledger.Fold"/>: of two reports on a message the higher one holds.</summary>
public enum MessageStatus
{
    /// <summary>To be sent.</summary>
    Pending,

    /// <summary>Handed, or about to be handed, to the vendor; its answer is not recorded.</summary>
    Sending,

    /// <summary>Handed to the vendor perhaps; it must not be asked again. A receipt settles it.</summary>
    Unknown,

    /// <summary>Accepted by the vendor.</summary>
    Sent,
    Failed,
    Delivered,

    /// <summary>Came back after all. Counts as failed.</summary>
    Bounced,

    /// <summary>Not written to because of a suppression. Decided before sending, so nothing follows.</summary>
    Suppressed,

    /// <summary>Not written to for another reason. Decided before sending, so nothing follows.</summary>
    Skipped,
}

/// <summary>One recipient and their message, as compact as it is stored: there are a hundred in an item that is rewritten about five times.</summary>
public sealed record Recipient
{
    [JsonPropertyName("c")]
    public required string CustomerId { get; init; }

    [JsonPropertyName("s")]
    public MessageStatus Status { get; init; }

    /// <summary>Why, where it is not plain: a stable code such as <c>consent_withdrawn</c>, or what the vendor said.</summary>
    [JsonPropertyName("r")]
    public string? Reason { get; init; }

    /// <summary>When the status came about, in milliseconds since the batch was created.</summary>
    [JsonPropertyName("t")]
    public long? At { get; init; }

    /// <summary>When the vendor accepted the message (or, without its answer, when the first receipt says it had it).</summary>
    [JsonPropertyName("a")]
    public long? SentAt { get; init; }

    /// <summary>When the vendor delivered it, where it says so (that it was opened says so too, but not when).</summary>
    [JsonPropertyName("d")]
    public long? DeliveredAt { get; init; }

    /// <summary>When a person opened it first, as far as can be told (<see cref="Automation"/>).</summary>
    [JsonPropertyName("o")]
    public long? OpenedAt { get; init; }

    [JsonPropertyName("k")]
    public long? ClickedAt { get; init; }

    /// <summary>When a program opened it first.</summary>
    [JsonPropertyName("ao")]
    public long? AutoOpenedAt { get; init; }

    [JsonPropertyName("ak")]
    public long? AutoClickedAt { get; init; }

    /// <summary>What was done with the message, in order of time: what the times above are taken from, and can be taken from again.</summary>
    [JsonPropertyName("e")]
    public IReadOnlyList<MessageEvent>? Events { get; init; }

    /// <summary>The address's keyed hash: what a bounce suppresses is the address written to, not the one the customer has by then.</summary>
    [JsonPropertyName("h")]
    public string? AddressHash { get; init; }

    /// <summary>Place of the message's vendor in <see cref="Batch.Vendors"/>; null: the first.</summary>
    [JsonPropertyName("p")]
    public int? Vendor { get; init; }

    /// <summary>Place of what they get in <see cref="Campaign.Variants"/>; null: the first, or not decided yet.</summary>
    [JsonPropertyName("v")]
    public int? Variant { get; init; }

    /// <summary>Not to be written to earlier, in milliseconds since the batch was created; null: nothing speaks against now.</summary>
    [JsonPropertyName("b")]
    public long? NotBefore { get; init; }

    /// <summary>Place of the address's domain in <see cref="Batch.Domains"/>; null: not noted.</summary>
    [JsonPropertyName("m")]
    public int? Domain { get; init; }

    /// <summary>Place of the message's price in <see cref="Batch.Prices"/>; null: the first.</summary>
    [JsonPropertyName("q")]
    public int? Price { get; init; }

    /// <summary>How often the vendor has put the message off.</summary>
    [JsonPropertyName("n")]
    public int? Deferred { get; init; }

    /// <summary>What the customer was last told of the message (<see cref="MessageMark"/>).</summary>
    [JsonPropertyName("w")]
    public int? Recorded { get; init; }

    /// <summary>Is to be sent, and not yet.</summary>
    [JsonIgnore]
    public bool Waits => Status == MessageStatus.Pending && NotBefore is not null;

    /// <summary>Can be sent now, or was left half sent by a sender that died.</summary>
    [JsonIgnore]
    public bool IsReady => Status == MessageStatus.Sending || (Status == MessageStatus.Pending && NotBefore is null);

    public bool Has(MessageEventKind kind)
    {
        for (var i = 0; i < Events?.Count; i++)
        {
            if (Events[i].Kind == kind)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the vendor was, or was about to be, asked to carry it.</summary>
    [JsonIgnore]
    public bool IsHandedOver => Status is not (MessageStatus.Pending or MessageStatus.Suppressed or MessageStatus.Skipped);

    [JsonIgnore]
    public bool IsHeldOut => Status == MessageStatus.Skipped && Reason == Reasons.Holdout;

    /// <summary>
    /// Whether the customer's item does not know the message as it is. Who was not written to has nothing to know, except
    /// who was held out: their orders are compared with the others'.
    /// </summary>
    [JsonIgnore]
    public bool IsUnrecorded =>
        (Status is not (MessageStatus.Pending or MessageStatus.Sending or MessageStatus.Suppressed or MessageStatus.Skipped) || IsHeldOut) && Recorded != MessageMark.Of(this);
}

/// <summary>
/// The ledger's columns. audience = delivered + failed + suppressed + skipped + pending, where pending holds everything
/// whose end is not known: to be sent, sent without a receipt, and unknown.
/// </summary>
/// <param name="Sent">Accepted by the vendor, whatever came after.</param>
/// <param name="Unknown">Part of pending: perhaps sent, and never to be asked again.</param>
/// <param name="Opened">By a person, as far as can be told.</param>
/// <param name="AutoOpened">Only by programs: scanners, prefetchers.</param>
/// <param name="Queued">Part of pending: to be sent.</param>
/// <param name="Waiting">Part of queued: not to be sent before a later time (quiet hours, local time, a winner).</param>
public sealed record Counts(
    int Audience, int Sent, int Delivered, int Failed, int Suppressed, int Skipped, int Pending, int Unknown,
    int Opened, int Clicked, int AutoOpened = 0, int AutoClicked = 0, int Unsubscribed = 0, int Complained = 0, int Queued = 0, int Waiting = 0)
{
    public static Counts operator +(Counts a, Counts b) => new(
        a.Audience + b.Audience, a.Sent + b.Sent, a.Delivered + b.Delivered, a.Failed + b.Failed, a.Suppressed + b.Suppressed, a.Skipped + b.Skipped, a.Pending + b.Pending, a.Unknown + b.Unknown,
        a.Opened + b.Opened, a.Clicked + b.Clicked, a.AutoOpened + b.AutoOpened, a.AutoClicked + b.AutoClicked, a.Unsubscribed + b.Unsubscribed, a.Complained + b.Complained, a.Queued + b.Queued, a.Waiting + b.Waiting);
}

public sealed record ReasonCount(string Reason, int Count);

/// <summary>
/// Up to a hundred messages: the unit of sending and of storage. One item, so that its counts and the states they count
/// change in one write. No address is in it: it is read from the customer when the message is sent.
/// </summary>
public sealed record Batch
{
    public const int MaxRecipients = 100;

    public required string Id { get; init; }
    public required string CampaignId { get; init; }
    public required int Number { get; init; }
    public required BatchState State { get; init; }

    /// <summary>Set by <see cref="Ledger.Count"/> alone. Near the front of the item, where a SUM finds it soon.</summary>
    public required Counts Counts { get; init; }

    /// <summary>How many messages failed, were suppressed, skipped or are unknown, by reason.</summary>
    public required IReadOnlyList<ReasonCount> Reasons { get; init; }

    /// <summary>Whether it is not known of a message if the vendor has it (<see cref="SettleUnknown"/>). Set by <see cref="Ledger.Count"/>; absent when not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Uncertain { get; init; }

    /// <summary>
    /// What the vendors charge for the messages that they have accepted, in millionths of the currency's unit. Set by
    /// <see cref="Ledger.Count"/>. Written also when it is 0, as the next two: a SUM would look for it in all of the item.
    /// </summary>
    public long Cost { get; init; }

    /// <summary>How many messages they have accepted whose price nobody knows. Set by <see cref="Ledger.Count"/>.</summary>
    public int Unpriced { get; init; }

    /// <summary>
    /// Request units that work on the batch was charged, as each piece of work adds them with its last write (whose own
    /// charge it does not know yet: <see cref="BatchStore.TypicalWrite"/>). What a crash cut off is not in it.
    /// </summary>
    public double Units { get; init; }
    /// <summary>The recipients are gone, and what was counted of them is kept (<see cref="ForgetMessages"/>); absent when not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Forgotten { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? LeaseUntil { get; init; }

    /// <summary>Whether customers are to be told of their messages (<see cref="RecordMessages"/>). Set by <see cref="Ledger.Count"/>; absent when not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Unrecorded { get; init; }

    /// <summary>Vendors that have got messages of the batch, or were about to: see <see cref="VendorOf"/>.</summary>
    public IReadOnlyList<string>? Vendors { get; init; }

    /// <summary>Domains of addresses written to (<see cref="HandOverNotes"/>).</summary>
    public IReadOnlyList<string>? Domains { get; init; }

    /// <summary>Prices of messages in millionths of the currency's unit, or <see cref="PriceUnknown"/>; null: of none a price is known.</summary>
    public IReadOnlyList<long>? Prices { get; init; }

    public const long PriceUnknown = -1;

    public required IReadOnlyList<Recipient> Recipients { get; init; }

    public static Batch Create(string campaignId, int number, IEnumerable<string> customerIds, DateTimeOffset now) => Ledger.Count(new()
    {
        Id = BatchId(campaignId, number),
        CampaignId = campaignId,
        Number = number,
        State = BatchState.Queued,
        Counts = null!,
        Reasons = [],
        CreatedAt = now,
        Recipients = [.. customerIds.Select(id => new Recipient { CustomerId = id })],
    });

    public static string BatchId(string campaignId, int number) => string.Create(CultureInfo.InvariantCulture, $"{campaignId}.{number}");

    /// <summary>Who has got, or was about to get, the message last; null: nobody.</summary>
    public string? VendorOf(int index) => Vendors?.ElementAtOrDefault(Recipients[index].Vendor ?? 0);

    /// <summary>What the vendor charges for the recipient's message; 0 before it has it, null when nobody knows.</summary>
    public long? PriceOf(Recipient recipient) => recipient.SentAt is null ? 0 : Prices?[recipient.Price ?? 0] is { } price and not PriceUnknown ? price : null;

    /// <summary>Notes the vendor that the message goes to.</summary>
    public static (IReadOnlyList<string> Vendors, Recipient Recipient) Assign(IReadOnlyList<string> vendors, Recipient recipient, string vendor)
    {
        var place = 0;
        while (place < vendors.Count && vendors[place] != vendor)
        {
            place++;
        }

        return (place < vendors.Count ? vendors : [.. vendors, vendor], recipient with { Vendor = place == 0 ? null : place });
    }

    /// <summary>Customers and ids of the messages that are to be sent.</summary>
    public IEnumerable<(string CustomerId, string MessageId)> Pending() =>
        Recipients.Index().Where(r => r.Item.Status == MessageStatus.Pending).Select(r => (r.Item.CustomerId, MessageId(r.Index)));

    public string MessageId(int index) => string.Create(CultureInfo.InvariantCulture, $"{Id}.{index}");

    public long Since(DateTimeOffset time) => (long)(time - CreatedAt).TotalMilliseconds;

    public DateTimeOffset? Time(long? since) => since is { } ms ? CreatedAt.AddMilliseconds(ms) : null;
}

/// <summary><c>{campaignId}.{batch}.{index}</c>, which says where a receipt belongs.</summary>
public readonly record struct MessageId(string CampaignId, int Batch, int Index)
{
    public string BatchId => Delivery.Batch.BatchId(CampaignId, Batch);

    public static MessageId? TryParse(string? text)
    {
        if (text is null or { Length: > 100 })
        {
            return null;
        }

        var parts = text.Split('.');
        return parts is [{ Length: > 0 } campaign, var batch, var index]
            && int.TryParse(batch, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            && place < Delivery.Batch.MaxRecipients
            && campaign.AsSpan().IndexOfAnyExcept(Allowed) < 0
            ? new(campaign, number, place)
            : null;
    }

    private static readonly System.Buffers.SearchValues<char> Allowed =
        System.Buffers.SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
}
