using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <param name="State">Null before the first run.</param>
/// <param name="Customers">With orders; 0 while measuring.</param>
/// <param name="Checked">Of them, done by this run.</param>
/// <param name="Changed">Whose scores this run wrote.</param>
public sealed record RfmRunView(RfmState? State, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, long Customers, long Checked, long Changed);

/// <summary>The values at which the fifths end: who is above the first scores 2, above the fourth 5. Equal values score the same.</summary>
/// <param name="Recency">Days of the last order (UTC).</param>
/// <param name="Frequency">Number of orders.</param>
/// <param name="Monetary">Total spend.</param>
public sealed record RfmBoundsView(IReadOnlyList<DateOnly> Recency, IReadOnlyList<long> Frequency, IReadOnlyList<decimal> Monetary);

/// <param name="Share">Of all scored customers, from 0 to 1.</param>
/// <param name="SpendShare">Of all their spend.</param>
public sealed record RfmSegmentView(string Name, long Customers, decimal Share, decimal Spend, decimal SpendShare);

/// <summary>What the last finished run found, and how far the present one is.</summary>
/// <param name="At">When the bounds were measured; absent before the first run has finished.</param>
public sealed record RfmView(
    DateTimeOffset? At, string Currency, long Customers, decimal Spend, RfmBoundsView? Bounds, IReadOnlyList<RfmSegmentView> Segments, RfmRunView Run);

/// <summary>The distribution of customers over the RFM segments.</summary>
public sealed class ReadRfm(WorkspaceStore<RfmRun> runs, IOptions<WorkspaceOptions> workspace)
{
    private readonly string currency = workspace.Value.Currency;

    public async Task<RfmView> HandleAsync(CancellationToken cancellation) => Of((await runs.ReadAsync(RfmRun.KindName, cancellation))?.Value);

    public RfmView Of(RfmRun? run)
    {
        var progress = run is null ? new(null, null, null, 0, 0, 0) : new RfmRunView(run.State, run.StartedAt, run.FinishedAt, run.Customers, run.Checked, run.Changed);
        if (run?.Result is not { } result)
        {
            return new(null, currency, 0, 0, null, [], progress);
        }

        var customers = result.Segments.Values.Sum(t => t.Customers);
        var spend = result.Segments.Values.Sum(t => t.Spend);
        return new(
            result.At, currency, customers, Money.ToMajor(spend, currency), customers == 0 ? null : Bounds(result.Scores),
            [.. RfmScores.Names.Select(name =>
            {
                var tally = result.Segments.GetValueOrDefault(name, new(0, 0));
                return new RfmSegmentView(name, tally.Customers, Share(tally.Customers, customers), Money.ToMajor(tally.Spend, currency), Share(tally.Spend, spend));
            })],
            progress);
    }

    private static decimal Share(long part, long whole) => whole == 0 ? 0 : decimal.Round((decimal)part / whole, 4);

    private RfmBoundsView Bounds(RfmScores scores) => new(
        [.. Values(scores.Recency).Select(d => DateOnly.FromDayNumber((int)d))],
        [.. Values(scores.Frequency)],
        [.. Values(scores.Monetary).Select(m => Money.ToMajor(m, currency))]);

    private static long[] Values(RfmBounds bounds) => [bounds.B1, bounds.B2, bounds.B3, bounds.B4];
}
