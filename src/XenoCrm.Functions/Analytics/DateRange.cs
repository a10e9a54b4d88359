using System.Globalization;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Analytics;

/// <summary>Query parameters of figures over a time.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RangeQueryAttribute() : QueriesAttribute(
[
    new("from", typeof(DateOnly), "First day, by the zone's clocks. 30 days until `to` when absent."),
    new("to", typeof(DateOnly), "Last day, included. Today when absent."),
    new("zone", typeof(string), "IANA time zone of the days; the setting `Analytics__TimeZone` when absent."),
    new("fresh", typeof(bool), "`true`: computed now from what is stored, and exact. Otherwise from roll-ups; `computedAt` says when the oldest of them was computed."),
]);

/// <summary>Days by the clocks of a zone.</summary>
/// <param name="To">Included.</param>
public sealed record DateRange(DateOnly From, DateOnly To, TimeZoneInfo Zone)
{
    private const int DefaultDays = 30;
    private const string Format = "yyyy-MM-dd";

    /// <summary>Before it nothing was ever sold, and clocks were odd.</summary>
    private static readonly DateOnly Earliest = new(1970, 1, 1);

    public int Days => To.DayNumber - From.DayNumber + 1;

    public DateTimeOffset Start => LocalMonth.StartOf(From, Zone);

    /// <summary>The first moment after it.</summary>
    public DateTimeOffset End => LocalMonth.StartOf(To.AddDays(1), Zone);

    /// <summary>As many days right before it.</summary>
    public DateRange Before => new(From.AddDays(-Days), From.AddDays(-1), Zone);

    public IReadOnlyList<LocalMonth> Months => LocalMonth.Between(From, To, Zone);

    public bool Has(DateOnly day) => day >= From && day <= To;

    public bool Has(DateTimeOffset time) => time >= Start && time < End;

    public DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(time, Zone).DateTime);

    /// <param name="maxDays">More cannot be asked for at once.</param>
    /// <param name="days">Until the last day, when no first one is asked for.</param>
    public static DateRange Of(HttpRequest request, AnalyticsOptions options, TimeProvider clock, int maxDays, int days = DefaultDays)
    {
        var zone = request.Zone("zone") ?? TimeZoneInfo.FindSystemTimeZoneById(options.TimeZone);
        var to = Day(request, "to") ?? DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(clock.GetUtcNow(), zone).DateTime);
        var from = Day(request, "from") ?? to.AddDays(1 - days);
        return from > to || to.DayNumber - from.DayNumber >= maxDays
            ? throw RequestInvalid.At("/from", string.Create(CultureInfo.InvariantCulture, $"A day before 'to' is expected, and a range of at most {maxDays} days.")).ToException()
            : new(from, to, zone);
    }

    public static bool IsFresh(HttpRequest request) => request.Text("fresh") switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw RequestInvalid.At("/fresh", "true or false is expected.").ToException(),
    };

    private static DateOnly? Day(HttpRequest request, string name) =>
        request.Text(name) is not { } text ? null
        : DateOnly.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day >= Earliest && day.Year < 9000 ? day
        : throw RequestInvalid.At("/" + name, "A day is expected, such as 2026-01-31.").ToException();
}
