using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Segments;

/// <summary>
/// Asks for rebuilds that no change asks for: rules that depend on the clock, the hourly look at all others, and changes
/// whose message was lost between storing the segment and sending it, or ended in the poison queue.
/// </summary>
public sealed class SegmentSchedule(
    WorkspaceStore<Segment> segments, WorkspaceStore<SegmentBuild> builds, SegmentTagger tagger, JobQueue queue, TimeProvider clock)
{
    /// <summary>How late a customer may leave "active in the last 90 days" without having been written: five minutes.</summary>
    public const string Cron = "0 */5 * * * *";

    /// <summary>A rebuild that was not seen for so long has died: each of its messages shows itself at least every <see cref="SegmentRebuild.Budget"/>.</summary>
    private static readonly TimeSpan Stuck = TimeSpan.FromMinutes(3);

    // A little less than the timer's interval, or every second run would come a moment too early.
    private static readonly TimeSpan ClockInterval = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan FullInterval = TimeSpan.FromMinutes(59);

    public async Task RunAsync(CancellationToken cancellation)
    {
        await tagger.RefreshAsync(cancellation);
        var built = new Dictionary<string, SegmentBuild>();
        await foreach (var (build, _) in builds.AllAsync(cancellation))
        {
            built.Add(build.Id, build);
        }

        var now = clock.GetUtcNow();
        await foreach (var (segment, _) in segments.AllAsync(cancellation))
        {
            if (Due(segment, built.GetValueOrDefault(segment.Id), now) is { } reason)
            {
                await queue.SendAsync(SegmentRebuild.QueueName, new RebuildSegment(segment.Id, segment.Version, reason, now), delay: null, cancellation);
            }
        }
    }

    private RebuildReason? Due(Segment segment, SegmentBuild? build, DateTimeOffset now)
    {
        if (now - build?.SeenAt < Stuck || now - segment.UpdatedAt < Stuck)
        {
            return null;
        }

        if (build is null || build.Version < segment.Version)
        {
            return RebuildReason.Changed;
        }

        if (segment.Deleted)
        {
            return RebuildReason.Confirm;
        }

        var interval = tagger.Rules.Find(segment.Id)?.Rule?.DependsOnClock == true ? ClockInterval : FullInterval;
        return now - build.BuiltAt >= interval ? RebuildReason.Clock : null;
    }
}
