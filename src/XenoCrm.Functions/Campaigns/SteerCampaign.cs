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
    public Task<Versioned<Campaign>> LaunchAsync(string id, string? ifMatch, Caller caller, CancellationToken cancellation) =>
        StepAsync(id, ifMatch, CampaignAction.Launch, c => c with { LaunchedAt = c.UpdatedAt, LaunchedBy = caller.Id }, cancellation);

    /// <summary>Senders stop before their next request to the vendor; what is with the vendor is with the vendor.</summary>
    public Task<Versioned<Campaign>> PauseAsync(string id, string? ifMatch, CancellationToken cancellation) =>
        StepAsync(id, ifMatch, CampaignAction.Pause, c => c, cancellation);

    public Task<Versioned<Campaign>> ResumeAsync(string id, string? ifMatch, CancellationToken cancellation) =>
        StepAsync(id, ifMatch, CampaignAction.Resume, c => c, cancellation);

    /// <summary>What is not with the vendor yet is skipped, with that reason.</summary>
    public Task<Versioned<Campaign>> CancelAsync(string id, string? ifMatch, CancellationToken cancellation) =>
        StepAsync(id, ifMatch, CampaignAction.Cancel, c => c, cancellation);

    private async Task<Versioned<Campaign>> StepAsync(
        string id, string? ifMatch, CampaignAction action, Func<Campaign, Campaign> also, CancellationToken cancellation)
    {
        while (true)
        {
            var current = await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException();
            if (ifMatch is not null && ifMatch != current.ETag)
            {
                throw new ETagStale().ToException();
            }

            var from = current.Value.State;
            var changed = current.Value.After(action, clock.GetUtcNow()) ?? throw new CampaignStateConflict(from, action).ToException();
            if (action == CampaignAction.Launch && await segments.ReadAsync(changed.SegmentId, cancellation) is null)
            {
                throw new CampaignSegmentGone(changed.SegmentId).ToException();
            }

            // The message first: a crash between the two then leaves a message that finds the campaign as it was and is
            // dropped. The other way round it would leave a campaign that says "planning" and nobody who plans.
            if (action != CampaignAction.Pause)
            {
                await queue.SendAsync(CampaignTurn.Queue, new CampaignTurn(id, from, Sweep: action != CampaignAction.Launch), null, cancellation);
            }

            changed = also(changed);
            if (await campaigns.TryReplaceAsync(changed, current.ETag, cancellation) is { } etag)
            {
                return new(changed, etag);
            }

            // Someone else moved it: what is possible now is another question.
        }
    }
}
