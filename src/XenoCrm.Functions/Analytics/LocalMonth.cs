using System.Globalization;
using XenoCrm.Campaigns;

namespace XenoCrm.Analytics;

/// <summary>A month by the clocks of a zone: the unit in which figures by day are kept.</summary>
public sealed record LocalMonth(TimeZoneInfo Zone, int Year, int Month)
{
    private const string Days = "yyyy-MM-dd";
    private const string Hours = "yyyy-MM-dd'T'HH";
    private const string Minutes = "yyyy-MM-dd'T'HH:mm";

    private const char Slash = '/';

    /// <summary>An id must not have a slash, and no zone's name has a colon.</summary>
    private const char InKey = ':';

    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Zone.Id.Replace(Slash, InKey)}.{Year:0000}-{Month:00}");

    public DateOnly First => new(Year, Month, 1);

    /// <summary>In time.</summary>
    public DateTimeOffset Start => StartOf(First, Zone);

    public DateTimeOffset End => StartOf(First.AddMonths(1), Zone);

    /// <summary>When the day begins by the zone's clocks.</summary>
    public static DateTimeOffset StartOf(DateOnly day, TimeZoneInfo zone) => LocalTime.Instant(day.ToDateTime(default), zone);

    public static LocalMonth Of(DateOnly day, TimeZoneInfo zone) => new(zone, day.Year, day.Month);

    public static LocalMonth Parse(string key)
    {
        var dot = key.LastIndexOf('.');
        return new(
            TimeZoneInfo.FindSystemTimeZoneById(key[..dot].Replace(InKey, Slash)),
            int.Parse(key.AsSpan(dot + 1, 4), CultureInfo.InvariantCulture), int.Parse(key.AsSpan(dot + 6, 2), CultureInfo.InvariantCulture));
    }

    /// <summary>The months of a range of days.</summary>
    public static IReadOnlyList<LocalMonth> Between(DateOnly from, DateOnly to, TimeZoneInfo zone)
    {
        var months = new List<LocalMonth>();
        for (var day = new DateOnly(from.Year, from.Month, 1); day <= to; day = day.AddMonths(1))
        {
            months.Add(Of(day, zone));
        }

        return months;
    }

    /// <summary>
    /// How much of a UTC time's text says on which of the zone's days it is: the day where the clocks show UTC all month,
    /// else the hour, else (in India, and where clocks are changed at odd minutes) the minute. The database groups by that.
    /// </summary>
    public int KeyLength()
    {
        var isUtc = true;
        for (var (hour, end) = (Start, End); hour < end; hour = hour.AddHours(1))
        {
            var offset = Zone.GetUtcOffset(hour);
            if (offset.Minutes != 0 || offset.Seconds != 0 || offset != Zone.GetUtcOffset(hour.AddMinutes(59)))
            {
                return Minutes.Length - 2;
            }

            isUtc &= offset == TimeSpan.Zero;
        }

        return isUtc ? Days.Length : Hours.Length - 2;
    }

    /// <summary>The zone's day of a time that is cut to <see cref="KeyLength"/>.</summary>
    public DateOnly DayOf(string time)
    {
        var format = time.Length switch { 10 => Days, 13 => Hours, _ => Minutes };
        var at = DateTimeOffset.ParseExact(time, format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, Zone).DateTime);

        // Clocks that are put back over midnight show the former month once more.
        return day < First ? First : day;
    }
}
