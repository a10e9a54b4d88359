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

    /// <summary>A look at all customers without a particular reason.</summary>
    Check,

    /// <summary>Time has passed: only customers who may have changed sides by that are looked at.</summary>
    Clock,
}

/// <summary>The queue message: bring the tags of all customers in line with one segment's rule.</summary>
/// <param name="Version">The segment's; a message of an older version has nothing left to do.</param>
public sealed record RebuildSegment(string SegmentId, int Version, RebuildReason Reason, DateTimeOffset QueuedAt)
{
    /// <summary>When the first of its messages began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>For <see cref="RebuildReason.Clock"/>: the moment up to which the tags were right before.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The second of the two passes: wrong tags go after missing ones have come.</summary>
    public bool Removing { get; init; }

    /// <summary>The pass has done the customers up to this id.</summary>
    public string? AfterId { get; init; }

    public int Added { get; init; }

    public int Removed { get; init; }
}

/// <summary>
/// Brings stored tags in line with a rule, touching only customers whose tags are wrong: one pass over those that match
/// without the tag, one over those with the tag that do not match (<see cref="RebuildPass"/>). Tags are set under the ETag
/// of what was read, so a write in between wins and is looked at again. A rebuild may therefore be cut off, repeated or run
/// twice at once, at any point.
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
    RebuildPass pass,
    CustomerStore customers,
    SegmentGrowth growth,
    SegmentClock clockwork,
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

    /// <summary>Where customers pass an edge of a time window every second, so many at least go together.</summary>
    public static readonly TimeSpan ClockSpacing = TimeSpan.FromSeconds(10);

    /// <summary>How often a rebuild shows how far it is.</summary>
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

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

        var build = (await builds.ReadAsync(segment.Id, cancellation))?.Value;
        if ((message.Reason is RebuildReason.Clock or RebuildReason.Check) && message.StartedAt is null && build?.BuiltAt > message.QueuedAt)
        {
            return;
        }

        if (message.Reason == RebuildReason.Clock && message.Since is null)
        {
            // While the rule's own rebuild is still to come, that one does it.
            if (build is not { TrueAt: { } since } || build.Version != segment.Version)
            {
                return;
            }

            message = message with { Since = since };
        }

        message = message with { StartedAt = message.StartedAt ?? clock.GetUtcNow() };
        await ShowAsync(message, cancellation);
        (message, var end) = await pass.RunAsync(segment, message, Budget, ProgressInterval, m => ShowAsync(m, cancellation), cancellation);
        switch (end)
        {
            case PassEnd.Done:
                await FinishAsync(segment, message, cancellation);
                break;
            case PassEnd.OutOfTime:
                await queue.SendAsync(QueueName, message, delay: null, cancellation);
                break;
        }
    }

    private Task ShowAsync(RebuildSegment message, CancellationToken cancellation) => SaveAsync(
        message.SegmentId,
        b => b with { SeenAt = clock.GetUtcNow(), Progress = new(message.StartedAt!.Value, message.Added, message.Removed) },
        cancellation);

    private async Task FinishAsync(Segment segment, RebuildSegment message, CancellationToken cancellation)
    {
        var confirmed = message.Reason != RebuildReason.Changed;
        if (segment.Deleted && confirmed)
        {
            await segments.DeleteAsync(segment.Id, etag: null, cancellation);
            await builds.DeleteAsync(segment.Id, etag: null, cancellation);
            await growth.RemoveAsync(segment.Id, cancellation);
            log.LogRemoved(segment.Id);
            return;
        }

        var members = await customers.CountAsync(CompiledRule.ToFilterTagged(segment.Id), cancellation);
        var trueAt = message.StartedAt!.Value;
        var clockRule = tagger.Rules.Find(segment.Id) is { Rule: { DependsOnClock: true } rule } active && active.Version == segment.Version ? rule : null;
        var next = clockRule is null ? null : await clockwork.NextChangeAsync(clockRule, trueAt, cancellation);
        var now = clock.GetUtcNow();
        await SaveAsync(
            segment.Id,
            b => b.Version > segment.Version || b.TrueAt > trueAt && b.Version == segment.Version
                ? b with { SeenAt = now, Progress = null }
                : b with { Version = segment.Version, MemberCount = members, BuiltAt = now, SeenAt = now, TrueAt = trueAt, NextChangeAt = next, Progress = null },
            cancellation);
        if (!segment.Deleted)
        {
            await growth.RecordAsync(segment.Id, members, cancellation);
        }

        log.LogRebuilt(segment.Id, segment.Version, message.Added, message.Removed, members);
        if (!confirmed)
        {
            await queue.SendAsync(QueueName, new RebuildSegment(segment.Id, segment.Version, RebuildReason.Confirm, now), ConfirmDelay, cancellation);
        }

        if (next <= now + SegmentSchedule.Lookahead)
        {
            var at = next > now + ClockSpacing ? next.Value : now + ClockSpacing;
            await queue.SendAsync(QueueName, new RebuildSegment(segment.Id, segment.Version, RebuildReason.Clock, at), at - now, cancellation);
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
