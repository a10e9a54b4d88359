using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace XenoCrm.Segments;

/// <summary>
/// An ISO 8601 duration such as <c>P90D</c>, <c>P6M</c>, <c>PT12H</c>, <c>P1Y2M10DT2H30M</c>, <c>P2W</c>. Months and years are the
/// calendar's: six months before the 31st of August is the end of February, to the last millisecond. So the later the day,
/// the later what lies before it, and who has left "the last six months" does not come back on the 29th of August.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly partial record struct RuleDuration(int Months, TimeSpan Time)
{
    /// <summary>Longer ones are refused, so that going back from today never leaves the calendar.</summary>
    public const int MaxYears = 100;

    public DateTime Before(DateTime time)
    {
        var before = time.AddMonths(-Months);
        return (before.Day == time.Day ? before : before.Date.AddDays(1).AddMilliseconds(-1)) - Time;
    }

    public DateTime After(DateTime time) => time.AddMonths(Months) + Time;

    public static bool TryParse(string text, out RuleDuration duration, [NotNullWhen(false)] out string? reason)
    {
        duration = default;
        reason = "A duration in ISO 8601 with whole numbers is expected, such as P90D, P6M or PT12H.";
        if (text.Length > 40 || Iso().Match(text) is not { Success: true } match)
        {
            return false;
        }

        var part = new long[7];
        var any = false;
        for (var i = 0; i < part.Length; i++)
        {
            if (match.Groups[i + 1] is { Success: true } group)
            {
                any = true;
                part[i] = long.Parse(group.ValueSpan);
            }
        }

        var months = (part[0] * 12) + part[1];
        var minutes = ((((part[2] * 7) + part[3]) * 24) + part[4]) * 60L + part[5];
        if (!any || (months == 0 && minutes == 0 && part[6] == 0))
        {
            return false;
        }

        if (months > MaxYears * 12 || minutes > MaxYears * 366L * 24 * 60 || part[6] > MaxYears * 366L * 24 * 60 * 60)
        {
            reason = $"A duration is at most {MaxYears} years.";
            return false;
        }

        duration = new((int)months, TimeSpan.FromMinutes(minutes) + TimeSpan.FromSeconds(part[6]));
        reason = null;
        return true;
    }

    [GeneratedRegex(@"^P(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,10})S)?)?\z")]
    private static partial Regex Iso();
}
