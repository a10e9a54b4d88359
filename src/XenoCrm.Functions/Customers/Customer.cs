using System.Text.Json;
using System.Text.Json.Serialization;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

/// <summary>
/// A customer as stored: one item in the container <c>customers</c>, in a partition of its own that it shares with its orders.
/// Everything a rule can ask about is in here, so that a rule needs no join.
/// </summary>
public sealed record Customer
{
    public const string TypeName = "customer";

    /// <summary>A UUIDv7 in 32 hex digits: new customers sort after old ones.</summary>
    public required string Id { get; init; }

    /// <summary>The partition key; equals <see cref="Id"/>.</summary>
    public string CustomerId => Id;

    /// <summary>Tells customers from the orders in the same partition.</summary>
    public string Type => TypeName;

    /// <summary>Above that of every order: one ordered query of the partition gives the customer, then its newest orders.</summary>
    public string SortKey => LastSortKey;

    // Profile. Text is trimmed and never empty: absent is null.
    public string? ExternalId { get; init; }
    public string? FirstName { get; init; }
    public string? LastName { get; init; }

    /// <summary>As given; identity and comparison ignore case.</summary>
    public string? Email { get; init; }

    /// <summary>E.164 when that is certain (<see cref="PhoneUsable"/>), else as given.</summary>
    public string? Phone { get; init; }
    public bool PhoneUsable { get; init; }
    public string? City { get; init; }
    public string? Region { get; init; }
    public string? Country { get; init; }
    public string? PostalCode { get; init; }
    public string? Company { get; init; }

    /// <summary>BCP 47, such as <c>de-CH</c>.</summary>
    public string? Language { get; init; }

