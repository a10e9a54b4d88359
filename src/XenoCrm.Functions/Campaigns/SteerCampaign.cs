using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Queues;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

/// <summary>
/// What keeps a campaign going from launch to completion: one such message is in the queue, or being worked on, as long
/// as there is something to do.
/// </summary>
/// <param name="Once">
/// The message was stored before the campaign left this state, and means nothing until it has: see <see cref="SteerCampaign"/>.
/// </param>
/// <param name="Sweep">Messages to the senders may have been dropped (a pause does that): enqueue them again for all that is not sent.</param>
/// <param name="Attempt">How often the message was put back for <paramref name="Once"/>.</param>
public sealed record CampaignTurn(string CampaignId, CampaignState? Once = null, bool Sweep = false, int Attempt = 0)
{
    public const string Queue = "campaign-plans";
}

/// <summary>Launch, pause, resume, cancel.</summary>
public sealed class SteerCampaign(WorkspaceStore<Campaign> campaigns, SegmentDirectory segments, JobQueue queue, TimeProvider clock)
{
    /// <summary>
    /// Freezes the audience and begins to send. A second launch is a 409: the first one changed the state.
    /// </summary>
    public async Task<Versioned<Campaign>> LaunchAsync(string id, string? ifMatch, Caller caller, CancellationToken cancellation)
    {
        var current = await ReadAsync(id, ifMatch, cancellation);
        if (CampaignLifeCycle.After(current.Value.State, CampaignAction.Launch) is not null
            && await segments.ReadAsync(current.Value.SegmentId, cancellation) is null)
        {
            throw new CampaignSegmentGone(current.Value.SegmentId).ToException();
        }

        return await StepAsync(current, CampaignAction.Launch, c => c with { LaunchedAt = c.UpdatedAt, LaunchedBy = caller.Id }, cancellation);
    }

    /// <summary>Senders stop before their next request to the vendor; what is with the vendor is with the vendor.</summary>
    public async Task<Versioned<Campaign>> PauseAsync(string id, string? ifMatch, CancellationToken cancellation) =>
        await StepAsync(await ReadAsync(id, ifMatch, cancellation), CampaignAction.Pause, c => c, cancellation);

    public async Task<Versioned<Campaign>> ResumeAsync(string id, string? ifMatch, CancellationToken cancellation) =>
        await StepAsync(await ReadAsync(id, ifMatch, cancellation), CampaignAction.Resume, c => c, cancellation);

    /// <summary>What is not with the vendor yet is skipped, with that reason.</summary>
    public async Task<Versioned<Campaign>> CancelAsync(string id, string? ifMatch, CancellationToken cancellation) =>
        await StepAsync(await ReadAsync(id, ifMatch, cancellation), CampaignAction.Cancel, c => c, cancellation);

    private async Task<Versioned<Campaign>> StepAsync(
        Versioned<Campaign> current, CampaignAction action, Func<Campaign, Campaign> also, CancellationToken cancellation)
    {
        var from = current.Value.State;
        var changed = current.Value.After(action, clock.GetUtcNow()) ?? throw new CampaignStateConflict(from, action).ToException();

        // The message first: a crash between the two then leaves a message that finds the campaign as it was and is
        // dropped. The other way round it would leave a campaign that says "planning" and nobody who plans.
        if (action != CampaignAction.Pause)
        {
            await queue.SendAsync(CampaignTurn.Queue, new CampaignTurn(changed.Id, from, Sweep: action != CampaignAction.Launch), null, cancellation);
        }

        changed = also(changed);
        return new(changed, await campaigns.ReplaceAsync(changed, current.ETag, cancellation));
    }

    private async Task<Versioned<Campaign>> ReadAsync(string id, string? ifMatch, CancellationToken cancellation)
    {
        var current = await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException();
        return ifMatch is null || ifMatch == current.ETag ? current : throw new ETagStale().ToException();
    }
}
