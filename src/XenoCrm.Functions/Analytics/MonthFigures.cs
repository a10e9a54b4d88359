using XenoCrm.Customers;
using XenoCrm.Orders;

namespace XenoCrm.Analytics;

/// <param name="Minor">Minor units.</param>
public sealed record CurrencySum(string Currency, long Orders, long Minor);

/// <summary>What happened on a day of a month.</summary>
public sealed record DayFigures(int Day, long NewCustomers, IReadOnlyList<CurrencySum> Sums);

/// <param name="Count">Lines of a category; orders of a campaign.</param>
public sealed record PartSum(int Day, string Currency, long Count, long AfterClick, long Minor);

/// <param name="Key">The category, or the campaign's id; null: lines without a category.</param>
/// <param name="IsRest">All that did not find a place of their own.</param>
public sealed record Part(string? Key, bool IsRest, IReadOnlyList<PartSum> Sums);

/// <summary>A month by the clocks of a zone, in days.</summary>
/// <param name="Days">Those on which something was; in order.</param>
public sealed record MonthFigures(IReadOnlyList<DayFigures> Days, IReadOnlyList<Part> Categories, IReadOnlyList<Part> Campaigns);

/// <summary>New customers, orders and revenue by day, under <see cref="LocalMonth.Key"/>.</summary>
public sealed class MonthRollUps(RollUpTools tools, CustomerFigures customers, OrderFigures orders) : RollUps<MonthFigures>(tools, KindName)
{
    public const string KindName = "analytics-month";

    /// <summary>
    /// Categories, and campaigns, of a month that are told apart; by revenue, all others are one. An item takes 2 MB, and a file
    /// with products for categories has tens of thousands.
    /// </summary>
    public const int MaxParts = 500;

    /// <summary>Kept ready in the zone of the settings.</summary>
    private const int UsualMonths = 13;

    /// <summary>Orders and refunds come late, and seldom later than that.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromDays(60);
    private static readonly TimeSpan SettledAge = TimeSpan.FromDays(1);
    private static readonly TimeSpan OtherZonesLife = TimeSpan.FromDays(3);

    protected override async Task<MonthFigures> ComputeAsync(string key, DateTimeOffset now, CancellationToken cancellation)
    {
        var month = LocalMonth.Parse(key);
        var (from, to, length) = (month.Start, month.End, month.KeyLength());
        var (created, placed) = (customers.NewAsync(from, to, length, cancellation), orders.ByTimeAsync(from, to, length, cancellation));
        var (byCategory, byCampaign) = (orders.ByCategoryAsync(from, to, length, cancellation), orders.ByCampaignAsync(from, to, length, cancellation));
        await Task.WhenAll(created, placed, byCategory, byCampaign);

        var added = (await created).GroupBy(n => month.DayOf(n.At).Day).ToDictionary(d => d.Key, d => d.Sum(n => n.Count));
        var sums = (await placed).GroupBy(o => month.DayOf(o.At).Day).ToDictionary(d => d.Key, Sums);
        return new(
            [.. added.Keys.Union(sums.Keys).Order().Select(day => new DayFigures(day, added.GetValueOrDefault(day), sums.GetValueOrDefault(day, [])))],
            Parts(month, await byCategory), Parts(month, await byCampaign));
    }

    protected override TimeSpan MaxAge(string key) => IsSettled(key) ? SettledAge : Tools.Options.MaxAge;

    protected override TimeSpan? Life(string key) => LocalMonth.Parse(key).Zone.Id == Tools.Options.TimeZone ? null : OtherZonesLife;

    protected override IEnumerable<string> Usual()
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(Tools.Options.TimeZone);
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(Tools.Clock.GetUtcNow(), zone).DateTime);
        return LocalMonth.Between(today.AddMonths(1 - UsualMonths), today, zone).Select(m => m.Key);
    }

    internal bool IsSettled(string key) => Tools.Clock.GetUtcNow() - LocalMonth.Parse(key).End > Settled;

    private static IReadOnlyList<CurrencySum> Sums(IEnumerable<OrderSum> rows) =>
        [.. rows.GroupBy(o => o.Currency).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => new CurrencySum(c.Key, c.Sum(o => o.Count), c.Sum(o => o.Net)))];

    private static List<Part> Parts(LocalMonth month, IReadOnlyList<OrderSum> rows)
    {
        var byKey = rows.GroupBy(r => r.Key).OrderByDescending(p => p.Sum(r => r.Net)).ThenBy(p => p.Key, StringComparer.Ordinal).ToList();
        var parts = byKey.Take(MaxParts).Select(p => new Part(p.Key, IsRest: false, Days(p))).ToList();
        if (byKey.Count > MaxParts)
        {
            parts.Add(new(null, IsRest: true, Days(byKey.Skip(MaxParts).SelectMany(p => p))));
        }

        return parts;

        IReadOnlyList<PartSum> Days(IEnumerable<OrderSum> some) =>
        [
            .. some.GroupBy(r => (month.DayOf(r.At).Day, r.Currency)).OrderBy(d => d.Key.Day).ThenBy(d => d.Key.Currency, StringComparer.Ordinal)
                .Select(d => new PartSum(d.Key.Day, d.Key.Currency, d.Sum(r => r.Count), d.Sum(r => r.AfterClick), d.Sum(r => r.Net))),
        ];
    }
}
