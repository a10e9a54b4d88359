using Microsoft.Extensions.Logging;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Segments;

/// <summary>
/// Scores all customers with orders: measures the quintiles, then goes over the customers by id and patches those whose scores
/// are no longer right, tags included, each under its ETag. Where it is stands in its message, so it may be cut off and
/// repeated at any point: what is right already costs no write. One run at a time.
/// </summary>
public sealed class RfmJob(
    WorkspaceStore<RfmRun> runs, WorkspaceStore<Segment> segments, RfmMeasure measure, CustomerTags tags, CustomerStore customers,
    SegmentTagger tagger, JobQueue queue, Ids ids, TimeProvider clock, ILogger<RfmJob> log)
{
    /// <summary>Daily, at night in Europe and America.</summary>
    public const string Cron = "0 15 4 * * *";

    /// <summary>An invocation ends after this and goes on in a new message.</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromSeconds(45);

    /// <summary>A run that was not seen for so long has lost its message.</summary>
    public static readonly TimeSpan Stuck = TimeSpan.FromMinutes(3);

    // Rows of 150 bytes; those to be changed are read whole.
    private const int PageSize = 1000;
    private const int Attempts = 8;

    /// <summary>Begins a run, unless one is under way.</summary>
    public async Task<RfmRun> StartAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var now = clock.GetUtcNow();
            var current = await runs.ReadAsync(RfmRun.KindName, cancellation);
            if (current is { Value: { State: not RfmState.Done } running } && now - running.SeenAt < Stuck)
            {
                return running;
            }

            var run = new RfmRun { RunId = ids.New(), StartedAt = now, SeenAt = now, Result = current?.Value.Result };
            var stored = current is null ? await runs.TryCreateAsync(run, cancellation) : await runs.TryReplaceAsync(run, current.ETag, cancellation);
            if (stored is not null)
            {
                // A crash before the message is sent leaves a run that nobody works on: see ResumeAsync.
                await queue.SendAsync(ScoreRfm.Queue, new ScoreRfm(run.RunId), delay: null, cancellation);
                return run;
            }
        }
    }

    /// <summary>Sends a lost message again. The run goes over the customers from the first one on: those that are right cost only reading.</summary>
    public async Task ResumeAsync(CancellationToken cancellation)
    {
        if (await runs.ReadAsync(RfmRun.KindName, cancellation) is { Value: { State: not RfmState.Done } run } && clock.GetUtcNow() - run.SeenAt >= Stuck)
        {
            await UpdateAsync(run.RunId, r => r with { Checked = 0, Changed = 0 }, cancellation);
            await queue.SendAsync(ScoreRfm.Queue, new ScoreRfm(run.RunId), delay: null, cancellation);
        }
    }

    public async Task HandleAsync(ScoreRfm message, CancellationToken cancellation)
    {
        if (await UpdateAsync(message.RunId, r => r, cancellation) is not { } run)
        {
            return;
        }

        if (run.Scores is null)
        {
            var at = clock.GetUtcNow();
            var measured = await measure.MeasureAsync(() => UpdateAsync(run.RunId, r => r, cancellation), cancellation);
            var nobody = new RfmBounds(0, 0, 0, 0);
            run = await UpdateAsync(
                run.RunId,
                r => r with
                {
                    State = RfmState.Scoring, StartedAt = at, Scores = measured?.Scores ?? new(nobody, nobody, nobody), Customers = measured?.Customers ?? 0,
                },
                cancellation);
            if (run is null)
            {
                return;
            }
        }

        var started = clock.GetTimestamp();
        while (true)
        {
            var page = await tags.PageScoredAsync(message.AfterId, PageSize, cancellation);
            message = await ScoreAsync(run, message, [.. page.Select(p => p.Value)], cancellation);
            if (page.Count < PageSize)
            {
                await FinishAsync(run, message, cancellation);
                return;
            }

            message = message with { AfterId = page[^1].Value.Id };
            if (await UpdateAsync(run.RunId, r => r with { Checked = message.Checked, Changed = message.Changed }, cancellation) is null)
            {
                return;
            }

            if (clock.GetElapsedTime(started) > Budget)
            {
                await queue.SendAsync(ScoreRfm.Queue, message, delay: null, cancellation);
                return;
            }
        }
    }

    private async Task<ScoreRfm> ScoreAsync(RfmRun run, ScoreRfm message, IReadOnlyList<ScoredCustomer> page, CancellationToken cancellation)
    {
        var tally = new Dictionary<string, RfmTally>(message.Segments);
        var wrong = new List<string>();
        var scored = 0;
        foreach (var customer in page)
        {
            var right = run.Scores!.Of(customer.OrderCount, customer.TotalSpend, customer.LastOrderAt, customer.Rfm, run.StartedAt);
            if (right is not null)
            {
                scored++;
                tally[right.Segment] = tally.GetValueOrDefault(right.Segment, new(0, 0)).Add(customer.TotalSpend);
            }

            if (!ReferenceEquals(right, customer.Rfm))
            {
                wrong.Add(customer.Id);
            }
        }

        var changed = await WriteAsync(run, wrong, cancellation);
        return message with { Checked = message.Checked + scored, Changed = message.Changed + changed, Segments = tally };
    }

    private async Task<int> WriteAsync(RfmRun run, List<string> ids, CancellationToken cancellation)
    {
        var changed = 0;
        for (var attempt = 0; ids.Count > 0 && attempt < Attempts; attempt++)
        {
            await tagger.RefreshAsync(cancellation);
            var moment = new Moment(clock.GetUtcNow());
            var changes = new List<TagChange>(ids.Count);
            foreach (var (customer, etag) in await customers.ReadManyAsync(ids, cancellation))
            {
                var right = run.Scores!.Of(customer.OrderCount, customer.TotalSpend, customer.LastOrderAt, customer.Rfm, run.StartedAt);
                if (!ReferenceEquals(right, customer.Rfm))
                {
                    changes.Add(new(customer.Id, etag, tagger.Rules.SegmentsOf(customer with { Rfm = right }, moment), new(right)));
                }
            }

            var lost = await tags.WriteAsync(changes, cancellation);
            changed += changes.Count - lost.Count;
            ids = [.. lost];
        }

        if (ids.Count > 0)
        {
            log.LogRfmContended(ids.Count);
        }

        return changed;
    }

    private async Task FinishAsync(RfmRun run, ScoreRfm message, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var finished = await UpdateAsync(
            run.RunId,
            r => r with
            {
                State = RfmState.Done, FinishedAt = now, Checked = message.Checked, Changed = message.Changed,
                Result = new RfmResult(run.Scores!, message.Segments, run.StartedAt),
            },
            cancellation);
        if (finished is null)
        {
            return;
        }

        log.LogRfmDone(run.RunId, message.Checked, message.Changed);

        // The tags are right already; their counts are not.
        await tagger.RefreshAsync(cancellation);
        foreach (var rule in tagger.Rules.Active.Where(r => message.Changed > 0 && r.Rule is { DependsOnScores: true }))
        {
            if (await segments.ReadAsync(rule.SegmentId, cancellation) is { Value: { Deleted: false } segment })
            {
                var check = new RebuildSegment(segment.Id, segment.Version, RebuildReason.Check, now);
                await queue.SendAsync(SegmentRebuild.QueueName, check, delay: null, cancellation);
            }
        }
    }

    /// <returns>Null when another run has taken over, or this one is done.</returns>
    private async Task<RfmRun?> UpdateAsync(string runId, Func<RfmRun, RfmRun> change, CancellationToken cancellation)
    {
        var mine = false;
        var stored = await runs.UpdateAsync(
            RfmRun.KindName,
            r => (mine = r.RunId == runId && r.State != RfmState.Done) ? change(r) with { SeenAt = clock.GetUtcNow() } : null,
            cancellation);
        return mine ? stored!.Value : null;
    }
}
