using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

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
/// <param name="Retry">Messages that failed for a passing reason are to be sent after all.</param>
public sealed record CampaignTurn(string CampaignId, CampaignState? Once = null, bool Sweep = false, int Attempt = 0, bool Retry = false)
{
    public const string Queue = "campaign-plans";
}

/// <summary>Launch, pause, resume, cancel.</summary>
public sealed class SteerCampaign(CampaignSteps steps, LaunchRules rules, WorkspaceStore<Campaign> campaigns, JobQueue queue, TimeProvider clock)
{
    /// <summary>
    /// Freezes the audience and begins to send. A second launch is a 409: the first one changed the state.
    /// </summary>
    public Task<Versioned<Campaign>> LaunchAsync(string id, string? ifMatch, Caller caller, CancellationToken cancellation, string? requestId = null) =>
        steps.TakeAsync(
            id, ifMatch, CampaignAction.Launch,
            async (current, next) =>
            {
                if (current.Value is { State: CampaignState.Scheduled, Schedule.Repeat: not null })
                {
                    throw new CampaignRecurring().ToException();
                }

                if (await rules.RefusalAsync(current.Value, caller.Role, cancellation) is { } refusal)
                {
                    if (refusal is ApprovalStale)
                    {
                        await steps.ReturnAsync(current, refusal.Code, cancellation);
                    }

                    throw refusal.ToException();
                }

                await AnnounceAsync(current.Value, sweep: false, cancellation);

                // Who launches a scheduled campaign wants it sent now, everywhere.
                return next with { LaunchedAt = next.UpdatedAt, LaunchedBy = caller.Id, Schedule = next.Schedule is { } s ? s with { Local = null, Late = null } : null };
            },
            cancellation, requestId);

    /// <summary>As <see cref="LaunchAsync"/>, of a campaign whose time has come. If it has changed meanwhile, nothing happens.</summary>
    public async Task LaunchScheduledAsync(Versioned<Campaign> current, string? note, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        if (current.Value.After(CampaignAction.Launch, now) is { } next)
        {
            await AnnounceAsync(current.Value, sweep: false, cancellation);
            await campaigns.TryReplaceAsync(next with { LaunchedAt = now, LaunchedBy = current.Value.Schedule!.By, Note = note }, current.ETag, cancellation);
        }
    }

    /// <summary>Senders stop before their next request to the vendor; what is with the vendor is with the vendor.</summary>
    public Task<Versioned<Campaign>> PauseAsync(string id, string? ifMatch, CancellationToken cancellation, string? requestId = null) =>
        steps.TakeAsync(id, ifMatch, CampaignAction.Pause, (_, next) => Task.FromResult(next), cancellation, requestId);

    public Task<Versioned<Campaign>> ResumeAsync(string id, string? ifMatch, CancellationToken cancellation, string? requestId = null) =>
        GoOnAsync(id, ifMatch, CampaignAction.Resume, cancellation, requestId);

    /// <summary>What is not with the vendor yet is skipped, with that reason.</summary>
    public Task<Versioned<Campaign>> CancelAsync(string id, string? ifMatch, CancellationToken cancellation, string? requestId = null) =>
        GoOnAsync(id, ifMatch, CampaignAction.Cancel, cancellation, requestId);

    private Task<Versioned<Campaign>> GoOnAsync(string id, string? ifMatch, CampaignAction action, CancellationToken cancellation, string? requestId = null) => steps.TakeAsync(
        id, ifMatch, action,
        async (current, next) =>
        {
            await AnnounceAsync(current.Value, sweep: true, cancellation);
            return next;
        },
        cancellation, requestId);

    /// <summary>
    /// The message before the state: a crash between the two then leaves a message that finds the campaign as it was and is
    /// dropped. The other way round it would leave a campaign that says "planning" and nobody who plans.
    /// </summary>
    private Task AnnounceAsync(Campaign campaign, bool sweep, CancellationToken cancellation) =>
        queue.SendAsync(CampaignTurn.Queue, new CampaignTurn(campaign.Id, campaign.State, Sweep: sweep), null, cancellation);
}
