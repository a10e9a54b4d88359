using Microsoft.Extensions.Logging;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Segments;

public enum RebuildReason
{
    /// <summary>The rule was written or the segment deleted.</summary>
    Changed,

    /// <summary>The second look at a change.</summary>
    Confirm,

    /// <summary>Time has passed.</summary>
    Clock,
}

/// <summary>The queue message: bring the tags of all customers in line with one segment's rule.</summary>
/// <param name="Version">The segment's; a message of an older version has nothing left to do.</param>
public sealed record RebuildSegment(string SegmentId, int Version, RebuildReason Reason, DateTimeOffset QueuedAt)
{
    /// <summary>The second of the two passes: wrong tags go after missing ones have come.</summary>
    public bool Removing { get; init; }

    /// <summary>The pass has done the customers up to this id.</summary>
    public string? AfterId { get; init; }

    public int Changed { get; init; }
}

/// <summary>
/// Brings stored tags in line with a rule, touching only customers whose tags are wrong: one pass over those that match
/// without the tag, one over those with the tag that do not match. What a query returns is only a candidate: the customer
/// just read is evaluated against all rules in memory, and its tags are set under the ETag it was read with, so a write in
/// between wins and is looked at again. A rebuild may therefore be cut off, repeated or run twice at once, at any point.
/// <para>
/// The race: another process may still hold the old rules and write a customer with the old answer, after this rebuild
/// has passed by. Rules in memory are at most 2 s old when a write is computed (<see cref="SegmentTagger.MaxAge"/>), so:
/// the rebuild starts <see cref="Delay"/> after the change, when every new write is computed with the new rules; writes
/// that were computed before it and are still on their way (a slow batch, retries under throttling, a process that was
/// halted) are caught by a second round <see cref="ConfirmDelay"/> later; and every segment is gone over again at least
/// once an hour (<see cref="SegmentSchedule"/>), which catches whatever was on its way for longer than that.
/// </para>
/// </summary>
public sealed class SegmentRebuild(
    WorkspaceStore<Segment> segments,
    WorkspaceStore<SegmentBuild> builds,
    CustomerStore customers,
    SegmentTagger tagger,
    JobQueue queue,
    TimeProvider clock,
    ILogger<SegmentRebuild> log)
{
    public const string QueueName = "segment-rebuilds";

    /// <summary>More than <see cref="SegmentTagger.MaxAge"/>.</summary>
    public static readonly TimeSpan Delay = TimeSpan.FromSeconds(3);

    /// <summary>More than a write takes at worst: the client gives up after 30 s of throttling.</summary>
    public static readonly TimeSpan ConfirmDelay = TimeSpan.FromSeconds(60);

    /// <summary>An invocation ends after this and goes on in a new message: far from any function's time limit.</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromSeconds(45);

    // 500 customers of 1.5 KB: well under the 4 MB of a query page, and five bulk requests.
    private const int PageSize = 500;
    private const int Attempts = 8;

    /// <summary>Called after the segment is stored. If the process dies before, <see cref="SegmentSchedule"/> finds the segment unbuilt.</summary>
    public Task EnqueueAsync(Segment segment, CancellationToken cancellation) =>
        queue.SendAsync(QueueName, new RebuildSegment(segment.Id, segment.Version, RebuildReason.Changed, clock.GetUtcNow()), Delay, cancellation);

    public async Task HandleAsync(RebuildSegment message, CancellationToken cancellation)
    {
        // The rules in memory must be those of the segment just read, or later ones.
        var segment = (await segments.ReadAsync(message.SegmentId, cancellation))?.Value;
        tagger.Invalidate();
        await tagger.RefreshAsync(cancellation);
        if (segment is null || segment.Version != message.Version)
        {
            return;
        }

        var build = await builds.ReadAsync(segment.Id, cancellation);
        if (message.Reason == RebuildReason.Clock && build?.Value.BuiltAt > message.QueuedAt)
        {
            return;
        }

        await SaveAsync(segment.Id, b => b with { SeenAt = clock.GetUtcNow() }, cancellation);
        var moment = new Moment(clock.GetUtcNow());
        var started = clock.GetTimestamp();
        while (true)
        {
            await tagger.RefreshAsync(cancellation);
            if (Filter(segment, message.Removing, moment) is not { } filter)
            {
                return;
            }

            var page = await customers.PageAsync(filter, message.AfterId, PageSize, cancellation);
            message = message with { Changed = message.Changed + await TagAsync(segment.Id, page, moment, cancellation) };
            if (page.Count == PageSize)
            {
                message = message with { AfterId = page[^1].Value.Id };
            }
            else if (!message.Removing && !segment.Deleted)
            {
                message = message with { Removing = true, AfterId = null };
            }
            else
            {
                await FinishAsync(segment, message, cancellation);
                return;
            }

            if (clock.GetElapsedTime(started) > Budget)
            {
                await queue.SendAsync(QueueName, message, delay: null, cancellation);
                return;
            }
        }
    }

    /// <returns>Null when the segment has changed meanwhile (its own message is on its way), or its rule cannot be read.</returns>
    private CustomerFilter? Filter(Segment segment, bool removing, in Moment moment)
    {
        if (segment.Deleted)
        {
            return CompiledRule.ToFilterTagged(segment.Id);
        }

        return tagger.Rules.Find(segment.Id) is { Rule: { } rule } active && active.Version == segment.Version
            ? removing ? rule.ToFilterWrongTag(segment.Id, moment) : rule.ToFilterMissingTag(segment.Id, moment)
            : null;
    }

    private async Task<int> TagAsync(string segmentId, IReadOnlyList<Versioned<Customer>> candidates, Moment moment, CancellationToken cancellation)
    {
        var changed = 0;
        for (var attempt = 0; candidates.Count > 0; attempt++)
        {
            if (attempt == Attempts)
            {
                log.LogContended(segmentId, candidates.Count);
                break;
            }

            var changes = new List<(Versioned<Customer> Customer, IReadOnlyList<string> SegmentIds)>();
            foreach (var candidate in candidates)
            {
                var ids = tagger.Rules.SegmentsOf(candidate.Value, moment);
                if (!ReferenceEquals(ids, candidate.Value.SegmentIds))
                {
                    changes.Add((candidate, ids));
                }
            }

            var lost = await customers.SetSegmentsAsync(changes, cancellation);
            changed += changes.Count - lost.Count;
            candidates = lost.Count == 0 ? [] : await customers.ReadManyAsync(lost, cancellation);
            await tagger.RefreshAsync(cancellation);
        }

        return changed;
    }

    private async Task FinishAsync(Segment segment, RebuildSegment message, CancellationToken cancellation)
    {
        var confirmed = message.Reason != RebuildReason.Changed;
        if (segment.Deleted && confirmed)
        {
            await segments.DeleteAsync(segment.Id, etag: null, cancellation);
            await builds.DeleteAsync(segment.Id, etag: null, cancellation);
            log.LogRemoved(segment.Id);
            return;
        }

        var members = await customers.CountAsync(CompiledRule.ToFilterTagged(segment.Id), cancellation);
        var now = clock.GetUtcNow();
        await SaveAsync(
            segment.Id,
            b => b with { Version = Math.Max(b.Version, segment.Version), MemberCount = members, BuiltAt = now, SeenAt = now },
            cancellation);
        log.LogRebuilt(segment.Id, segment.Version, message.Changed, members);
        if (!confirmed)
        {
            var again = new RebuildSegment(segment.Id, segment.Version, RebuildReason.Confirm, now);
            await queue.SendAsync(QueueName, again, ConfirmDelay, cancellation);
        }
    }

    private async Task SaveAsync(string segmentId, Func<SegmentBuild, SegmentBuild> change, CancellationToken cancellation)
    {
        while (await builds.UpdateAsync(segmentId, change, cancellation) is null)
        {
            await builds.TryCreateAsync(new SegmentBuild { Id = segmentId }, cancellation);
        }
    }
}
