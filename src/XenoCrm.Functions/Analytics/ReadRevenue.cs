using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Platform;

namespace XenoCrm.Analytics;

public enum Interval
{
    Day,

    /// <summary>From Monday.</summary>
    Week,
    Month,
}

/// <param name="From">The first and last may be cut by the range.</param>
/// <param name="To">Included.</param>
public sealed record RevenuePeriod(DateOnly From, DateOnly To, long Orders, IReadOnlyList<Amount> Revenue);

/// <param name="Name">The campaign's, as it is now; null when it is gone, and for the rest.</param>
/// <param name="AfterClick">Orders after a click; the others came after a delivery without one.</param>
/// <param name="IsRest">All that has no row of its own.</param>
public sealed record CampaignRevenue(string? CampaignId, string? Name, bool IsRest, long Orders, long AfterClick, IReadOnlyList<Amount> Revenue);

/// <param name="Category">Null: lines without one, and the rest.</param>
/// <param name="Lines">Of orders that count.</param>
/// <param name="Revenue">What the lines cost, whatever the order's amount is and whatever part of it was given back; `orders` are lines.</param>
/// <param name="IsRest">All that has no row of its own.</param>
public sealed record CategoryRevenue(string? Category, bool IsRest, long Lines, IReadOnlyList<LineAmount> Revenue);

/// <param name="Revenue">Major units.</param>
public sealed record LineAmount(string Currency, decimal Revenue);

/// <param name="Orders">Placed in the range, whose status counts.</param>
/// <param name="Revenue">By currency, the workspace's own first.</param>
/// <param name="Series">Every period of the range.</param>
/// <param name="Credited">Orders of the range that are put down to a campaign.</param>
/// <param name="Campaigns">By revenue, the highest first.</param>
/// <param name="Categories">By revenue, the highest first. Orders without lines are not in it.</param>
public sealed record RevenueView(
    DateOnly From, DateOnly To, string TimeZone, Interval Interval, DateTimeOffset ComputedAt, long Orders, IReadOnlyList<Amount> Revenue,
    IReadOnlyList<RevenuePeriod> Series, long Credited, IReadOnlyList<CampaignRevenue> Campaigns, IReadOnlyList<CategoryRevenue> Categories);

/// <summary>Revenue by time, by the campaigns it is put down to, and by category.</summary>
public sealed class ReadRevenue(MonthRollUps months, CampaignHeads heads, IOptions<WorkspaceOptions> workspace)
{
    /// <summary>Of days, which are a row each.</summary>
    public const int MaxDays = 1100;

    /// <summary>Of weeks and months: ten years.</summary>
    public const int MaxPeriodDays = 3660;

    /// <summary>Rows of campaigns, and of categories, when not asked for otherwise.</summary>
    public const int DefaultTop = 20;

    private readonly string currency = workspace.Value.Currency;

    public async Task<RevenueView> HandleAsync(DateRange range, Interval interval, int top, bool fresh, CancellationToken cancellation)
    {
        var read = (await months.ReadAsync([.. range.Months.Select(m => m.Key)], fresh, cancellation)).Zip(range.Months).ToList();
        var days = read.SelectMany(m => m.First.Value!.Days.Select(d => (Day: m.Second.First.AddDays(d.Day - 1), d.Sums))).Where(d => range.Has(d.Day)).ToDictionary(d => d.Day, d => d.Sums);
        var (campaigns, categories) = (Sums(m => m.Campaigns), Sums(m => m.Categories));
        var names = await heads.NamesAsync([.. campaigns.Take(top).Select(c => c.Key).OfType<string>()], cancellation);
        return new(
            range.From, range.To, range.Zone.Id, interval, read.Min(m => m.First.ComputedAt), days.Values.SelectMany(d => d).Sum(s => s.Orders), Amount.Of(days.Values.SelectMany(d => d), currency),
            [.. Periods(range, interval).Select(p =>
            {
                var sums = Enumerable.Range(p.From.DayNumber, p.To.DayNumber - p.From.DayNumber + 1).SelectMany(d => days.GetValueOrDefault(DateOnly.FromDayNumber(d)) ?? []).ToList();
                return new RevenuePeriod(p.From, p.To, sums.Sum(s => s.Orders), Amount.Of(sums, currency));
            })],
            campaigns.Sum(c => c.Sums.Sum(s => s.Count)),
            [.. Top(campaigns, top).Select(c => new CampaignRevenue(
                c.Key, c.Key is null ? null : names.GetValueOrDefault(c.Key), c.IsRest, c.Sums.Sum(s => s.Count), c.Sums.Sum(s => s.AfterClick),
                Amount.Of(c.Sums.Select(s => new CurrencySum(s.Currency, s.Count, s.Minor)), currency)))],
            [.. Top(categories, top).Select(c => new CategoryRevenue(
                c.Key, c.IsRest, c.Sums.Sum(s => s.Count),
                [.. Amount.Of(c.Sums.Select(s => new CurrencySum(s.Currency, s.Count, s.Minor)), currency).Select(a => new LineAmount(a.Currency, a.Revenue))]))]);

        IReadOnlyList<Part> Sums(Func<MonthFigures, IReadOnlyList<Part>> parts) =>
        [
            .. read.SelectMany(m => parts(m.First.Value!).Select(p => p with { Sums = [.. p.Sums.Where(s => range.Has(m.Second.First.AddDays(s.Day - 1)))] }))
                .Where(p => p.Sums.Count > 0).GroupBy(p => (p.Key, p.IsRest)).Select(p => new Part(p.Key.Key, p.Key.IsRest, [.. p.SelectMany(s => s.Sums)]))
                .OrderBy(p => p.IsRest).ThenByDescending(Revenue).ThenBy(p => p.Key, StringComparer.Ordinal),
        ];
    }

    private long Revenue(Part part) => part.Sums.Sum(s => s.Currency == currency ? s.Minor : 0);

    private static IEnumerable<Part> Top(IReadOnlyList<Part> parts, int top)
    {
        var rest = parts.Skip(top).Concat(parts.Take(top).Where(p => p.IsRest)).SelectMany(p => p.Sums).ToList();
        var rows = parts.Take(top).Where(p => !p.IsRest);
        return rest.Count == 0 ? rows : rows.Append(new(null, IsRest: true, rest));
    }

    private static IEnumerable<(DateOnly From, DateOnly To)> Periods(DateRange range, Interval interval)
    {
        for (var from = range.From; from <= range.To;)
        {
            var next = interval switch
            {
                Interval.Day => from.AddDays(1),
                Interval.Week => from.AddDays(7 - (((int)from.DayOfWeek + 6) % 7)),
                _ => new DateOnly(from.Year, from.Month, 1).AddMonths(1),
            };
            yield return (from, next > range.To ? range.To : next.AddDays(-1));
            from = next;
        }
    }
}
