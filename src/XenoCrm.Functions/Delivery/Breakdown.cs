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

/// <summary>Sorts a campaign's recipients by one of their properties. The rows' counts come from where the ledger's come from.</summary>
internal sealed class BreakdownTally(BreakdownBy by, Campaign campaign, TimeZoneInfo zone, IReadOnlyDictionary<string, MessageOrders> orders)
{
    private const string Other = "other";

    private readonly Dictionary<string, Row> rows = [];

    private sealed class Row
    {
        public List<Recipient> Recipients { get; } = [];

        public List<MessageOrders> Orders { get; } = [];

        public long Cost { get; set; }
    }

    public void Add(Batch batch)
    {
        for (var i = 0; i < batch.Recipients.Count; i++)
        {
            var recipient = batch.Recipients[i];
            if (KeyOf(batch, i) is not { } key)
            {
                continue;
            }

            if (!rows.TryGetValue(key, out var row))
            {
                rows[key] = row = new();
            }

            row.Recipients.Add(recipient);
            row.Cost += batch.PriceOf(recipient) ?? 0;
            if (orders.Count > 0 && orders.TryGetValue(batch.MessageId(i), out var brought))
            {
                row.Orders.Add(brought);
            }
        }
    }

    public Breakdown Result() => new(by, [.. rows.OrderBy(r => r.Key == Other).ThenBy(r => r.Key, StringComparer.Ordinal).Select(r =>
    {
        var counts = Ledger.Sum(r.Value.Recipients);
        return new BreakdownRow(
            r.Key, counts, Rates.Of(counts, r.Value.Orders.Count), Conversions.Of(r.Value.Orders, counts.Sent), r.Value.Cost / PriceTable.Scale);
    })]);

    private string? KeyOf(Batch batch, int index)
    {
        var recipient = batch.Recipients[index];
        var isHandedOver = recipient.Status is not (MessageStatus.Pending or MessageStatus.Suppressed or MessageStatus.Skipped);
        return by switch
        {
            BreakdownBy.Variant => isHandedOver ? campaign.Variants.ElementAtOrDefault(recipient.Variant ?? 0)?.Name : null,
            BreakdownBy.Vendor => isHandedOver ? batch.VendorOf(index) : null,
            BreakdownBy.Domain => isHandedOver ? recipient.Domain is { } place ? batch.Domains?.ElementAtOrDefault(place) : Other : null,
            BreakdownBy.Hour => batch.Time(recipient.SentAt) is { } at ? TimeZoneInfo.ConvertTime(at, zone).Hour.ToString("D2", CultureInfo.InvariantCulture) : null,
            BreakdownBy.Channel => campaign.Channel.Name(),
            _ => Ledger.ReasonOf(recipient),
        };
    }
}
