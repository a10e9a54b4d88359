using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Analytics;

/// <param name="Index">Months since that of the first order; 0 is that month itself.</param>
/// <param name="Month"><c>yyyy-MM</c>.</param>
/// <param name="Customers">Of the cohort, with an order in that month.</param>
/// <param name="Retained">Their share of the cohort, from 0 to 1; null of an empty one.</param>
public sealed record RetentionMonth(int Index, string Month, int Customers, double? Retained, long Orders, IReadOnlyList<Amount> Revenue);

/// <summary>Customers whose first order that counts was in one month.</summary>
/// <param name="Month"><c>yyyy-MM</c>.</param>
/// <param name="Customers">How many they are.</param>
/// <param name="Months">Every month from that of the first order to the present one.</param>
public sealed record Cohort(string Month, int Customers, IReadOnlyList<RetentionMonth> Months);

/// <param name="Cohorts">Of the cohorts that are so old: how many customers those are, and the share of them that ordered in that month.</param>
public sealed record AverageRetention(int Index, int Cohorts, long Customers, double? Retained);

/// <param name="From">First month of the cohorts, <c>yyyy-MM</c>.</param>
/// <param name="To">Last month, included.</param>
/// <param name="ComputedAt">What was written before is in all of these figures.</param>
/// <param name="Average">Over all cohorts, by the months since the first order.</param>
public sealed record CohortsView(string From, string To, string TimeZone, DateTimeOffset ComputedAt, IReadOnlyList<Cohort> Cohorts, IReadOnlyList<AverageRetention> Average);

/// <summary>Who comes back: customers by the month of their first order, and how many of them ordered in each month since.</summary>
public sealed class ReadCohorts(CohortRollUps cohorts, IOptions<AnalyticsOptions> options, IOptions<WorkspaceOptions> workspace, TimeProvider clock)
{
    public const int DefaultMonths = 12;
    public const int MaxMonths = 60;

    private const string Format = "yyyy-MM";

    public async Task<CohortsView> HandleAsync(HttpRequest request, CancellationToken cancellation)
    {
        var zone = request.Zone("zone") ?? TimeZoneInfo.FindSystemTimeZoneById(options.Value.TimeZone);
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(clock.GetUtcNow(), zone).DateTime);
        var present = new DateOnly(today.Year, today.Month, 1);
        var to = Month(request, "to") ?? present;
        var from = Month(request, "from") ?? to.AddMonths(1 - DefaultMonths);
        if (from > to || Between(from, to) >= MaxMonths || to > present)
        {
            throw RequestInvalid.At("/from", string.Create(CultureInfo.InvariantCulture, $"Months up to the present one are expected, at most {MaxMonths}.")).ToException();
        }

        var months = LocalMonth.Between(from, to, zone);
        var read = await cohorts.ReadAsync([.. months.Select(m => m.Key)], DateRange.IsFresh(request), cancellation);
        var views = months.Zip(read, (month, rollUp) => View(month.First, rollUp.Value!, present)).ToList();
        return new(Text(from), Text(to), zone.Id, read.Min(r => r.ComputedAt), views, Averages(views));
    }

    private Cohort View(DateOnly month, CohortFigures figures, DateOnly present)
    {
        var known = figures.Months.ToDictionary(m => m.Index);

        // Orders can be dated ahead.
        var last = Math.Max(Between(month, present), figures.Months.Count > 0 ? figures.Months[^1].Index : 0);
        return new(Text(month), figures.Customers, [.. Enumerable.Range(0, last + 1).Select(index =>
        {
            var m = known.GetValueOrDefault(index);
            return new RetentionMonth(
                index, Text(month.AddMonths(index)), m?.Customers ?? 0, Share(m?.Customers ?? 0, figures.Customers), m?.Sums.Sum(s => s.Orders) ?? 0,
                Amount.Of(m?.Sums ?? [], workspace.Value.Currency));
        })]);
    }

    private static IReadOnlyList<AverageRetention> Averages(IReadOnlyList<Cohort> cohorts) =>
    [
        .. cohorts.SelectMany(c => c.Months.Select(m => (m.Index, m.Customers, c))).GroupBy(m => m.Index).OrderBy(m => m.Key)
            .Select(m => new AverageRetention(m.Key, m.Count(), m.Sum(x => (long)x.c.Customers), Share(m.Sum(x => (long)x.Customers), m.Sum(x => (long)x.c.Customers)))),
    ];

    private static double? Share(long part, long of) => of == 0 ? null : Math.Round((double)part / of, 6);

    private static int Between(DateOnly from, DateOnly to) => ((to.Year - from.Year) * 12) + to.Month - from.Month;

    private static string Text(DateOnly month) => month.ToString(Format, CultureInfo.InvariantCulture);

    private static DateOnly? Month(HttpRequest request, string name) =>
        request.Text(name) is not { } text ? null
        : DateOnly.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var month) && month.Year is >= 1970 and < 9000 ? month
        : throw RequestInvalid.At("/" + name, "A month is expected, such as 2026-01.").ToException();
}
