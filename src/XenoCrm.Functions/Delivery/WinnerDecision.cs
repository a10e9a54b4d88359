using XenoCrm.Campaigns;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>Looks at the test of a campaign's variants, and decides what the rest gets. The planner asks for it with every turn.</summary>
public sealed class WinnerDecision(WorkspaceStore<Campaign> campaigns, BatchStore batches, CampaignOrders orders, TimeProvider clock)
{
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    /// <summary>When it is to be looked at next; null: never again.</summary>
    public static DateTimeOffset? NextLook(Campaign campaign) => campaign switch
    {
        { Winner: { } rule, WinnerResult: null, LaunchedAt: { } launchedAt } => rule.FirstLook(launchedAt),
        { WinnerResult.NextLookAt: { } next } => next,
        _ => null,
    };

    /// <returns>The campaign as it is stored after the look that is due, if one is.</returns>
    public async Task<Campaign> LookAsync(Campaign campaign, CancellationToken cancellation)
    {
        // As it is stored, so that who reads it and who wrote it see the same.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds());
        if (!(NextLook(campaign) <= now))
        {
            return campaign;
        }

        var tested = await CountAsync(campaign, cancellation);
        var result = Judge(campaign.Winner!, campaign.LaunchedAt!.Value, campaign.WinnerResult, tested, now);

        // Of two planners the first one's result holds: for the other one the look is over.
        var stored = await campaigns.UpdateAsync(
            campaign.Id,
            c => c.State is CampaignState.Planning or CampaignState.Sending && NextLook(c) == NextLook(campaign) ? c with { WinnerResult = result } : null,
            cancellation);
        return stored?.Value ?? campaign;
    }

    private async Task<IReadOnlyList<VariantCounts>> CountAsync(Campaign campaign, CancellationToken cancellation)
    {
        var success = campaign.Winner!.Metric switch { WinnerMetric.Open => "IS_DEFINED(r.o)", WinnerMetric.Click => "IS_DEFINED(r.k)", _ => null };
        var counts = await batches.CountVariantsAsync(campaign.Id, success, cancellation);
        var converted = success is null ? await orders.ConvertedAsync(campaign.Id, cancellation) : null;
        return [.. campaign.Variants.Select((v, i) =>
        {
            var (sent, successes) = counts.GetValueOrDefault(i);

            // An order stays put down to a message that comes back after all until its customer is told so.
            return new VariantCounts(v.Name, sent, converted is null ? successes : Math.Min(sent, converted.GetValueOrDefault(v.Name)));
        })];
    }

    /// <summary>Notes that the senders were called: a crash before it calls them again.</summary>
    public async Task<Campaign> AnnouncedAsync(Campaign campaign, CancellationToken cancellation) =>
        (await campaigns.UpdateAsync(campaign.Id, c => c.WinnerResult is { Announced: false } result ? c with { WinnerResult = result with { Announced = true } } : null, cancellation))?.Value ?? campaign;

    public readonly record struct VariantCounts(string Name, int Sent, int Successes);

    /// <summary>
    /// The variant with the highest rate wins when the interval of its difference to each other one lies above zero. The error
    /// that the confidence leaves is shared out (Bonferroni) among all pairs of variants, because the best one is picked after
    /// the fact, and among all looks, because the first one that finds something ends the test.
    /// </summary>
    public static WinnerResult Judge(WinnerRule rule, DateTimeOffset launchedAt, WinnerResult? before, IReadOnlyList<VariantCounts> tested, DateTimeOffset now)
    {
        var figures = tested.Select(t => Figures(t, rule.Confidence)).ToList();
        var deadline = rule.LastLook(launchedAt);
        var isLast = now >= deadline;
        var looks = before?.Looks ?? 0;
        if (!isLast && tested.Any(t => t.Sent < Math.Max(1, rule.MinCount)))
        {
            var wait = (deadline - launchedAt) / 100;
            return new(WinnerState.Waiting, null, now, looks, Soonest(now + (wait < ShortestWait ? ShortestWait : wait > LongestWait ? LongestWait : wait), deadline), figures);
        }

        looks++;
        var best = tested.MaxBy(t => t.Sent == 0 ? 0 : (double)t.Successes / t.Sent);
        var pairs = tested.Count * (tested.Count - 1) / 2;
        var z = Proportions.Quantile((1 - rule.Confidence) / (pairs * WinnerRule.Looks));
        if (tested.All(t => t == best || Proportions.Newcombe(best.Successes, best.Sent, t.Successes, t.Sent, z).Low > 0))
        {
            return new(WinnerState.Decided, best.Name, now, looks, null, figures);
        }

        return isLast
            ? new(WinnerState.Undecided, rule.Otherwise == WinnerFallback.Best && best.Successes > 0 ? best.Name : null, now, looks, null, figures)
            : new(WinnerState.Waiting, null, now, looks, looks < WinnerRule.Looks - 1 ? now + ((deadline - now) / (WinnerRule.Looks - looks)) : deadline, figures);
    }

    private static DateTimeOffset Soonest(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static VariantFigures Figures(VariantCounts counts, double confidence)
    {
        if (counts.Sent == 0)
        {
            return new(counts.Name, 0, 0, null, null, null);
        }

        var (low, high) = Proportions.Wilson(counts.Successes, counts.Sent, Proportions.Quantile(1 - confidence));
        return new(counts.Name, counts.Sent, counts.Successes, Math.Round((double)counts.Successes / counts.Sent, 4), Math.Round(low, 4), Math.Round(high, 4));
    }
}
