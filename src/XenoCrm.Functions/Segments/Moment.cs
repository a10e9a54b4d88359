namespace XenoCrm.Segments;

/// <summary>The instant a rule is evaluated at, in UTC and whole milliseconds, as times are stored.</summary>
public readonly struct Moment
{
    public Moment(DateTimeOffset now)
    {
        var utc = now.UtcDateTime;
        Now = utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMillisecond));
    }

    public DateTime Now { get; }

    public DateTime Today => Now.Date;
}
