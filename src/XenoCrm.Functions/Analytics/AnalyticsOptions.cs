namespace XenoCrm.Analytics;

public sealed class AnalyticsOptions
{
    public const string Section = "Analytics";

    /// <summary>IANA name: whose days, weeks and months figures are given by when a request names no other.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <summary>A customer with an order or a visit in so many days is active; one with two orders or more and none in them is at risk.</summary>
    public int ActiveDays { get; set; } = 90;

    /// <summary>Figures older than this are computed anew in the background when they are asked for. Of months long past, a day.</summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>So long a request waits for figures that are not there or are to be fresh. What was computed until then is kept, and a repetition goes on from there.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(60);
}
