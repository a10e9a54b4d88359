using System.Globalization;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Orders;

namespace XenoCrm.Analytics;

/// <summary>A campaign that was launched, and what became of it.</summary>
/// <param name="Cost">Millionths of the currency's unit, as far as prices are known.</param>
/// <param name="Converted">Messages that orders are put down to.</param>
/// <param name="Revenue">Minor units by currency, whenever the orders were placed.</param>
public sealed record CampaignFigures(CampaignHead Campaign, Counts Messages, long Cost, int Converted, int Orders, int AfterClick, IReadOnlyDictionary<string, long> Revenue);

/// <param name="Campaigns">The newest first.</param>
public sealed record LaunchedCampaigns(IReadOnlyList<CampaignFigures> Campaigns);

/// <summary>The campaigns of a month (UTC) by their launch, under <c>yyyy-MM</c>.</summary>
public sealed class CampaignRollUps(RollUpTools tools, CampaignHeads heads, BatchStore batches, OrderFigures orders) : RollUps<LaunchedCampaigns>(tools, KindName)
{
    public const string KindName = "analytics-campaigns";

    /// <summary>Campaigns of one query.</summary>
    private const int AtOnce = 100;

    /// <summary>Receipts and orders come for weeks.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromDays(60);
    private static readonly TimeSpan SettledAge = TimeSpan.FromDays(1);

    public static IReadOnlyList<string> KeysOf(DateRange range) =>
        [.. LocalMonth.Between(DateOnly.FromDateTime(range.Start.UtcDateTime), DateOnly.FromDateTime(range.End.AddTicks(-1).UtcDateTime), TimeZoneInfo.Utc).Select(m => KeyOf(m.First))];

    /// <summary>Campaigns launched in the range, the newest first, and when the oldest of their figures were computed.</summary>
    public async Task<(IReadOnlyList<CampaignFigures> Campaigns, DateTimeOffset ComputedAt)> ReadAsync(DateRange range, bool fresh, CancellationToken cancellation)
    {
        var months = await ReadAsync(KeysOf(range), fresh, cancellation);
        return (
            [.. months.SelectMany(m => m.Value!.Campaigns).Where(c => range.Has(c.Campaign.LaunchedAt)).OrderByDescending(c => c.Campaign.LaunchedAt).ThenByDescending(c => c.Campaign.Id, StringComparer.Ordinal)],
            months.Min(m => m.ComputedAt));
    }

    protected override async Task<LaunchedCampaigns> ComputeAsync(string key, DateTimeOffset now, CancellationToken cancellation)
    {
        var month = Month(key);
        var found = new List<CampaignFigures>();
        foreach (var some in (await heads.LaunchedAsync(month.Start, month.End, cancellation)).Chunk(AtOnce))
        {
            var ids = some.Select(c => c.Id).ToList();
            var summing = batches.SumByCampaignAsync(ids, cancellation);
            var credits = new Dictionary<string, Credits>();
            await foreach (var order in orders.CreditedToAsync(ids, cancellation))
            {
                if (!credits.TryGetValue(order.CampaignId, out var campaign))
                {
                    credits[order.CampaignId] = campaign = new();
                }

                campaign.Add(order);
            }

            var sums = await summing;
            found.AddRange(some.Select(c =>
            {
                var (sum, credit) = (sums.GetValueOrDefault(c.Id) ?? BatchSums.Of([]), credits.GetValueOrDefault(c.Id) ?? new());
                return new CampaignFigures(c, sum.Counts, sum.Cost, credit.Messages.Count, credit.Orders, credit.AfterClick, credit.Revenue);
            }));
        }

        return new([.. found.OrderByDescending(c => c.Campaign.LaunchedAt)]);
    }

    protected override TimeSpan MaxAge(string key) => Tools.Clock.GetUtcNow() - Month(key).End > Settled ? SettledAge : Tools.Options.MaxAge;

    protected override IEnumerable<string> Usual()
    {
        var today = DateOnly.FromDateTime(Tools.Clock.GetUtcNow().UtcDateTime);
        return [KeyOf(today.AddMonths(-1)), KeyOf(today)];
    }

    private static LocalMonth Month(string key) => LocalMonth.Of(DateOnly.ParseExact(key + "-01", "yyyy-MM-dd", CultureInfo.InvariantCulture), TimeZoneInfo.Utc);

    private static string KeyOf(DateOnly day) => day.ToString("yyyy-MM", CultureInfo.InvariantCulture);

    private sealed class Credits
    {
        public HashSet<string> Messages { get; } = [];

        public int Orders { get; private set; }

        public int AfterClick { get; private set; }

        public Dictionary<string, long> Revenue { get; } = [];

        public void Add(CreditedOrder order)
        {
            Messages.Add(order.MessageId);
            Orders++;
            AfterClick += order.Basis == CreditBasis.Click ? 1 : 0;
            Revenue[order.Currency] = Revenue.GetValueOrDefault(order.Currency) + order.Net;
        }
    }
}
