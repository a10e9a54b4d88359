namespace XenoCrm.Campaigns;

/// <summary>From the clocks on people's walls to time, over the nights on which those are changed.</summary>
public static class LocalTime
{
    /// <summary>The earliest clocks there are (UTC+14): a wall time comes here first.</summary>
    public const string FirstZone = "Etc/GMT-14";

    /// <summary>The latest (UTC-12).</summary>
    public static readonly TimeSpan LastOffset = TimeSpan.FromHours(-12);

    public static TimeZoneInfo Zone(string? name, TimeZoneInfo otherwise) => name is not null && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : otherwise;

    /// <summary>When the clocks show that time: a time that they skip is the one they show instead; of one they show twice, the first.</summary>
    public static DateTimeOffset Instant(DateTime wall, TimeZoneInfo zone)
    {
        var offset = zone.IsInvalidTime(wall) ? zone.GetUtcOffset(wall.AddDays(-1))
            : zone.IsAmbiguousTime(wall) ? zone.GetAmbiguousTimeOffsets(wall).Max()
            : zone.GetUtcOffset(wall);
        return new DateTimeOffset(wall, offset).ToUniversalTime();
    }

    /// <summary>The first moment after <paramref name="now"/> at which the clocks show that time of day, or have skipped it.</summary>
    public static DateTimeOffset Next(DateTimeOffset now, TimeOnly time, TimeZoneInfo zone)
    {
        for (var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime); ; day = day.AddDays(1))
        {
            var wall = day.ToDateTime(time);
            foreach (var at in Moments(wall, zone))
            {
                if (at > now)
                {
                    return at;
                }
            }
        }
    }

    private static IEnumerable<DateTimeOffset> Moments(DateTime wall, TimeZoneInfo zone)
    {
        if (zone.IsInvalidTime(wall))
        {
            return [Change(wall, zone)];
        }

        var offsets = zone.IsAmbiguousTime(wall) ? zone.GetAmbiguousTimeOffsets(wall) : [zone.GetUtcOffset(wall)];
        return offsets.OrderDescending().Select(offset => new DateTimeOffset(wall, offset).ToUniversalTime());
    }

    /// <summary>The moment at which the clocks skip that time.</summary>
    private static DateTimeOffset Change(DateTime skipped, TimeZoneInfo zone)
    {
        var (before, after) = (zone.GetUtcOffset(skipped.AddDays(-1)), zone.GetUtcOffset(skipped.AddDays(1)));
        var (early, late) = (new DateTimeOffset(skipped, after).ToUniversalTime(), new DateTimeOffset(skipped, before).ToUniversalTime());
        while (late - early > TimeSpan.FromSeconds(1))
        {
            var middle = early + ((late - early) / 2);
            (early, late) = zone.GetUtcOffset(middle) == before ? (middle, late) : (early, middle);
        }

        return DateTimeOffset.FromUnixTimeSeconds((late.ToUnixTimeMilliseconds() + 500) / 1000);
    }
}
