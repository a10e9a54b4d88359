using Microsoft.Extensions.Logging;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <summary>A run that failed again and again and was given up. Its messages are accounted for as failed, and can be sent after all.</summary>
public sealed record PoisonRun : IWorkspaceItem
{
    public const string KindName = "poison-run";

    public required string Id { get; init; }
    public string Kind => KindName;
    public required string CampaignId { get; init; }
    public required int First { get; init; }
    public required int Count { get; init; }
    public required DateTimeOffset At { get; init; }
    public DateTimeOffset? ReplayedAt { get; init; }

    /// <summary>The request with an Idempotency-Key that had it replayed, or null: repeated after a crash, it finds its own doing.</summary>
    public string? ReplayedFor { get; init; }
}

public sealed partial class PoisonRuns(
    WorkspaceStore<PoisonRun> runs, WorkspaceStore<Campaign> campaigns, BatchStore batches, CapBook caps, VendorPool vendors, JobQueue queue, TimeProvider clock, ILogger<PoisonRuns> log)
{
    /// <summary>Accounts for a run from the poison queue: what is unsent has failed, what may have been sent is unknown.</summary>
    public async Task BuryAsync(SendRun run, CancellationToken cancellation)
    {
        // The record first: a crash in between leaves the queue's message, and this is repeated.
        var id = $"{run.CampaignId}.{run.First}-{run.Count}";
        var item = new PoisonRun { Id = id, CampaignId = run.CampaignId, First = run.First, Count = run.Count, At = clock.GetUtcNow() };
        if (await runs.TryCreateAsync(item, cancellation) is null)
        {
            await runs.UpdateAsync(id, known => known.ReplayedAt is null ? null : item, cancellation);
        }

        var stored = await batches.ReadManyAsync(run.BatchIds, cancellation);
        await caps.ReleaseAsync(stored.SelectMany(b => b.Value.Pending()), cancellation);
        await batches.ChangeAsync(stored, batch => batch.State == BatchState.Sent ? null : Bury(batch), cancellation);
        LogBuried(run.CampaignId, run.First, run.Count);
    }

    /// <summary>Sends the run's messages after all. Repeatable after a crash at any point.</summary>
    public async Task<PoisonRun> ReplayAsync(string id, CancellationToken cancellation, string? requestId = null)
    {
        var item = await runs.ReadAsync(id, cancellation) ?? throw new PoisonRunNotFound(id).ToException();
        if (item.Value.ReplayedAt is not null)
        {
            if (requestId is not null && item.Value.ReplayedFor == requestId)
            {
                return item.Value;
            }

            throw new PoisonRunReplayed().ToException();
        }

        var run = new SendRun(item.Value.CampaignId, item.Value.First, item.Value.Count);
        await batches.ChangeAsync(await batches.ReadManyAsync(run.BatchIds, cancellation), Revive, cancellation);
        await campaigns.UpdateAsync(run.CampaignId, c => c.After(CampaignAction.Reopen, clock.GetUtcNow()), cancellation);
        await queue.SendAsync(SendRun.Queue, run, null, cancellation);
        await queue.SendAsync(CampaignTurn.Queue, new CampaignTurn(run.CampaignId), null, cancellation);
        var replayed = item.Value with { ReplayedAt = clock.GetUtcNow(), ReplayedFor = requestId };
        await runs.TryReplaceAsync(replayed, item.ETag, cancellation);
        return replayed;
    }

    private Batch Bury(Batch batch) => Ledger.Count(batch with
    {
        Recipients = [.. batch.Recipients.Select(r => r.Status switch
        {
            MessageStatus.Pending => Ledger.Fold(r, new(MessageStatus.Failed, batch.Since(clock.GetUtcNow()), Reasons.Poison)),
            MessageStatus.Sending => Ledger.Fold(r, new(MessageStatus.Unknown, batch.Since(clock.GetUtcNow()), Reasons.Poison)),
            _ => r,
        })],
    });

    /// <returns>Null when there is nothing to send after all.</returns>
    private Batch? Revive(Batch batch)
    {
        var recipients = batch.Recipients.Select((r, i) => r switch
        {
            { Reason: Reasons.Poison, Status: MessageStatus.Failed } => r with { Status = MessageStatus.Pending, Reason = null, At = null },

            // As a sender that died would leave it: a vendor that knows the id is asked again under it.
            { Reason: Reasons.Poison, Status: MessageStatus.Unknown } when vendors.Find(batch.VendorOf(i))?.Vendor.Idempotent == true => r with { Status = MessageStatus.Sending, Reason = null },
            _ => r,
        }).ToList();
        return recipients.SequenceEqual(batch.Recipients)
            ? null
            : Ledger.Count(batch with { State = BatchState.Queued, LeaseUntil = null, Recipients = recipients });
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Campaign {CampaignId}: the run of {Count} batches from {First} on was given up")]
    private partial void LogBuried(string campaignId, int first, int count);
}
