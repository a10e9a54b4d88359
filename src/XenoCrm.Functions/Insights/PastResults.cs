using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Insights;

/// <summary>Something that a message has or has not.</summary>
public enum Trait
{
    Question,
    Personal,
    Offer,
    Short,
    Urgent,
}

/// <summary>How messages with a trait did beside those without it: similar to what worked.</summary>
/// <param name="With">Share of the delivered messages that were clicked (opened, where nothing is ever clicked).</param>
/// <param name="Delivered">Messages with the trait.</param>
/// <param name="Significant">That chance alone makes such a difference is below one in twenty, each side having two campaigns at least.</param>
public sealed record TraitResult(Trait Trait, double With, int Delivered, double Without, int DeliveredWithout, bool Significant);

/// <param name="Campaigns">The latest of the channel that were delivered to anybody, at most <see cref="PastResults.MaxCampaigns"/>.</param>
/// <param name="Measure"><c>clicked</c> or <c>opened</c>.</param>
public sealed record ChannelResults(int Campaigns, long Delivered, double? OpenRate, double? ClickRate, double? UnsubscribeRate, string Measure, IReadOnlyList<TraitResult> Traits);

/// <summary>What became of the latest campaigns of a channel, from the ledger.</summary>
public sealed class PastResults(WorkspaceStore<Campaign> campaigns, BatchStore batches)
{
    public const int MaxCampaigns = 20;

    /// <param name="except">The campaign that is being looked at.</param>
    public async Task<ChannelResults> ReadAsync(Channel channel, string? except, CancellationToken cancellation)
    {
        var latest = new List<Campaign>();
        await foreach (var (campaign, _) in campaigns.AllAsync(cancellation))
        {
            if (campaign.Channel == channel && campaign.LaunchedAt is not null && campaign.Id != except)
            {
                latest.Add(campaign);
            }
        }

        var read = await Task.WhenAll(latest.OrderByDescending(c => c.LaunchedAt).Take(MaxCampaigns)
            .Select(async c => ((IReadOnlyList<CampaignContent>)[.. c.Variants.Select(v => v.Content)], (await batches.SumAsync(c.Id, cancellation)).Counts)));
        return Compare([.. read.Where(r => r.Counts.Delivered > 0)]);
    }

    /// <param name="past">The contents of each campaign's variants, and what became of all of its messages.</param>
    internal static ChannelResults Compare(IReadOnlyList<(IReadOnlyList<CampaignContent> Variants, Counts Counts)> past)
    {
        var delivered = past.Sum(p => (long)p.Counts.Delivered);
        var clicks = past.Sum(p => (long)p.Counts.Clicked) > 0;
        double? Rate(Func<Counts, int> of) => delivered == 0 ? null : (double)past.Sum(p => (long)of(p.Counts)) / delivered;
        var traits = new List<TraitResult>();
        foreach (var trait in Enum.GetValues<Trait>())
        {
            // Where only some variants have it, the campaign's figures are of both sides, and count for none.
            var sides = past.ToLookup(p => p.Variants.All(v => Has(v, trait)) ? true : p.Variants.Any(v => Has(v, trait)) ? (bool?)null : false);
            int Sum(bool has, Func<Counts, int> of) => sides[has].Sum(p => of(p.Counts));
            var (n, m) = (Sum(true, c => c.Delivered), Sum(false, c => c.Delivered));
            if (n > 0 && m > 0)
            {
                var (x, y) = (Sum(true, c => clicks ? c.Clicked : c.Opened), Sum(false, c => clicks ? c.Clicked : c.Opened));
                traits.Add(new(trait, (double)x / n, n, (double)y / m, m, sides[true].Count() > 1 && sides[false].Count() > 1 && Proportions.Compare(x, n, y, m).IsConclusive));
            }
        }

        return new(past.Count, delivered, Rate(c => c.Opened), Rate(c => c.Clicked), Rate(c => c.Unsubscribed), clicks ? "clicked" : "opened", traits);
    }

    /// <summary>Of the subject where there is one: it is what decides whether the rest is read.</summary>
    internal static bool Has(CampaignContent content, Trait trait)
    {
        var all = $"{content.Subject}\n{content.Text}\n{content.Html}";
        var first = content.Subject ?? content.Text ?? "";
        return trait switch
        {
            Trait.Question => first.Contains('?'),
            Trait.Personal => all.Contains("{{") && (all.Contains("Name") || all.Contains("city", StringComparison.Ordinal)),
            Trait.Offer => Offers.In(all) is not null,
            Trait.Short => (content.Text ?? content.Html ?? "").Length < 300,
            _ => Urgent.Any(w => all.Contains(w, StringComparison.OrdinalIgnoreCase)),
        };
    }

    private static readonly string[] Urgent = ["hurry", "last chance", "today only", "ends soon", "ends tonight", "only until", "don't miss", "running out", "last day", "final hours"];
}
