using System.Globalization;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>
/// Dates are strings <c>YYYY-MM-DDThh:mm:ss.fffffffZ</c>; ticks are 100 ns and timestamps milliseconds since 1970. What is no
/// date, no part or out of range is undefined.
/// </summary>
internal static class DateFunctions
{
    // The service counts bins from 1601 at the earliest.
    private const int FirstBinYear = 1601;

    private static readonly string[] Formats =
    [
        "yyyy-MM-ddTHH:mm:ss.FFFFFFF", "yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", "yyyy-MM-ddTHH:mm", "yyyy-MM-ddTHH:mmZ", "yyyy-MM-dd", "yyyy-MM-ddZ",
    ];

    private enum Part
    {
        Year,
        Month,
        Day,
        Hour,
        Minute,
        Second,
        Millisecond,
        Microsecond,
        Nanosecond,
    }

    public static readonly Dictionary<string, Function> All = new()
    {
        ["DATETIMEADD"] = new(3, 3, a => TryParse(a[2], out var date) ? Add(a[0], a[1], date, 1) : default),
        ["DATETIMEBIN"] = new(2, 4, Bin),
        ["DATETIMEDIFF"] = new(3, 3, a =>
            TryPart(a[0], out var part) && TryParse(a[1], out var from) && TryParse(a[2], out var to) ? JsonValue.Of(Diff(part, from, to)) : default),
        ["DATETIMEFORMAT"] = new(2, 2, Format),
        ["DATETIMEFROMPARTS"] = new(3, 7, FromParts),
        ["DATETIMEPART"] = new(2, 2, a => TryPart(a[0], out var part) ? PartOf(part, a[1]) : default),
        ["YEAR"] = new(1, 1, a => PartOf(Part.Year, a[0])),
        ["MONTH"] = new(1, 1, a => PartOf(Part.Month, a[0])),
        ["DAY"] = new(1, 1, a => PartOf(Part.Day, a[0])),
        ["DATETIMETOTICKS"] = new(1, 1, a => TryParse(a[0], out var date) ? JsonValue.Of(Ticks(date)) : default),
        ["DATETIMETOTIMESTAMP"] = new(1, 1, a => TryParse(a[0], out var date) ? JsonValue.Of(FloorDivide(Ticks(date), TimeSpan.TicksPerMillisecond)) : default),
        ["TICKSTODATETIME"] = new(1, 1, a => FromTicks(a[0], 1)),
        ["TIMESTAMPTODATETIME"] = new(1, 1, a => FromTicks(a[0], TimeSpan.TicksPerMillisecond)),
        ["GETCURRENTDATETIME"] = Now(now => Text(now)),
        ["GETCURRENTDATETIMESTATIC"] = Now(now => Text(now)),
        ["GETCURRENTTICKS"] = Now(now => JsonValue.Of(Ticks(now))),
        ["GETCURRENTTICKSSTATIC"] = Now(now => JsonValue.Of(Ticks(now))),
        ["GETCURRENTTIMESTAMP"] = Now(now => JsonValue.Of(Ticks(now) / TimeSpan.TicksPerMillisecond)),
        ["GETCURRENTTIMESTAMPSTATIC"] = Now(now => JsonValue.Of(Ticks(now) / TimeSpan.TicksPerMillisecond)),
        ["AGO"] = new(2, 2, (now, a) => Add(a[0], a[1], now, -1)),
        ["NOW"] = new(0, 2, (now, a) => a.Length == 0 ? Text(now) : a.Length == 2 ? Add(a[0], a[1], now, 1) : default),
    };

    private static Function Now(Func<DateTime, JsonValue> value) => new(0, 0, (now, _) => value(now));

    public static bool TryParse(in JsonValue value, out DateTime date)
    {
        date = default;
        return value.AsString() is { } text
            && DateTime.TryParseExact(
                text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out date);
    }

    private static bool TryPart(in JsonValue name, out Part part)
    {
        Part? found = name.AsString()?.ToLowerInvariant() switch
        {
            "year" or "yyyy" or "yy" => Part.Year,
            "month" or "mm" or "m" => Part.Month,
            "day" or "dd" or "d" => Part.Day,
            "hour" or "hh" => Part.Hour,
            "minute" or "mi" or "n" => Part.Minute,
            "second" or "ss" or "s" => Part.Second,
            "millisecond" or "ms" => Part.Millisecond,
            "microsecond" or "mcs" => Part.Microsecond,
            "nanosecond" or "ns" => Part.Nanosecond,
            _ => null,
        };
        part = found.GetValueOrDefault();
        return found is not null;
    }

