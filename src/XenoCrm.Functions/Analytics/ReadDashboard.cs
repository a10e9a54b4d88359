using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform;

namespace XenoCrm.Analytics;

/// <param name="New">Created in the range.</param>
/// <param name="Active">With an order or a visit in the last <paramref name="ActiveDays"/> days.</param>
/// <param name="AtRisk">With two orders or more, and none in the last <paramref name="ActiveDays"/> days.</param>
public sealed record DashboardCustomers(long Total, long WithOrders, long New, long Active, long AtRisk, int ActiveDays);

/// <summary>Messages of the campaigns launched in the range.</summary>
/// <param name="Delivered">Of those sent.</param>
/// <param name="Opened">Of those delivered, by people.</param>
/// <param name="Clicked">Of those delivered, by people.</param>
/// <param name="Converted">Of those sent: an order is put down to the message.</param>
public sealed record DashboardMessages(int Sent, Rate Delivered, Rate Opened, Rate Clicked, Rate Converted);

/// <param name="Launched">In the range.</param>
/// <param name="ByState">All there are, now.</param>
public sealed record DashboardCampaigns(int Launched, IReadOnlyDictionary<CampaignState, int> ByState);

/// <param name="Sent">With <paramref name="Delivered"/>, <paramref name="Opened"/> and <paramref name="Clicked"/>: messages of campaigns launched that day.</param>
public sealed record DashboardDay(DateOnly Date, long NewCustomers, long Orders, IReadOnlyList<Amount> Revenue, int Sent, int Delivered, int Opened, int Clicked);

/// <summary>The range of the same length right before, to compare with.</summary>
public sealed record DashboardBefore(DateOnly From, DateOnly To, long NewCustomers, long Orders, IReadOnlyList<Amount> Revenue, DashboardMessages Messages);

/// <param name="ComputedAt">What was written before is in all of these figures.</param>
/// <param name="Orders">Placed in the range, whose status counts: neither cancelled nor refunded.</param>
/// <param name="Revenue">By currency, the workspace's own first; major units, less what was given back.</param>
/// <param name="Series">Every day of the range.</param>
public sealed record Dashboard(
    DateOnly From, DateOnly To, string TimeZone, DateTimeOffset ComputedAt, DashboardCustomers Customers, long Orders, IReadOnlyList<Amount> Revenue,
    DashboardCampaigns Campaigns, DashboardMessages Messages, DashboardBefore Before, IReadOnlyList<DashboardDay> Series);

/// <summary>The figures at a glance: four reads of roll-ups, however many customers there are.</summary>
public sealed class ReadDashboard(MonthRollUps months, CampaignRollUps launched, CustomerRollUp totals, CampaignHeads heads, IOptions<AnalyticsOptions> options, IOptions<WorkspaceOptions> workspace)
{
    public const int MaxDays = 366;

    public async Task<Dashboard> HandleAsync(DateRange range, bool fresh, CancellationToken cancellation)
    {
        var whole = range with { From = range.Before.From };
        var (reading, campaigning) = (MonthDays.ReadAsync(months, whole, fresh, cancellation), launched.ReadAsync(whole, fresh, cancellation));
        var (counting, states) = (totals.ReadAsync([CustomerRollUp.Key], fresh, cancellation), heads.CountByStateAsync(cancellation));
        await Task.WhenAll(reading, campaigning, counting, states);
        var ((days, daysAt), (campaigns, campaignsAt), customers) = (await reading, await campaigning, (await counting)[0]);

        var (now, before) = (Within(range), Within(range.Before));
        var t = customers.Value!;
        return new(
            range.From, range.To, range.Zone.Id, new[] { daysAt, campaignsAt, customers.ComputedAt }.Min(),
            new(t.Total, t.WithOrders, now.NewCustomers, t.Active, t.AtRisk, options.Value.ActiveDays), now.Orders, now.Revenue,
            new(now.Campaigns.Count, Enum.GetValues<CampaignState>().ToDictionary(s => s, s => states.Result.GetValueOrDefault(s))), Messages(now.Campaigns),
            new(range.Before.From, range.Before.To, before.NewCustomers, before.Orders, before.Revenue, Messages(before.Campaigns)),
            Series());

        (long NewCustomers, long Orders, IReadOnlyList<Amount> Revenue, IReadOnlyList<CampaignFigures> Campaigns) Within(DateRange part)
        {
            var some = days.Where(d => part.Has(d.Key)).Select(d => d.Value).ToList();
            var sums = some.SelectMany(d => d.Sums).ToList();
            return (some.Sum(d => d.NewCustomers), sums.Sum(s => s.Orders), Amount.Of(sums, workspace.Value.Currency), [.. campaigns.Where(c => part.Has(c.Campaign.LaunchedAt))]);
        }

        IReadOnlyList<DashboardDay> Series()
        {
            var byDay = campaigns.ToLookup(c => range.DayOf(c.Campaign.LaunchedAt), c => c.Messages);
            return
            [
                .. Enumerable.Range(0, range.Days).Select(range.From.AddDays).Select(day =>
                {
                    var (figures, messages) = (days.GetValueOrDefault(day), Sum(byDay[day]));
                    return new DashboardDay(
                        day, figures?.NewCustomers ?? 0, figures?.Sums.Sum(s => s.Orders) ?? 0, Amount.Of(figures?.Sums ?? [], workspace.Value.Currency),
                        messages.Sent, messages.Delivered, messages.Opened, messages.Clicked);
                }),
            ];
        }
    }

    private static DashboardMessages Messages(IReadOnlyList<CampaignFigures> campaigns)
    {
        var sum = Sum(campaigns.Select(c => c.Messages));
        var rates = Rates.Of(sum, campaigns.Sum(c => c.Converted));
        return new(sum.Sent, rates.Delivered, rates.Opened, rates.Clicked, rates.Converted);
    }

    private static Counts Sum(IEnumerable<Counts> some) => some.Aggregate(new Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0), (a, b) => a + b);
}

/// <summary>Days out of the months that hold them.</summary>
internal static class MonthDays
{
    public static async Task<(IReadOnlyDictionary<DateOnly, DayFigures> Days, DateTimeOffset ComputedAt)> ReadAsync(MonthRollUps months, DateRange range, bool fresh, CancellationToken cancellation)
    {
        var read = await months.ReadAsync([.. range.Months.Select(m => m.Key)], fresh, cancellation);
        return (
            range.Months.Zip(read).SelectMany(m => m.Second.Value!.Days.Select(d => (Day: m.First.First.AddDays(d.Day - 1), Figures: d))).Where(d => range.Has(d.Day)).ToDictionary(d => d.Day, d => d.Figures),
            read.Min(m => m.ComputedAt));
    }
}
