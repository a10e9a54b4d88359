using XenoCrm.Campaigns;

namespace XenoCrm.Delivery;

public sealed class DeliveryOptions
{
    public const string Section = "Delivery";

    /// <summary>Whether customers who were never asked about a channel are skipped. False: only a withdrawn consent is.</summary>
    public bool RequireConsent { get; set; }

    /// <summary>How many messages a customer gets at most, over all campaigns. Who has had them is skipped.</summary>
    public IList<Cap> Caps { get; } = [];

    /// <summary>When customers are left in peace: what falls into it waits until its end.</summary>
    public IList<QuietHoursOption> QuietHours { get; } = [];

    /// <summary>IANA name: the clocks of customers whose time zone is not known.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <summary>Whether hard bounces suppress the address.</summary>
    public bool SuppressOnBounce { get; set; } = true;

    /// <summary>Whether complaints (spam reports) suppress the address.</summary>
    public bool SuppressOnComplaint { get; set; } = true;

    /// <summary>Whether the HTML of emails holds an image that tells when they are opened.</summary>
    public bool TrackOpens { get; set; } = true;

    /// <summary>Whether links in the HTML of emails lead through this service, which tells that they were clicked.</summary>
    public bool TrackClicks { get; set; } = true;

    /// <summary>
    /// So long after its end it is known who got a campaign's messages, and what they did; then only the counts are. Null: always.
    /// </summary>
    public TimeSpan? MessageRetention { get; set; }

    /// <summary>
    /// How long receipts of a batch are collected before they are written, at most. Longer: fewer writes (a batch costs
    /// about 50 RU each time); shorter: statistics that are more up to date.
    /// </summary>
    public TimeSpan ReceiptWindow { get; set; } = TimeSpan.FromMilliseconds(1000);

    /// <summary>
    /// For so long nothing must come for a batch before its customers are told what became of their messages: receipts
    /// come in bursts, and a customer is written once per burst. Customers know up to 10 s after that.
    /// </summary>
    public TimeSpan RecordAfter { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// While an instance sends messages, or takes receipts, as fast as it can, customers are told what became of theirs so
    /// much later, at most: telling them costs as much as sending does.
    /// </summary>
    public TimeSpan RecordWithin { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Runs (of a thousand messages) that one instance sends at a time: bounds its memory, whatever the host's queue
    /// settings. With 14,000 recipients on two busy cores eight were no faster than four and took 100 MB more.
    /// </summary>
    public int ConcurrentRuns { get; set; } = 4;
}

/// <summary>As <see cref="Campaigns.QuietHours"/>.</summary>
public sealed class QuietHoursOption
{
    public string From { get; set; } = "";

    public string To { get; set; } = "";

    /// <summary>Only for that channel, and before those for all; null: for all.</summary>
    public Channel? Channel { get; set; }

    public QuietHours Hours => new(From, To);

    public bool IsValid => Campaigns.QuietHours.TryTime(From, out var from) && Campaigns.QuietHours.TryTime(To, out var to) && from != to;
}

/// <summary>The vendor that speaks the protocol documented at <see cref="GenericHttpVendor"/>.</summary>
public sealed class GenericVendorOptions
{
    public const string Section = "Vendors:Generic";

    public string BaseAddress { get; set; } = "";

    public string ApiKey { get; set; } = "";

    /// <summary>
    /// <c>whsec_…</c>: what receipts are signed with. Several while one replaces another. Without one no receipt is accepted.
    /// </summary>
    public IList<string> ReceiptSecrets { get; } = [];

    /// <summary>For one request.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Over all campaigns and instances; null: as many as it takes.</summary>
    public double? MessagesPerSecond { get; set; }
}
