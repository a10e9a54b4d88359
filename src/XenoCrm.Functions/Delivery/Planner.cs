using System.Text.Json;
using Microsoft.Extensions.Logging;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Queues;
using XenoCrm.Segments;

namespace XenoCrm.Delivery;

/// <summary>
/// Freezes the audience of a campaign into batches and then watches over it until the last batch has left sending.
/// </summary>
/// <remarks>
/// <para>
/// The audience is read in pages by keyset (<c>id &gt; last ORDER BY id</c>), so that no customer can be on two pages
/// whatever joins or leaves the segment meanwhile. But a page that is asked for again after a crash can be another one.
/// If batches were cut from what the query says at the time, a second try could put a customer into batch 7 that a
/// stored batch 8 of the first try holds already. So the page itself is stored first, in the plan, under its ETag;
/// batches are made from nothing but the stored page, with ids that follow from their place. Then every try, and every
/// planner that runs at the same time by mistake, makes the same batches: what exists already is what would be written.
/// </para>
/// <para>
/// One write per page is checkpoint and decision in one: "the former page is done, this is the next". It is made only
/// after the former page's batches are stored and its messages to the senders enqueued. Of two planners one loses that
/// write and stops. A message that is enqueued twice is harmless: senders look at the batch, not at the message.
/// </para>
/// </remarks>
public sealed partial class Planner(
    WorkspaceStore<Campaign> campaigns, WorkspaceStore<Plan> plans, BatchStore batches, CustomerStore customers, SegmentDirectory segments, SegmentAudience audience,
    RetryFailed retry, WinnerDecision winner, JobQueue queue, TimeProvider clock, ILogger<Planner> log)
{
    /// <summary>Two runs of ten batches: 72 KB of ids, some 4 ms to store.</summary>
    internal int PageSize { get; set; } = 20 * Batch.MaxRecipients;

    /// <summary>A queue slows down with its depth, and a pause should find little to hold back: 100,000 messages are frozen ahead of the senders.</summary>
    internal int MaxOpenBatches { get; set; } = 1000;
    private const int PagesBetweenChecks = 10;

    private const int MaxAttempts = 10;
    private static readonly TimeSpan TurnTime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(2);

    /// <summary>While all that is left waits for its time, which can take days.</summary>
    private static readonly TimeSpan LongWatchInterval = TimeSpan.FromMinutes(1);

    public async Task HandleAsync(CampaignTurn turn, CancellationToken cancellation)
    {
        if ((await campaigns.ReadAsync(turn.CampaignId, cancellation))?.Value is not { } campaign)
        {
            return;
        }

        if (campaign.State == turn.Once)
        {
            // Stored before the state changed: it will in a moment, or never (the request failed after this message).
            if (turn.Attempt < MaxAttempts)
            {
                await AgainAsync(turn with { Attempt = turn.Attempt + 1 }, TimeSpan.FromSeconds(Math.Min(1 << turn.Attempt, 30)), cancellation);
            }

            return;
        }

        turn = turn with { Once = null, Attempt = 0 };
        if (turn.Retry)
        {
            if (await retry.ReviveAsync(campaign, cancellation) is not { } reopened)
            {
                return;
            }

            campaign = reopened;
            turn = turn with { Retry = false, Sweep = true };
        }

        if (campaign is { Winner: not null, State: CampaignState.Planning or CampaignState.Sending })
        {
            // The rest of the audience waits in its batches; senders that come by it from here on know what it gets.
            campaign = await winner.LookAsync(campaign, cancellation);
            turn = turn with { Sweep = turn.Sweep || campaign.WinnerResult is { State: not WinnerState.Waiting, Announced: false } };
        }

        // After a cancel in any case: a planner that died may have left batches that no message speaks of.
        if (campaign.State == CampaignState.Cancelled || (turn.Sweep && campaign.State is CampaignState.Planning or CampaignState.Sending))
        {
            await SweepAsync(campaign.Id, cancellation);
            turn = turn with { Sweep = false };
            if (campaign.WinnerResult is { State: not WinnerState.Waiting, Announced: false })
            {
                campaign = await winner.AnnouncedAsync(campaign, cancellation);
            }
        }

        if (campaign.State == CampaignState.Planning)
        {
            try
            {
                if (!await PlanAsync(campaign, cancellation))
                {
                    return;
                }
            }
            catch (ProblemException problem)
            {
                // Nothing that another try would mend: the segment was deleted, its rule names what is no more.
                await FailAsync(campaign.Id, problem.Problem.Code, cancellation);
                return;
            }

            await campaigns.UpdateAsync(campaign.Id, c => c.After(CampaignAction.FinishPlanning, clock.GetUtcNow()), cancellation);
            campaign = campaign with { State = CampaignState.Sending };
        }

        if (campaign.State == CampaignState.Sending)
        {
            await WatchAsync(campaign, turn, cancellation);
        }
    }

    /// <summary>The campaign's turn failed again and again: it says so, and waits for <see cref="CampaignAction.Resume"/>.</summary>
    public Task GiveUpAsync(CampaignTurn turn, CancellationToken cancellation) => FailAsync(turn.CampaignId, "planning_failed", cancellation);

    private async Task FailAsync(string campaignId, string failure, CancellationToken cancellation)
    {
        await campaigns.UpdateAsync(
            campaignId, c => c.After(CampaignAction.Fail, clock.GetUtcNow()) is { } failed ? failed with { Failure = failure } : null, cancellation);
        LogFailed(campaignId, failure);
    }

    /// <returns>True when the whole audience is frozen; false when this turn is over (another one is enqueued, or another planner is at work, or the campaign was stopped).</returns>
    private async Task<bool> PlanAsync(Campaign campaign, CancellationToken cancellation)
    {
        var until = clock.GetUtcNow() + TurnTime;
        var plan = await OpenAsync(campaign, cancellation);
        for (var pages = 1; plan is { Value.Done: false }; pages++)
        {
            plan = await StepAsync(plan, cancellation);
            if ((await campaigns.ReadAsync(campaign.Id, cancellation))?.Value.State != CampaignState.Planning)
            {
                return false;
            }

            var ahead = pages % PagesBetweenChecks == 0 && (await batches.CountOpenAsync(campaign.Id, cancellation)).Ready > MaxOpenBatches;
            if (ahead || clock.GetUtcNow() > until)
            {
                await AgainAsync(new(campaign.Id), ahead ? WatchInterval : null, cancellation);
                return false;
            }
        }

        if (plan is not null)
        {
            LogPlanned(campaign.Id, plan.Value.Audience, plan.Value.Batches);
        }

        return plan is not null;
    }

    /// <summary>Makes the batches of the plan's page and moves the plan to the next page.</summary>
    /// <returns>Null when another planner moved it.</returns>
    private async Task<Versioned<Plan>?> StepAsync(Versioned<Plan> stored, CancellationToken cancellation)
    {
        var plan = stored.Value;
        var now = clock.GetUtcNow();
        var charges = RequestCharges.Begin();
        var made = plan.Page.Chunk(Batch.MaxRecipients).Select((ids, i) => Batch.Create(plan.Id, plan.Batches + i, ids, now)).ToList();
        var next = customers.PageIdsAsync(plan.Filter, plan.Page[^1], PageSize, cancellation);
        await batches.CreateManyAsync(made, cancellation);
        await Task.WhenAll(SendRun.Over(plan.Id, [.. made.Select(b => b.Number)]).Select(run => queue.SendAsync(SendRun.Queue, run, null, cancellation)));

        var page = await next;
        var moved = plan with { Batches = plan.Batches + made.Count, Audience = plan.Audience + plan.Page.Count, Page = page, Done = page.Count == 0, Units = plan.Units + charges.Total };
        return await plans.TryReplaceAsync(moved, stored.ETag, cancellation) is { } etag ? new(moved, etag) : null;
    }

    /// <summary>The plan, begun with the rule, the clock and the first page if there is none.</summary>
    private async Task<Versioned<Plan>?> OpenAsync(Campaign campaign, CancellationToken cancellation)
    {
        if (await plans.ReadAsync(campaign.Id, cancellation) is { } existing)
        {
            return existing;
        }

        var segment = (await segments.RequireAsync(campaign.SegmentId, cancellation)).Value;
        LaunchRules.RequireApprovedRule(campaign, segment);
        var filter = audience.Filter(segment, campaign.LaunchedAt ?? clock.GetUtcNow());
        var page = await customers.PageIdsAsync(filter, null, PageSize, cancellation);
        var plan = new Plan
        {
            Id = campaign.Id,
            Where = filter.Where,
            Parameters = filter.Parameters.ToDictionary(p => p.Key, p => JsonSerializer.SerializeToElement(p.Value, Json.Options)),
            Page = page,
            Done = page.Count == 0,
        };
        return await plans.TryCreateAsync(plan, cancellation) is { } etag ? new(plan, etag) : await plans.ReadAsync(campaign.Id, cancellation);
    }

    private async Task WatchAsync(Campaign campaign, CampaignTurn turn, CancellationToken cancellation)
    {
        var (ready, waiting) = await batches.CountOpenAsync(turn.CampaignId, cancellation);
        if (ready > 0)
        {
            await AgainAsync(turn, WatchInterval, cancellation);
            return;
        }

        if (waiting > 0)
        {
            var look = WinnerDecision.NextLook(campaign) - clock.GetUtcNow();
            await AgainAsync(turn, look > WatchInterval && look < LongWatchInterval ? look : look <= WatchInterval ? WatchInterval : LongWatchInterval, cancellation);
            return;
        }

        await campaigns.UpdateAsync(turn.CampaignId, c => c.After(CampaignAction.Complete, clock.GetUtcNow()), cancellation);
        LogCompleted(turn.CampaignId);
    }

    private async Task SweepAsync(string campaignId, CancellationToken cancellation)
    {
        foreach (var run in SendRun.Over(campaignId, await batches.OpenNumbersAsync(campaignId, cancellation)))
        {
            await queue.SendAsync(SendRun.Queue, run, null, cancellation);
        }
    }

    private Task AgainAsync(CampaignTurn turn, TimeSpan? delay, CancellationToken cancellation) =>
        queue.SendAsync(CampaignTurn.Queue, turn, delay, cancellation);

    [LoggerMessage(Level = LogLevel.Information, Message = "Campaign {CampaignId} is planned: {Audience} recipients in {Batches} batches")]
    private partial void LogPlanned(string campaignId, int audience, int batches);

    [LoggerMessage(Level = LogLevel.Information, Message = "Campaign {CampaignId} is completed")]
    private partial void LogCompleted(string campaignId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Campaign {CampaignId} has failed: {Failure}")]
    private partial void LogFailed(string campaignId, string failure);
}
