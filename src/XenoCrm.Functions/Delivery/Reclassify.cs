using XenoCrm.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

public enum ReclassificationState
{
    Running,
    Done,

    /// <summary>Given up after many tries; asking again begins anew.</summary>
    Failed,
}

/// <summary>A new judgement of who opened and clicked, and how far it is.</summary>
public sealed record Reclassification : IWorkspaceItem
{
    public const string KindName = "reclassification";

    public required string Id { get; init; }
    public string Kind => KindName;
    public ReclassificationState State { get; init; }

    /// <summary>Only this campaign; null: all.</summary>
    public string? CampaignId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Batches looked at.</summary>
    public int Batches { get; init; }

    /// <summary>Messages whose times are others now.</summary>
    public int Messages { get; init; }

    /// <summary>The campaign that it is at; campaigns go from the newest to the oldest.</summary>
    public string? Current { get; init; }

    /// <summary>The next batch of that campaign.</summary>
    public int Next { get; init; }
}

/// <param name="CampaignId">Null: all campaigns.</param>
public sealed record ReclassifyInput(string? CampaignId);

/// <summary>A turn of the job.</summary>
public sealed record ReclassifyTurn(string Id)
{
    public const string Queue = "reclassify";
}

/// <summary>
/// Judges again which opens and clicks were people's (<see cref="Automation"/>), from the events that are kept with each
/// message. Batches are changed by compare-and-swap; what differs reaches the customers, their engagement and the orders
/// that are put down to a click as any news of a message does (<see cref="RecordMessages"/>).
/// </summary>
/// <remarks>Where it is moves on after the batches before are stored: after a crash some are judged twice, to the same result.</remarks>
public sealed class Reclassify(WorkspaceStore<Reclassification> jobs, WorkspaceStore<Campaign> campaigns, BatchStore batches, JobQueue queue, Ids ids, TimeProvider clock)
{
    private const int BatchesAtOnce = 50;
    private static readonly TimeSpan TurnTime = TimeSpan.FromMinutes(1);

    /// <summary>Begins, or says how far the same one is that runs already.</summary>
    public async Task<Reclassification> StartAsync(ReclassifyInput input, string by, CancellationToken cancellation)
    {
        if (input.CampaignId is { } campaign && await campaigns.ReadAsync(campaign, cancellation) is null)
        {
            throw new CampaignNotFound(campaign).ToException();
        }

        Reclassification? job = null;
        await foreach (var running in jobs.QueryAsync(new("SELECT * FROM c WHERE c.state = 'running'"), cancellation))
        {
            job = running.Value.CampaignId == input.CampaignId ? running.Value : job;
        }

        if (job is null)
        {
            job = new() { Id = ids.New(), CampaignId = input.CampaignId, Current = input.CampaignId, CreatedAt = clock.GetUtcNow(), CreatedBy = by };
            await jobs.TryCreateAsync(job, cancellation);
        }

        // Also for one that runs: its message may have been lost before it was stored.
        await queue.SendAsync(ReclassifyTurn.Queue, new ReclassifyTurn(job.Id), null, cancellation);
        return job;
    }

    public async Task<Reclassification> ReadAsync(string id, CancellationToken cancellation) =>
        (await jobs.ReadAsync(id, cancellation))?.Value ?? throw new ReclassificationNotFound(id).ToException();

    public async Task HandleAsync(ReclassifyTurn turn, CancellationToken cancellation)
    {
        var until = clock.GetUtcNow() + TurnTime;
        var stored = await jobs.ReadAsync(turn.Id, cancellation);
        while (stored is { Value: { State: ReclassificationState.Running } job })
        {
            if (clock.GetUtcNow() > until)
            {
                await queue.SendAsync(ReclassifyTurn.Queue, turn, null, cancellation);
                return;
            }

            var next = await StepAsync(job, cancellation);

            // Whoever loses this stops: another turn is at it.
            stored = await jobs.TryReplaceAsync(next, stored.ETag, cancellation) is { } etag ? new(next, etag) : null;
        }
    }

    public Task GiveUpAsync(ReclassifyTurn turn, CancellationToken cancellation) => jobs.UpdateAsync(
        turn.Id, j => j.State == ReclassificationState.Running ? j with { State = ReclassificationState.Failed, EndedAt = clock.GetUtcNow() } : null, cancellation);

    private async Task<Reclassification> StepAsync(Reclassification job, CancellationToken cancellation)
    {
        if (job.Current is null)
        {
            return await FollowingAsync(job, cancellation);
        }

        var some = await batches.ReadManyAsync([.. Enumerable.Range(job.Next, BatchesAtOnce).Select(n => Batch.BatchId(job.Current, n))], cancellation);
        var changed = 0;
        await batches.ChangeAsync(
            some,
            batch =>
            {
                var judged = batch.Recipients.Select(Ledger.Engage).ToList();
                var others = judged.Zip(batch.Recipients).Count(r => r.First != r.Second);
                changed += others;
                return others == 0 ? null : Ledger.Count(batch with { Recipients = judged });
            },
            cancellation);
        job = job with { Batches = job.Batches + some.Count, Messages = job.Messages + changed, Next = job.Next + BatchesAtOnce };
        return some.Count == BatchesAtOnce ? job : job.CampaignId is null ? await FollowingAsync(job, cancellation) : Ended(job);
    }

    private async Task<Reclassification> FollowingAsync(Reclassification job, CancellationToken cancellation) =>
        (await campaigns.PageAsync(job.Current, 1, cancellation)) is [var campaign] ? job with { Current = campaign.Value.Id, Next = 0 } : Ended(job);

    private Reclassification Ended(Reclassification job) => job with { State = ReclassificationState.Done, Current = null, EndedAt = clock.GetUtcNow() };
}