    /// <summary>IANA name, such as <c>Europe/Zurich</c>.</summary>
    public string? TimeZone { get; init; }
    public DateOnly? Birthday { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Where the customer came from: <c>api</c>, <c>import</c>, <c>order</c>, or what the caller says.</summary>
    public string? Source { get; init; }

    /// <summary>Custom attributes: string, number, boolean, or a date as ISO 8601 text.</summary>
    public IReadOnlyDictionary<string, JsonElement> Attributes { get; init; } = Empty;

    /// <summary>By channel: <c>email</c>, <c>sms</c>, <c>whatsapp</c>, <c>push</c>. A channel that is absent was never asked about.</summary>
    public IReadOnlyDictionary<string, Consent> Consent { get; init; } = new Dictionary<string, Consent>();

    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    // Aggregates over the orders and visits, kept in the same item and the same transaction as what they sum up.

    /// <summary>Minor units of the workspace's currency (cents).</summary>
    public long TotalSpend { get; init; }
    public int OrderCount { get; init; }

    /// <summary>Minor units, half to even; null without orders.</summary>
    public long? AverageOrderValue { get; init; }
    public DateTimeOffset? FirstOrderAt { get; init; }
    public DateTimeOffset? LastOrderAt { get; init; }
    public int Visits { get; init; }
    public DateTimeOffset? LastVisitAt { get; init; }

    /// <summary>The callers' own ids of the visits counted last, at most <see cref="MaxVisitIds"/>: one sent again is not counted again.</summary>
    public IReadOnlyList<string>? VisitIds { get; init; }

    /// <summary>The later of the last order and the last visit.</summary>
    public DateTimeOffset? LastActiveAt { get; init; }
    public IReadOnlyDictionary<string, CategoryTotals> Categories { get; init; } = new Dictionary<string, CategoryTotals>();
    public Engagement Engagement { get; init; } = new();

    /// <summary>Scores among all customers with orders; null until the first scoring after the first order. Written by Segments only.</summary>
    public Rfm? Rfm { get; init; }

    /// <summary>The segments whose rule this customer satisfies, sorted. Set on every write by <see cref="ISegmentTagger"/>.</summary>
    public IReadOnlyList<string> SegmentIds { get; init; } = [];

    /// <summary>What a search finds the customer by (<see cref="CustomerSearch"/>). Set on every write.</summary>
    public IReadOnlyList<string>? Search { get; init; }

    /// <summary>Last and first name in lower case: the order of lists by name, which is not to put <c>de Boer</c> behind <c>Zimmer</c>.</summary>
    public string? SortName { get; init; }

    /// <summary>The latest messages, in the order in which they became known here: those of <see cref="CustomerMessage.Keep"/>.</summary>
    public IReadOnlyList<CustomerMessage> Messages { get; init; } = [];

    /// <summary>Messages that count for the caps on how many are sent; null where there are none. Written by whoever sends.</summary>
    public IReadOnlyList<Contact>? Contacts { get; init; }

    /// <summary>Former visits and answers about consent, newest last, of each kind at most <see cref="PastEvent.Max"/>.</summary>
    public IReadOnlyList<PastEvent> Past { get; init; } = [];

    /// <summary>Which imports wrote last, the newest last: see <see cref="ImportMark"/>.</summary>
    public IReadOnlyList<ImportMark> Imports { get; init; } = [];

    /// <summary>Hashes of keys that the customer carried once, newest last, or null: its erasure blocks them too.</summary>
    public IReadOnlyList<string>? FormerKeys { get; init; }

    /// <summary>Customers that were merged into this one, in this order, or null.</summary>
    public IReadOnlyList<MergedCustomer>? Merged { get; init; }

    /// <summary>A merge into this customer is under way: until it is done this customer does not go.</summary>
    public PendingMerge? Merging { get; init; }

    public const int MaxFormerKeys = 64;

    /// <summary>True for a key of a customer that was merged into this one: it leads here for good, whatever this one carries.</summary>
    internal bool Inherits(string key) => Merged is not null && Merged.Any(m => m.Keys.Contains(key));

    /// <summary>The request with an Idempotency-Key that created it, or null: repeated after a crash, it finds its own.</summary>
    public string? RequestId { get; init; }

    public const int MaxVisitIds = 20;

    /// <summary>Sort keys of orders begin with a digit.</summary>
    public const string LastSortKey = "~";

    [JsonIgnore]
    public bool HasIdentity => ExternalId is not null || Email is not null || Phone is not null;

    private static readonly Dictionary<string, JsonElement> Empty = [];
}

/// <param name="Keys">Hashes of what the customer carried: rows that mean it by one of these mean the other now.</param>
public sealed record MergedCustomer(string Id, DateTimeOffset At, IReadOnlyList<string> Keys);

/// <param name="From">The customer that is to become part of this one.</param>
public sealed record PendingMerge(string From, DateTimeOffset At);

/// <param name="State"><c>granted</c> or <c>withdrawn</c>.</param>
/// <param name="Source">Who said so: <c>api</c>, <c>import</c>, <c>unsubscribe</c>, …</param>
public sealed record Consent(ConsentState State, DateTimeOffset At, string Source);

public enum ConsentState
{
    Granted,
    Withdrawn,
}

/// <param name="Spend">Minor units.</param>
public sealed record CategoryTotals(int Count, long Spend, DateTimeOffset LastAt);

/// <summary>Recency, frequency and monetary value as quintiles: 1 is the lowest fifth, 5 the highest (for recency: the latest orders).</summary>
/// <param name="Segment">The usual name of the combination, such as <c>Champions</c>.</param>
/// <param name="At">When the scores were computed that this differs from.</param>
public sealed record Rfm(int Recency, int Frequency, int Monetary, string Segment, DateTimeOffset At);

/// <summary>Counts of messages, not of events: opened twice counts once.</summary>
public sealed record Engagement
{
    public int Sent { get; init; }
    public int Delivered { get; init; }
    public int Opened { get; init; }
    public int Clicked { get; init; }
    public DateTimeOffset? LastOpenedAt { get; init; }
    public DateTimeOffset? LastClickedAt { get; init; }
}


/// <summary>What became of one row or item of a run.</summary>
public enum WriteOutcome
{
    Created,
    Updated,

    /// <summary>It was all there already: nothing was written.</summary>
    Unchanged,
    Failed,
}

/// <param name="CustomerId">The customer, also when nothing changed; null when the row failed.</param>
/// <param name="Code">Stable: <c>customer.identity_conflict</c>; null unless failed.</param>
/// <param name="Message">For people; no personal data beyond what the row holds.</param>
/// <param name="Doubts">What was not taken of a row that was.</param>
public sealed record WriteResult(WriteOutcome Outcome, string? CustomerId, string? Code = null, string? Message = null, IReadOnlyList<FieldIssue>? Doubts = null)
{
    public static WriteResult Failed(string code, string message) => new(WriteOutcome.Failed, null, code, message);
}
