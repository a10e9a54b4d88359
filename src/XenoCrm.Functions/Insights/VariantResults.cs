using XenoCrm.Campaigns;
using XenoCrm.Delivery;

namespace XenoCrm.Insights;

/// <summary>What became of one of several variants.</summary>
/// <param name="Sent">Messages that a vendor took and that did not fail.</param>
public sealed record VariantOutcome(string Name, int Sent, int Opened, int Clicked)
{
    public double? OpenRate => Sent == 0 ? null : (double)Opened / Sent;

    public double? ClickRate => Sent == 0 ? null : (double)Clicked / Sent;
}

/// <summary>The variants of a campaign side by side.</summary>
public sealed class VariantResults(BatchStore batches)
{
    /// <returns>Nothing for a campaign of one variant, or one that was not launched.</returns>
    public async Task<IReadOnlyList<VariantOutcome>> ReadAsync(Campaign campaign, CancellationToken cancellation)
    {
        if (campaign.Variants.Count < 2 || campaign.LaunchedAt is null)
        {
            return [];
        }

        var opening = batches.CountVariantsAsync(campaign.Id, "IS_DEFINED(r.o)", cancellation);
        var clicked = await batches.CountVariantsAsync(campaign.Id, "IS_DEFINED(r.k)", cancellation);
        var opened = await opening;
        return [.. campaign.Variants.Select((v, i) => new VariantOutcome(v.Name, opened.GetValueOrDefault(i).Sent, opened.GetValueOrDefault(i).Successes, clicked.GetValueOrDefault(i).Successes))];
    }

    /// <summary>
    /// The one that did better than each other by more than chance explains; null: none. The best is picked after the fact, from
    /// all pairs, which share the error (Bonferroni).
    /// </summary>
    public static VariantOutcome? Best(IReadOnlyList<VariantOutcome> variants, Func<VariantOutcome, int> successes)
    {
        if (variants.Count < 2 || variants.Any(v => v.Sent == 0))
        {
            return null;
        }

        var best = variants.MaxBy(v => (double)successes(v) / v.Sent)!;
        var z = Proportions.Quantile(0.05 / (variants.Count * (variants.Count - 1) / 2.0));
        return variants.All(v => v == best || Proportions.Newcombe(successes(best), best.Sent, successes(v), v.Sent, z).Low > 0) ? best : null;
    }
}
