using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

public enum PoisonKind
{
    /// <summary>A run of a campaign's batches that was to be sent.</summary>
    Run,

    /// <summary>Receipts that were to be applied.</summary>
    Receipts,
}

/// <summary>Work that was given up, and can be replayed.</summary>
/// <param name="CampaignId">Of a run.</param>
/// <param name="FirstBatch">The run's batches are those from this number on.</param>
/// <param name="Batches">Of a run.</param>
/// <param name="Receipts">How many; null: of a run, or not to be read.</param>
public sealed record PoisonView(string Id, PoisonKind Kind, string? CampaignId, int? FirstBatch, int? Batches, int? Receipts, DateTimeOffset At, DateTimeOffset? ReplayedAt)
{
    public static PoisonView Of(PoisonRun r) => new(r.Id, PoisonKind.Run, r.CampaignId, r.First, r.Count, null, r.At, r.ReplayedAt);

    public static PoisonView Of(PoisonReceipts r) => new(r.Id, PoisonKind.Receipts, null, null, null, r.Count, r.At, r.ReplayedAt);
}

/// <summary>Runs and receipts that were given up, as one list: the runs first.</summary>
public sealed class PoisonList(WorkspaceStore<PoisonRun> runs, WorkspaceStore<PoisonReceipts> receipts, PoisonRuns replayRun, PoisonReceiptsStore replayReceipts)
{
    /// <param name="after">The last id of the page before.</param>
    public async Task<IReadOnlyList<PoisonView>> PageAsync(string? after, int limit, CancellationToken cancellation)
    {
        var views = new List<PoisonView>(limit);
        if (!AreReceipts(after))
        {
            views.AddRange((await runs.PageAsync(after, limit, cancellation)).Select(r => PoisonView.Of(r.Value)));
            after = null;
        }

        if (views.Count < limit)
        {
            views.AddRange((await receipts.PageAsync(after, limit - views.Count, cancellation)).Select(r => PoisonView.Of(r.Value)));
        }

        return views;
    }

    public async Task<PoisonView> ReplayAsync(string id, CancellationToken cancellation, string? requestId = null) =>
        AreReceipts(id) ? PoisonView.Of(await replayReceipts.ReplayAsync(id, cancellation, requestId)) : PoisonView.Of(await replayRun.ReplayAsync(id, cancellation, requestId));

    /// <summary>Those that were not replayed.</summary>
    public async Task<(int Runs, int Receipts)> CountAsync(CancellationToken cancellation)
    {
        var (run, messages) = (0, 0);
        await foreach (var item in runs.AllAsync(cancellation))
        {
            run += item.Value.ReplayedAt is null ? 1 : 0;
        }

        await foreach (var item in receipts.AllAsync(cancellation))
        {
            messages += item.Value.ReplayedAt is null ? 1 : 0;
        }

        return (run, messages);
    }

    private static bool AreReceipts(string? id) => id?.StartsWith(PoisonReceipts.IdPrefix, StringComparison.Ordinal) == true;
}
