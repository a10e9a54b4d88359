using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

/// <summary>Moves campaigns along <see cref="CampaignLifeCycle"/>, each step under the ETag that it was decided on.</summary>
public sealed class CampaignSteps(WorkspaceStore<Campaign> campaigns, SegmentLinks links, TimeProvider clock)
{
    /// <param name="ifMatch">The caller's; stale is 412. Null: whatever is stored.</param>
    /// <param name="prepare">
    /// Given what is stored and what it becomes, decides the rest, or refuses by throwing. What must have happened before
    /// the step is stored happens here. It runs again when somebody else was faster.
    /// </param>
    /// <param name="requestId">Of a request that may be carried out again after a crash: if it has taken its step, that was it.</param>
    public async Task<Versioned<Campaign>> TakeAsync(
        string id, string? ifMatch, CampaignAction action, Func<Versioned<Campaign>, Campaign, Task<Campaign>> prepare, CancellationToken cancellation,
        string? requestId = null)
    {
        while (true)
        {
            var current = await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException();
            if (requestId is not null && current.Value.Requests?.Contains(requestId) == true)
            {
                return current;
            }

            if (ifMatch is not null && ifMatch != current.ETag)
            {
                throw new ETagStale().ToException();
            }

            var next = current.Value.After(action, clock.GetUtcNow()) ?? throw new CampaignStateConflict(current.Value.State, action).ToException();
            var changed = await prepare(current, requestId is null ? next : next with { Requests = [.. (next.Requests ?? []).TakeLast(Campaign.MaxRequests - 1), requestId] });
            if (await WriteAsync(current, changed, cancellation) is { } etag)
            {
                return new(changed, etag);
            }

            // Someone else moved it: what is possible now is another question.
        }
    }

    /// <summary>A draft that is handed in needs its segment from now on: of that and a deletion of the segment at the same time one is refused.</summary>
    private async Task<string?> WriteAsync(Versioned<Campaign> current, Campaign changed, CancellationToken cancellation)
    {
        if (current.Value.State != CampaignState.Draft)
        {
            return await campaigns.TryReplaceAsync(changed, current.ETag, cancellation);
        }

        string? etag = null;
        var isThere = await links.TryUseAsync(
            new("campaign", changed.Id, changed.Name), changed.SegmentId,
            async () => etag = await campaigns.TryReplaceAsync(changed, current.ETag, cancellation), cancellation);
        return isThere ? etag : throw new CampaignSegmentGone(changed.SegmentId).ToException();
    }

    /// <summary>Back to its author, with the reason. If somebody else was faster the campaign is no longer what this is about.</summary>
    public async Task ReturnAsync(Versioned<Campaign> current, string note, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var draft = current.Value.After(CampaignAction.Unschedule, now) ?? current.Value.After(CampaignAction.Reject, now);
        if (draft is not null)
        {
            await campaigns.TryReplaceAsync(draft with { Note = note }, current.ETag, cancellation);
        }
    }
}