    private static JsonValue Text(DateTime date) => JsonValue.Of(date.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture));

    private static long Ticks(DateTime date) => date.Ticks - DateTime.UnixEpoch.Ticks;

    private static long FloorDivide(long value, long by) => value / by - (value % by < 0 ? 1 : 0);

    private static JsonValue FromTicks(in JsonValue value, long unit)
    {
        if (!value.TryGetInteger(out var count))
        {
            return default;
        }

        var ticks = (Int128)count * unit + DateTime.UnixEpoch.Ticks;
        return ticks < 0 || ticks > DateTime.MaxValue.Ticks ? default : Text(new DateTime((long)ticks, DateTimeKind.Utc));
    }

    private static JsonValue Add(in JsonValue partName, in JsonValue number, DateTime date, int sign)
    {
        if (!TryPart(partName, out var part) || !number.TryGetInteger(out var count))
        {
            return default;
        }

        try
        {
            checked
            {
                count *= sign;
                return Text(part switch
                {
                    Part.Year => date.AddYears((int)count),
                    Part.Month => date.AddMonths((int)count),
                    Part.Nanosecond => date.AddTicks(count / 100),
                    _ => date.AddTicks(count * Length(part)),
                });
            }
        }
        catch (Exception e) when (e is OverflowException or ArgumentOutOfRangeException)
        {
            return default;
        }
    }

    /// <summary>Ticks of a part of fixed length.</summary>
    private static long Length(Part part) => part switch
    {
        Part.Day => TimeSpan.TicksPerDay,
        Part.Hour => TimeSpan.TicksPerHour,
        Part.Minute => TimeSpan.TicksPerMinute,
        Part.Second => TimeSpan.TicksPerSecond,
        Part.Millisecond => TimeSpan.TicksPerMillisecond,
        _ => TimeSpan.TicksPerMicrosecond,
    };

    private static JsonValue Bin(ReadOnlySpan<JsonValue> a)
    {
        long size = 1;
        var start = DateTime.UnixEpoch;
        if (!TryParse(a[0], out var date) || !TryPart(a[1], out var part) || part is Part.Year or Part.Month
            || (a.Length > 2 && !(a[2].TryGetInteger(out size) && size > 0))
            || (a.Length > 3 && !(TryParse(a[3], out start) && start.Year >= FirstBinYear)))
        {
            return default;
        }

        var width = part == Part.Nanosecond ? Math.Max(1, size / 100) : (Int128)size * Length(part);
        var offset = (Int128)(date.Ticks - start.Ticks);
        var bin = offset / width - (offset % width < 0 ? 1 : 0);
        var ticks = bin * width + start.Ticks;
        return ticks < 0 || ticks > DateTime.MaxValue.Ticks ? default : Text(new DateTime((long)ticks, DateTimeKind.Utc));
    }

    /// <summary>How many boundaries of the part lie between, not how much time.</summary>
    private static long Diff(Part part, DateTime from, DateTime to) => part switch
    {
        Part.Year => to.Year - from.Year,
        Part.Month => (to.Year - from.Year) * 12L + to.Month - from.Month,
        Part.Nanosecond => (to.Ticks - from.Ticks) * 100,
        _ => to.Ticks / Length(part) - from.Ticks / Length(part),
    };

    private static JsonValue PartOf(Part part, in JsonValue value)
    {
        if (!TryParse(value, out var date))
        {
            return default;
        }

        var fraction = date.Ticks % TimeSpan.TicksPerSecond;
        return JsonValue.Of(part switch
        {
            Part.Year => date.Year,
            Part.Month => date.Month,
            Part.Day => date.Day,
            Part.Hour => date.Hour,
            Part.Minute => date.Minute,
            Part.Second => date.Second,
            Part.Nanosecond => fraction * 100,
            _ => fraction / Length(part),
        });
    }

    private static JsonValue FromParts(ReadOnlySpan<JsonValue> a)
    {
        Span<long> parts = [0, 0, 0, 0, 0, 0, 0];
        for (var i = 0; i < a.Length; i++)
        {
            if (!a[i].TryGetInteger(out parts[i]))
            {
                return default;
            }
        }

        var valid = parts[0] is >= 1 and <= 9999 && parts[1] is >= 1 and <= 12
            && parts[2] >= 1 && parts[2] <= DateTime.DaysInMonth((int)parts[0], (int)parts[1])
            && parts[3] is >= 0 and <= 23 && parts[4] is >= 0 and <= 59 && parts[5] is >= 0 and <= 59
            && parts[6] is >= 0 and < TimeSpan.TicksPerSecond;
        return valid
            ? Text(new DateTime((int)parts[0], (int)parts[1], (int)parts[2], (int)parts[3], (int)parts[4], (int)parts[5], DateTimeKind.Utc).AddTicks(parts[6]))
            : default;
    }

    private static JsonValue Format(ReadOnlySpan<JsonValue> a)
    {
        if (!TryParse(a[0], out var date) || a[1].AsString() is not { Length: > 0 } format)
        {
            return default;
        }

        try
        {
            // A single letter would be one of .NET's standard formats, which the service does not have.
            return JsonValue.Of(date.ToString(format.Length == 1 ? "%" + format : format, CultureInfo.InvariantCulture));
        }
        catch (FormatException)
        {
            return default;
        }
    }
}
