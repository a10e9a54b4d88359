using System.Text.Json;
using System.Text.Json.Serialization;

namespace XenoCrm.AppHost.Demo;

public sealed record DemoOptions
{
    public FileInfo? Customers { get; init; }
    public FileInfo? Orders { get; init; }
    public int Size { get; init; }
    public bool Json { get; init; }

    /// <summary>An honest vendor answers every request, so it is asked once per message; a chaotic one makes the app ask again.</summary>
    public bool HonestVendor { get; init; }
}

/// <summary>What the demo prints with --json.</summary>
public sealed record DemoReport(
    ImportFigures Customers, ImportFigures Orders, SegmentFigures Segment, CampaignFigures Campaign, VendorFigures Vendor,
    SecondsFigures Seconds, RateFigures PerSecond, bool Balanced)
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public string ToJson() => JsonSerializer.Serialize(this, Web);

    public static DemoReport Parse(string json) => JsonSerializer.Deserialize<DemoReport>(json, Web)!;
}

public sealed record ImportFigures(long Rows, long Created, long Failed);

public sealed record SegmentFigures(long Members);

public sealed record CampaignFigures(long Audience, long Sent, long Delivered, long Failed, long Suppressed, long Skipped, long Pending)
{
    [JsonIgnore]
    public bool Balances => Audience == Delivered + Failed + Suppressed + Skipped + Pending;
}

/// <param name="Distinct">Messages that the vendor was asked for.</param>
/// <param name="Repeated">Messages that the vendor carried more than once.</param>
public sealed record VendorFigures(long Distinct, long Repeated);

/// <param name="Import">Both files, from the drop to the last row.</param>
/// <param name="Plan">From the launch until the audience was frozen.</param>
/// <param name="Send">From the launch until the last message was with the vendor.</param>
/// <param name="Receipts">From then until the last receipt was applied.</param>
public sealed record SecondsFigures(double Import, double Plan, double Send, double Receipts, double Total);

/// <param name="ImportRows">Rows of both files.</param>
/// <param name="Messages">Members of the audience, from the launch to the last receipt applied.</param>
public sealed record RateFigures(long ImportRows, long Messages);
