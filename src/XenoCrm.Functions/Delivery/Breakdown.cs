using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
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
/// Sorts a campaign's recipients by one of their properties where they are stored: a row for each value comes back, whatever
/// the size of the audience (a hundred thousand: 1 KB, against the 15 MB of their batches). Of those that brought orders the
/// batches are read, because what an order knows of a message is its id.
/// </summary>
public sealed class CampaignBreakdown(BatchStore batches)
{
    private const string Other = "other";
    private const string HandedOver = "r.s NOT IN ('pending', 'suppressed', 'skipped')";
    private const int BatchesPerRead = 100;

    /// <summary>Zones differ from each other by quarters of an hour.</summary>
    private static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15);

    private sealed class Row
    {
        public Counts Counts { get; set; } = Ledger.Sum([]);

        public int Converted { get; set; }

        public MessageOrders Orders { get; set; } = MessageOrders.None;

        public long Cost { get; set; }
    }

    /// <param name="sums">Of the whole campaign.</param>
    /// <param name="credited">Orders by message.</param>
    public async Task<Breakdown> ReadAsync(
        Campaign campaign, BreakdownBy by, TimeZoneInfo zone, BatchSums sums, IReadOnlyDictionary<string, MessageOrders> credited, CancellationToken cancellation)
    {
        var rows = new Dictionary<string, Row>();
        if (by == BreakdownBy.Channel)
        {
            if (sums.Counts.Audience > 0)
            {
                Add(rows, campaign.Channel.Name(), sums);
            }
        }
        else
        {
            var (key, condition) = Sql(by);
            foreach (var (value, some) in await batches.GroupRecipientsAsync(campaign.Id, key, condition, cancellation))
            {
                if (KeyOf(value, by, campaign, zone) is { } text)
                {
                    Add(rows, text, some);
                }
            }
        }

        await foreach (var (key, brought) in CreditsAsync(rows, by, campaign, zone, credited, cancellation))
        {
            var row = rows[key];
            row.Converted++;
            row.Orders = row.Orders.Add(brought);
        }

        return new(by, [.. rows.OrderBy(r => r.Key == Other).ThenBy(r => r.Key, StringComparer.Ordinal).Select(r => new BreakdownRow(
            r.Key, r.Value.Counts, Rates.Of(r.Value.Counts, r.Value.Converted), Conversions.Of(r.Value.Converted, r.Value.Orders, r.Value.Counts.Sent), r.Value.Cost / PriceTable.Scale))]);
    }

    private static void Add(Dictionary<string, Row> rows, string key, BatchSums sums)
    {
        if (!rows.TryGetValue(key, out var row))
        {
            rows[key] = row = new();
        }

        row.Counts += sums.Counts;
        row.Cost += sums.Cost;
    }

    /// <summary>Over a recipient <c>r</c> in a batch <c>c</c>, as <see cref="KeyOf(Batch, int, BreakdownBy, Campaign, TimeZoneInfo)"/>.</summary>
    private static (string Key, string Condition) Sql(BreakdownBy by) => by switch
    {
        BreakdownBy.Variant => ("r.v ?? 0", HandedOver),
        BreakdownBy.Vendor => ("ARRAY_SLICE(c.vendors, r.p ?? 0, 1)[0]", HandedOver),
        BreakdownBy.Domain => ($"(IS_DEFINED(r.m) ? ARRAY_SLICE(c.domains, r.m, 1)[0] : '{Other}')", HandedOver),
        BreakdownBy.Hour => (FormattableString.Invariant($"FLOOR((DateTimeToTimestamp(c.createdAt) + r.a) / {Quarter.TotalMilliseconds})"), "IS_DEFINED(r.a)"),
        _ => ("r.r", "r.s NOT IN ('pending', 'sending') AND IS_DEFINED(r.r)"),
    };

    private static string? KeyOf(JsonElement value, BreakdownBy by, Campaign campaign, TimeZoneInfo zone) => by switch
    {
        _ when value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number) => null,
        BreakdownBy.Variant => campaign.Variants.ElementAtOrDefault(value.GetInt32())?.Name,
        BreakdownBy.Hour => HourOf(DateTimeOffset.UnixEpoch + (value.GetDouble() * Quarter), zone),
        _ => value.GetString(),
    };

    private static string? KeyOf(Batch batch, int index, BreakdownBy by, Campaign campaign, TimeZoneInfo zone)
    {
        var recipient = batch.Recipients[index];
        return by switch
        {
            BreakdownBy.Variant => recipient.IsHandedOver ? campaign.Variants.ElementAtOrDefault(recipient.Variant ?? 0)?.Name : null,
            BreakdownBy.Vendor => recipient.IsHandedOver ? batch.VendorOf(index) : null,
            BreakdownBy.Domain => recipient.IsHandedOver ? recipient.Domain is { } place ? batch.Domains?.ElementAtOrDefault(place) : Other : null,
            BreakdownBy.Hour => batch.Time(recipient.SentAt) is { } at ? HourOf(at, zone) : null,
            _ => Ledger.ReasonOf(recipient),
        };
    }

    private static string HourOf(DateTimeOffset at, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(at, zone).Hour.ToString("D2", CultureInfo.InvariantCulture);

    /// <summary>For each message that brought orders, its row.</summary>
    private async IAsyncEnumerable<(string Key, MessageOrders Brought)> CreditsAsync(
        Dictionary<string, Row> rows, BreakdownBy by, Campaign campaign, TimeZoneInfo zone, IReadOnlyDictionary<string, MessageOrders> credited,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (by == BreakdownBy.Channel)
        {
            foreach (var brought in rows.Count == 0 ? [] : credited.Values)
            {
                yield return (campaign.Channel.Name(), brought);
            }

            yield break;
        }

        var places = credited.Select(c => (Place: MessageId.TryParse(c.Key), Brought: c.Value)).Where(c => c.Place is not null).ToLookup(c => c.Place!.Value.BatchId, c => (c.Place!.Value.Index, c.Brought));
        foreach (var some in places.Select(p => p.Key).Chunk(BatchesPerRead))
        {
            foreach (var batch in (await batches.ReadManyAsync(some, cancellation)).Select(b => b.Value))
            {
                foreach (var (index, brought) in places[batch.Id].Where(p => p.Index < batch.Recipients.Count))
                {
                    // What was delivered since the rows were read has none yet.
                    if (KeyOf(batch, index, by, campaign, zone) is { } key && rows.ContainsKey(key))
                    {
                        yield return (key, brought);
                    }
                }
            }
        }
    }
}
