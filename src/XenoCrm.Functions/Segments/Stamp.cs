using System.Globalization;

namespace XenoCrm.Segments;

/// <summary>
/// A UTC time as the number <c>yyyyMMddHHmmssfff</c>. It orders exactly as the stored texts do (<c>2026-01-31</c> and
/// <c>2026-01-31T08:15:00.000Z</c>, a date being its midnight), so the rules' delegate and Cosmos, which compares the texts,
/// cannot disagree, not even on an attribute that holds a 30th of February.
/// </summary>
public static class Stamp
{
    /// <summary>What a text must look like to be compared as a time; the same as <see cref="TryRead"/>.</summary>
    public const string Pattern = @"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)?\z";

    private const long DayUnit = 1_000_000_000;

    public static long Of(DateTimeOffset time) => Of(time.UtcDateTime);

    public static long Of(DateOnly date) => ((date.Year * 10_000L) + (date.Month * 100) + date.Day) * DayUnit;

    public static long Of(DateTime utc)
    {
        utc.Deconstruct(out var date, out var time);
        return Of(date) + (time.Hour * 10_000_000L) + (time.Minute * 100_000) + (time.Second * 1000) + time.Millisecond;
    }

    /// <summary>1231 for the 31st of December.</summary>
    public static int MonthAndDay(long stamp) => (int)(stamp / DayUnit % 10_000);

    /// <summary>The text of the stamp for a comparison with stored texts: the date alone at midnight, which sorts right before its day's times.</summary>
    public static string ToText(long stamp)
    {
        var day = stamp / DayUnit;
        var time = stamp % DayUnit;
        var date = string.Create(CultureInfo.InvariantCulture, $"{day / 10_000:0000}-{day / 100 % 100:00}-{day % 100:00}");
        return time == 0
            ? date
            : string.Create(CultureInfo.InvariantCulture, $"{date}T{time / 10_000_000:00}:{time / 100_000 % 100:00}:{time / 1000 % 100:00}.{time % 1000:000}Z");
    }

    /// <summary>Reads one of the two stored forms, digit by digit: no calendar is asked, as Cosmos asks none.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out long stamp)
    {
        stamp = 0;
        if (text.Length is not (10 or 24))
        {
            return false;
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (Form[i] != '0')
            {
                if (text[i] != Form[i])
                {
                    return false;
                }
            }
            else if (char.IsAsciiDigit(text[i]))
            {
                stamp = (stamp * 10) + (text[i] - '0');
            }
            else
            {
                return false;
            }
        }

        stamp *= text.Length == 10 ? DayUnit : 1;
        return true;
    }

    private const string Form = "0000-00-00T00:00:00.000Z";
}
