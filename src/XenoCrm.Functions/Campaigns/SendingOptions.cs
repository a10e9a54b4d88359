using System.Globalization;

namespace XenoCrm.Campaigns;

/// <summary>Hours of the recipient's day in which nothing is sent to them.</summary>
/// <param name="From"><c>HH:mm</c>, by the recipient's clocks.</param>
/// <param name="To">The first minute that is not quiet; earlier than <paramref name="From"/>: on the next day.</param>
public sealed record QuietHours(string From, string To)
{
    public static bool TryTime(string? text, out TimeOnly time) => TimeOnly.TryParseExact(text, Repeat.TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out time);

    /// <returns>When the quiet hours that it is in end by those clocks; null: it is in none.</returns>
    public DateTimeOffset? EndAfter(DateTimeOffset now, TimeZoneInfo zone)
    {
        var (from, to) = (TimeOnly.ParseExact(From, Repeat.TimeFormat, CultureInfo.InvariantCulture), TimeOnly.ParseExact(To, Repeat.TimeFormat, CultureInfo.InvariantCulture));
        return TimeOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime).IsBetween(from, to) ? LocalTime.Next(now, to, zone) : null;
    }
}

/// <summary>How a campaign departs from the rules of sending that are set up.</summary>
/// <param name="IgnoreCaps">Its messages are what the recipient waits for (an order's confirmation): they are sent above the caps, and do not count for them.</param>
/// <param name="IgnoreQuietHours">They are sent at any hour.</param>
/// <param name="QuietHours">Instead of those that are set up.</param>
/// <param name="BestTime">Each recipient gets it within a day of the launch, at the hour that suits them best, where that is known.</param>
public sealed record SendingOptions(bool IgnoreCaps = false, bool IgnoreQuietHours = false, QuietHours? QuietHours = null, bool BestTime = false);

/// <summary>The hour of the customer's own day at which they answer best; null: it is not known. Whoever can tell registers one.</summary>
public delegate int? BestHour(Customers.Customer customer);

/// <summary>Once before a run of calls to <see cref="BestHour"/>: it is asked for each recipient, and cannot wait for a database.</summary>
public delegate Task PrepareBestHours(CancellationToken cancellation);
