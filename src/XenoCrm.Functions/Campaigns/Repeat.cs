using System.Globalization;

namespace XenoCrm.Campaigns;

public enum RepeatEvery
{
    Day,
    Week,
    Month,
}

/// <summary>A local time that comes again.</summary>
/// <param name="From">The first local day. The others are whole steps from it: the same weekday, the same day of the month.</param>
/// <param name="Time"><c>HH:mm</c>, by the clocks of <paramref name="Zone"/>.</param>
/// <param name="Zone">IANA name.</param>
/// <param name="Until">The last local day; null: no end.</param>
public sealed record Repeat(RepeatEvery Every, DateOnly From, string Time, string Zone, DateOnly? Until)
{
    public const string TimeFormat = "HH:mm";

    /// <returns>The first occurrence after <paramref name="after"/>, or null when there is none any more.</returns>
    public DateTimeOffset? Next(DateTimeOffset after)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(Zone);
        var time = TimeOnly.ParseExact(Time, TimeFormat, CultureInfo.InvariantCulture);
        var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(after, zone).DateTime);

        // One step too early rather than one too late: the loop ends with the first or second turn.
        for (var step = Math.Max(0, StepsTo(day) - 1); ; step++)
        {
            var date = Date(step);
            if (date > Until)
            {
                return null;
            }

            if (LocalTime.Instant(date.ToDateTime(time), zone) is var at && at > after)
            {
                return at;
            }
        }
    }

    private int StepsTo(DateOnly day) => Every switch
    {
        RepeatEvery.Day => day.DayNumber - From.DayNumber,
        RepeatEvery.Week => (day.DayNumber - From.DayNumber) / 7,
        _ => ((day.Year - From.Year) * 12) + day.Month - From.Month,
    };

    /// <summary>Months are counted from the first day and not from each other: after the 28th of February comes the 31st of March.</summary>
    private DateOnly Date(int step) => Every switch
    {
        RepeatEvery.Day => From.AddDays(step),
        RepeatEvery.Week => From.AddDays(7 * step),
        _ => From.AddMonths(step),
    };
}
