using System.Globalization;
using XenoCrm.Campaigns;
using XenoCrm.Orders;

namespace XenoCrm.Delivery;

public enum BreakdownBy
{
    Variant,
    Vendor,

    /// <summary>The hour of the day in which the message was sent.</summary>
    Hour,

    /// <summary>Of the address, where several recipients have it; else <c>other</c>.</summary>
    Domain,
    Channel,

    /// <summary>Messages that failed, were suppressed, skipped or are unknown.</summary>
    Reason,
}

/// <param name="Key">Such as a variant's name, or <c>09</c> for the hour from nine to ten.</param>
/// <param name="Cost">Of its messages, as far as their prices are known.</param>
public sealed record BreakdownRow(string Key, Counts Messages, Rates Rates, Conversions Conversions, decimal Cost);

/// <param name="Rows">Recipients that have no key (nothing was sent to them, so there is no hour) are in none.</param>
public sealed record Breakdown(BreakdownBy By, IReadOnlyList<BreakdownRow> Rows);

/// <summary>
/// Sorts a campaign's recipients by one of their properties, batch by batch: its size does not grow with the audience. The
/// rows' counts come from where the ledger's come from.
/// </summary>
internal sealed class BreakdownTally(BreakdownBy by, Campaign campaign, TimeZoneInfo zone, IReadOnlyDictionary<string, MessageOrders> orders)
{
    private const string Other = "other";

    private readonly Dictionary<string, Row> rows = [];

    private sealed class Row
    {
        public Counts Counts { get; set; } = Ledger.Sum([]);

        public int Converted { get; set; }

        public MessageOrders Orders { get; set; } = MessageOrders.None;

        public long Cost { get; set; }
    }

    public void Add(Batch batch)
    {
        foreach (var some in Enumerable.Range(0, batch.Recipients.Count).GroupBy(i => KeyOf(batch, i)))
        {
            if (some.Key is not { } key)
            {
                continue;
            }

            if (!rows.TryGetValue(key, out var row))
            {
                rows[key] = row = new();
            }

            row.Counts += Ledger.Sum([.. some.Select(i => batch.Recipients[i])]);
            row.Cost += some.Sum(i => batch.PriceOf(batch.Recipients[i]) ?? 0);
            foreach (var brought in some.Select(i => orders.GetValueOrDefault(batch.MessageId(i))).OfType<MessageOrders>())
            {
                row.Converted++;
                row.Orders = row.Orders.Add(brought);
            }
        }
    }

    public Breakdown Result() => new(by, [.. rows.OrderBy(r => r.Key == Other).ThenBy(r => r.Key, StringComparer.Ordinal).Select(r => new BreakdownRow(
        r.Key, r.Value.Counts, Rates.Of(r.Value.Counts, r.Value.Converted), Conversions.Of(r.Value.Converted, r.Value.Orders, r.Value.Counts.Sent), r.Value.Cost / PriceTable.Scale))]);

    private string? KeyOf(Batch batch, int index)
    {
        var recipient = batch.Recipients[index];
        return by switch
        {
            BreakdownBy.Variant => recipient.IsHandedOver ? campaign.Variants.ElementAtOrDefault(recipient.Variant ?? 0)?.Name : null,
            BreakdownBy.Vendor => recipient.IsHandedOver ? batch.VendorOf(index) : null,
            BreakdownBy.Domain => recipient.IsHandedOver ? recipient.Domain is { } place ? batch.Domains?.ElementAtOrDefault(place) : Other : null,
            BreakdownBy.Hour => batch.Time(recipient.SentAt) is { } at ? TimeZoneInfo.ConvertTime(at, zone).Hour.ToString("D2", CultureInfo.InvariantCulture) : null,
            BreakdownBy.Channel => campaign.Channel.Name(),
            _ => Ledger.ReasonOf(recipient),
        };
    }
}
