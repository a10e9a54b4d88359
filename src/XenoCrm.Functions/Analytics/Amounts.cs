using XenoCrm.Platform;

namespace XenoCrm.Analytics;

/// <summary>Orders that count, in one currency.</summary>
/// <param name="Revenue">Major units, less what was given back.</param>
/// <param name="Average">Of an order; null without orders.</param>
public sealed record Amount(string Currency, long Orders, decimal Revenue, decimal? Average)
{
    public static Amount Of(string currency, long orders, long minor) =>
        new(currency, orders, Money.ToMajor(minor, currency), orders == 0 ? null : decimal.Round(Money.ToMajor(minor, currency) / orders, Money.Digits(currency), MidpointRounding.ToEven));

    /// <summary>One for each currency; the workspace's own comes first, and always.</summary>
    public static IReadOnlyList<Amount> Of(IEnumerable<CurrencySum> sums, string own)
    {
        var found = sums.GroupBy(s => s.Currency).ToDictionary(c => c.Key, c => (Orders: c.Sum(s => s.Orders), Minor: c.Sum(s => s.Minor)));
        found.TryAdd(own, (0, 0));
        return [.. found.OrderByDescending(c => c.Key == own).ThenBy(c => c.Key, StringComparer.Ordinal).Select(c => Of(c.Key, c.Value.Orders, c.Value.Minor))];
    }
}
