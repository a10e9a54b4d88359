using System.Text.Json;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

public enum PoisonKind
{
    /// <summary>A run of a campaign's batches that was to be sent.</summary>
    Run,

    /// <summary>Receipts that were to be applied.</summary>
    Receipts,

    /// <summary>Other work, such as the rebuild of a segment: the queue says what.</summary>
    Message,
}

/// <summary>Work that was given up, and can be replayed.</summary>
/// <param name="Queue">Whose message it was.</param>
/// <param name="CampaignId">Of a run.</param>
/// <param name="FirstBatch">The run's batches are those from this number on.</param>
/// <param name="Batches">Of a run.</param>
/// <param name="Receipts">How many; null: there are none, or they cannot be read.</param>
public sealed record PoisonView(string Id, PoisonKind Kind, string Queue, string? CampaignId, int? FirstBatch, int? Batches, int? Receipts, DateTimeOffset At, DateTimeOffset? ReplayedAt)
{
    public static PoisonView Of(PoisonRun r) => new(r.Id, PoisonKind.Run, SendRun.Queue, r.CampaignId, r.First, r.Count, null, r.At, r.ReplayedAt);

    public static PoisonView Of(PoisonMessage m) => m.Queue == ReceiptInbox.Queue
        ? new(m.Id, PoisonKind.Receipts, m.Queue, null, null, null, CountOf(m.Message), m.At, m.ReplayedAt)
        : new(m.Id, PoisonKind.Message, m.Queue, null, null, null, null, m.At, m.ReplayedAt);

    private static int? CountOf(string message)
    {
        try
        {
            return ReceiptMessage.Read(message).Count;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <param name="Runs">That were not replayed.</param>
/// <param name="Receipts">Messages of receipts.</param>
/// <param name="Messages">Of other queues.</param>
public sealed record PoisonCounts(int Runs, int Receipts, int Messages);

/// <summary>All work that was given up, as one list: the runs first, then messages by queue.</summary>
public sealed class PoisonList(WorkspaceStore<PoisonRun> runs, PoisonRuns replayRun, PoisonMessages messages)
{
    /// <param name="after">The last id of the page before.</param>
    public async Task<IReadOnlyList<PoisonView>> PageAsync(string? after, int limit, CancellationToken cancellation)
    {
        var views = new List<PoisonView>(limit);
        if (after is null || IsRun(after))
        {
            views.AddRange((await runs.PageAsync(after, limit, cancellation)).Select(r => PoisonView.Of(r.Value)));
            after = null;
        }

        if (views.Count < limit)
        {
            views.AddRange((await messages.PageAsync(after, limit - views.Count, cancellation)).Select(m => PoisonView.Of(m.Value)));
        }

        return views;
    }

    public async Task<PoisonView> ReplayAsync(string id, CancellationToken cancellation, string? requestId = null)
    {
        if (IsRun(id))
        {
            return PoisonView.Of(await replayRun.ReplayAsync(id, cancellation, requestId));
        }

        var message = await messages.ReadAsync(id, cancellation) ?? throw new PoisonRunNotFound(id).ToException();
        return message.Value.ReplayedAt is null ? PoisonView.Of(await messages.ReplayAsync(message, cancellation, requestId))
            : requestId is not null && message.Value.ReplayedFor == requestId ? PoisonView.Of(message.Value)
            : throw new PoisonRunReplayed().ToException();
    }

    /// <summary>Those that were not replayed.</summary>
    public async Task<PoisonCounts> CountAsync(CancellationToken cancellation)
    {
        var (run, receipts, others) = (0, 0, 0);
        await foreach (var item in runs.AllAsync(cancellation))
        {
            run += item.Value.ReplayedAt is null ? 1 : 0;
        }

        await foreach (var (message, _) in messages.AllAsync(cancellation))
        {
            receipts += message is { ReplayedAt: null, Queue: ReceiptInbox.Queue } ? 1 : 0;
            others += message is { ReplayedAt: null, Queue: not ReceiptInbox.Queue } ? 1 : 0;
        }

        return new(run, receipts, others);
    }

    // {campaign}.{first}-{count}; no queue's name has a point.
    private static bool IsRun(string id) => id.Contains('.', StringComparison.Ordinal);
}
