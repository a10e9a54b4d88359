using Microsoft.Azure.Cosmos;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <param name="Messages">That are to be sent after all.</param>
public sealed record RetryView(string CampaignId, int Messages);

/// <summary>
/// Sends messages after all that failed for a passing reason: their run was given up (<see cref="Reasons.Poison"/>), the
/// vendor put them off until we gave up, or it says that it never got them (<see cref="Reasons.NotTaken"/>). Of these it is certain that the vendor has none. What it refused, what bounced,
/// and what it may have is never sent again; who was suppressed or skipped stays so.
/// </summary>
/// <remarks>
/// The request stores one message and changes nothing itself. Everything happens in the campaign's turn, where a crash
/// brings the message back: batches first, each by compare-and-swap, then the campaign's state, then the runs (of all that
/// is open, so that a repeat finds what an earlier try has revived). A second request finds nothing to revive.
/// </remarks>
public sealed class RetryFailed(WorkspaceStore<Campaign> campaigns, BatchStore batches, JobQueue queue, TimeProvider clock)
{
    private const int BatchesAtOnce = 50;

    public async Task<RetryView> HandleAsync(string id, string? ifMatch, CancellationToken cancellation)
    {
        var (campaign, etag) = await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException();
        if (ifMatch is not null && ifMatch != etag)
        {
            throw new ETagStale().ToException();
        }

        if (campaign.After(CampaignAction.Reopen, clock.GetUtcNow()) is null)
        {
            throw new CampaignStateConflict(campaign.State, CampaignAction.Reopen).ToException();
        }

        var count = await batches.CountRetryableAsync(id, cancellation);
        if (count > 0)
        {
            await queue.SendAsync(CampaignTurn.Queue, new CampaignTurn(id, Retry: true), null, cancellation);
        }

        return new(id, count);
    }

    /// <returns>The campaign with messages to send, or null when its state does not allow it.</returns>
    public async Task<Campaign?> ReviveAsync(Campaign campaign, CancellationToken cancellation)
    {
        if (campaign.State is not (CampaignState.Completed or CampaignState.Sending))
        {
            return null;
        }

        foreach (var some in (await batches.RetryableNumbersAsync(campaign.Id, cancellation)).Chunk(BatchesAtOnce))
        {
            var stored = await batches.ReadManyAsync([.. some.Select(n => Batch.BatchId(campaign.Id, n))], cancellation);
            await batches.ChangeAsync(stored, Revive, cancellation);
        }

        var reopened = await campaigns.UpdateAsync(campaign.Id, c => c.After(CampaignAction.Reopen, clock.GetUtcNow()), cancellation);
        return reopened?.Value is { State: CampaignState.Sending } sending ? sending : null;
    }

    /// <summary>Whether the message failed although nothing is wrong with it, and certainly is not with the vendor.</summary>
    internal static bool IsRetryable(Recipient recipient) =>
        recipient is { Status: MessageStatus.Failed, SentAt: null } && (recipient.Reason is Reasons.Poison or Reasons.NotTaken || recipient.Deferred > Sender.MaxDeferrals);

    /// <returns>Null when there is nothing to send after all.</returns>
    private static Batch? Revive(Batch batch) => batch.Recipients.Any(IsRetryable)
        ? Ledger.Count(batch with
        {
            Recipients = [.. batch.Recipients.Select(r => IsRetryable(r) ? r with { Status = MessageStatus.Pending, Reason = null, At = null, Deferred = null } : r)],
        })
        : null;
}
