using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

public enum DeliveryBy
{
    Campaign,
    Channel,

    /// <summary>Messages that were handed over, or were about to be.</summary>
    Vendor,
}

/// <param name="Key">The campaign's id, the channel's or the vendor's name.</param>
/// <param name="Name">The campaign's; null when it is gone.</param>
/// <param name="Delivered">Of those sent.</param>
/// <param name="Opened">Of those delivered.</param>
/// <param name="Clicked">Of those delivered.</param>
/// <param name="Cost">As far as prices are known.</param>
public sealed record DeliveryRow(string Key, string? Name, Counts Messages, Rate Delivered, Rate Opened, Rate Clicked, decimal Cost)
{
    public static DeliveryRow Of(string key, string? name, Counts c, long cost) => new(
        key, name, c, Proportions.Rate(c.Delivered, c.Sent), Proportions.Rate(c.Opened, c.Delivered), Proportions.Rate(c.Clicked, c.Delivered), cost / PriceTable.Scale);
}

/// <summary>Figures over all campaigns.</summary>
public sealed class DeliveryStats(BatchStore batches, WorkspaceStore<Campaign> campaigns)
{
    public async Task<IReadOnlyList<DeliveryRow>> ReadAsync(DeliveryBy by, CancellationToken cancellation) => by switch
    {
        DeliveryBy.Vendor => await ByVendorAsync(cancellation),
        DeliveryBy.Channel =>
            [.. (await ByCampaignAsync(cancellation)).GroupBy(c => c.Campaign?.Channel.Name() ?? "unknown").OrderBy(c => c.Key, StringComparer.Ordinal)
                .Select(c => DeliveryRow.Of(c.Key, null, c.Select(s => s.Sums.Counts).Aggregate((a, b) => a + b), c.Sum(s => s.Sums.Cost)))],
        _ => [.. (await ByCampaignAsync(cancellation)).OrderByDescending(c => c.Id, StringComparer.Ordinal).Select(c => DeliveryRow.Of(c.Id, c.Campaign?.Name, c.Sums.Counts, c.Sums.Cost))],
    };

    private async Task<IReadOnlyList<(string Id, Campaign? Campaign, BatchSums Sums)>> ByCampaignAsync(CancellationToken cancellation)
    {
        var known = new Dictionary<string, Campaign>();
        await foreach (var campaign in campaigns.AllAsync(cancellation))
        {
            known[campaign.Value.Id] = campaign.Value;
        }

        return [.. (await batches.SumByCampaignAsync(cancellation)).Select(s => (s.Key, known.GetValueOrDefault(s.Key), s.Value))];
    }

    /// <summary>Batches of one vendor are summed up where they are stored; the few with several, whose messages went to another one in an outage, are read.</summary>
    private async Task<IReadOnlyList<DeliveryRow>> ByVendorAsync(CancellationToken cancellation)
    {
        var rows = (await batches.SumByVendorAsync(cancellation)).ToDictionary(v => v.Key, v => (Counts: HandedOver(v.Value.Counts), v.Value.Cost));
        await foreach (var batch in batches.OfSeveralVendorsAsync(cancellation))
        {
            foreach (var vendor in batch.Recipients.Select((r, i) => (Recipient: r, Vendor: batch.VendorOf(i)!)).Where(r => r.Recipient.IsHandedOver).GroupBy(r => r.Vendor))
            {
                var (counts, cost) = (Ledger.Sum([.. vendor.Select(r => r.Recipient)]), vendor.Sum(r => batch.PriceOf(r.Recipient) ?? 0));
                rows[vendor.Key] = rows.TryGetValue(vendor.Key, out var row) ? (row.Counts + counts, row.Cost + cost) : (counts, cost);
            }
        }

        return [.. rows.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => DeliveryRow.Of(r.Key, null, r.Value.Counts, r.Value.Cost))];
    }

    private static Counts HandedOver(Counts c) =>
        c with { Audience = c.Audience - c.Suppressed - c.Skipped - c.Queued, Suppressed = 0, Skipped = 0, Pending = c.Pending - c.Queued, Queued = 0, Waiting = 0 };
}
