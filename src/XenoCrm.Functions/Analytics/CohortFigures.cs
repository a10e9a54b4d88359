using XenoCrm.Customers;
using XenoCrm.Orders;

namespace XenoCrm.Analytics;

/// <param name="Index">Months since that of the first order.</param>
/// <param name="Customers">With an order in that month.</param>
public sealed record CohortMonth(int Index, int Customers, IReadOnlyList<CurrencySum> Sums);

/// <summary>Customers whose first order was in one month, and what they ordered then and since.</summary>
/// <param name="Months">Those in which there was an order; in order.</param>
public sealed record CohortFigures(int Customers, IReadOnlyList<CohortMonth> Months);

/// <summary>Customers by the month of their first order, under <see cref="LocalMonth.Key"/>.</summary>
public sealed class CohortRollUps(RollUpTools tools, CustomerFigures customers, OrderFigures orders) : RollUps<CohortFigures>(tools, KindName)
{
    public const string KindName = "analytics-cohort";

    /// <summary>Customers of one query; it looks for each of them by the index of its partition key.</summary>
    private const int AtOnce = 500;

    /// <summary>Every order is read for it: seldom enough.</summary>
    private static readonly TimeSpan Age = TimeSpan.FromHours(24);
    private static readonly TimeSpan OtherZonesLife = TimeSpan.FromDays(3);

    protected override async Task<CohortFigures> ComputeAsync(string key, DateTimeOffset now, CancellationToken cancellation)
    {
        var month = LocalMonth.Parse(key);
        var months = new SortedDictionary<int, Tally>();
        var size = 0;
        await foreach (var ids in customers.FirstOrderedAsync(month.Start, month.End, AtOnce, cancellation))
        {
            size += ids.Count;
            var seen = new HashSet<(string, int)>();
            await foreach (var order in orders.OfCustomersAsync(ids, cancellation))
            {
                // Written meanwhile, an order can be from before the first one that was known a moment ago.
                var index = Math.Max(0, IndexOf(month, order.PlacedAt));
                if (!months.TryGetValue(index, out var tally))
                {
                    months[index] = tally = new();
                }

                tally.Customers += seen.Add((order.CustomerId, index)) ? 1 : 0;
                tally.Add(order);
            }
        }

        return new(size, [.. months.Select(m => new CohortMonth(m.Key, m.Value.Customers, m.Value.Sums()))]);
    }

    protected override TimeSpan MaxAge(string key) => Age;

    protected override TimeSpan? Life(string key) => LocalMonth.Parse(key).Zone.Id == Tools.Options.TimeZone ? null : OtherZonesLife;

    private static int IndexOf(LocalMonth first, DateTimeOffset placedAt)
    {
        var local = TimeZoneInfo.ConvertTime(placedAt, first.Zone);
        return ((local.Year - first.Year) * 12) + local.Month - first.Month;
    }

    private sealed class Tally
    {
        private readonly SortedDictionary<string, (long Orders, long Minor)> sums = new(StringComparer.Ordinal);

        public int Customers { get; set; }

        public void Add(PlacedOrder order)
        {
            var (count, minor) = sums.GetValueOrDefault(order.Currency);
            sums[order.Currency] = (count + 1, minor + order.Net);
        }

        public IReadOnlyList<CurrencySum> Sums() => [.. sums.Select(s => new CurrencySum(s.Key, s.Value.Orders, s.Value.Minor))];
    }
}
