using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Segments;

/// <summary>
/// Asks for rebuilds that no change asks for: at the moment at which time alone changes a member, once an hour for every
/// segment, and for changes whose message was lost between storing the segment and sending it, or ended in the poison queue.
/// </summary>
public sealed class SegmentSchedule(
    WorkspaceStore<Segment> segments, WorkspaceStore<SegmentBuild> builds, SegmentTagger tagger, SegmentClock clockwork, JobQueue queue, TimeProvider clock)
{
    /// <summary>How late a change by time can be that a write has brought about since the last look: one minute.</summary>
    public const string Cron = "0 * * * * *";

    /// <summary>Changes that are due before the next look get their message now, to be delivered at their moment.</summary>
    public static readonly TimeSpan Lookahead = TimeSpan.FromSeconds(75);

    /// <summary>A rebuild that was not seen for so long has died: each of its messages shows itself at least every <see cref="SegmentRebuild.Budget"/>.</summary>
    private static readonly TimeSpan Stuck = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan FullInterval = TimeSpan.FromMinutes(59);

    public async Task RunAsync(CancellationToken cancellation)
    {
        await tagger.RefreshAsync(cancellation);
        var built = new Dictionary<string, SegmentBuild>();
        await foreach (var (build, _) in builds.AllAsync(cancellation))
        {
            built.Add(build.Id, build);
        }

        await foreach (var (segment, _) in segments.AllAsync(cancellation))
        {
            var now = clock.GetUtcNow();
            var build = built.GetValueOrDefault(segment.Id);
            if (build?.Progress is not null && now - build.SeenAt < Stuck)
            {
                continue;
            }

            if (Due(segment, build, now) is { } reason)
            {
                await SendAsync(segment, reason, now, cancellation);
            }
            else if (build is { TrueAt: { } since } && build.Version == segment.Version
                && tagger.Rules.Find(segment.Id) is { Rule: { DependsOnClock: true } rule } active && active.Version == segment.Version)
            {
                await ForeseeAsync(segment, rule, build, since, cancellation);
            }
        }
    }

    private static RebuildReason? Due(Segment segment, SegmentBuild? build, DateTimeOffset now)
    {
        if (build is null || build.Version < segment.Version)
        {
            // Its own message may still be on its way.
            return now - segment.UpdatedAt < Stuck || now - build?.SeenAt < Stuck ? null : RebuildReason.Changed;
        }

        if (segment.Deleted)
        {
            return now - build.SeenAt < Stuck ? null : RebuildReason.Confirm;
        }

        return now - build.BuiltAt >= FullInterval ? RebuildReason.Check : null;
    }

    private async Task ForeseeAsync(Segment segment, CompiledRule rule, SegmentBuild build, DateTimeOffset since, CancellationToken cancellation)
    {
        var next = await clockwork.NextChangeAsync(rule, since, cancellation);
        if (next != build.NextChangeAt)
        {
            await builds.UpdateAsync(segment.Id, b => b.TrueAt == since ? b with { NextChangeAt = next } : null, cancellation);
        }

        if (next <= clock.GetUtcNow() + Lookahead)
        {
            await SendAsync(segment, RebuildReason.Clock, next.Value, cancellation);
        }
    }

    private Task SendAsync(Segment segment, RebuildReason reason, DateTimeOffset at, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var message = new RebuildSegment(segment.Id, segment.Version, reason, at > now ? at : now);
        return queue.SendAsync(SegmentRebuild.QueueName, message, at > now ? at - now : null, cancellation);
    }
}
