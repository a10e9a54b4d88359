using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Segments;

public sealed class RebuildFunctions(SegmentRebuild rebuild, SegmentSchedule schedule, SegmentGrowth growth, RfmJob rfm, PoisonMessages poison)
{
    [Function("RebuildSegment")]
    public Task Rebuild([QueueTrigger(SegmentRebuild.QueueName)] RebuildSegment message, CancellationToken cancellation) =>
        rebuild.HandleAsync(message, cancellation);

    /// <summary>The schedule rebuilds the segment all the same; what the message failed of is to be seen.</summary>
    [Function("GiveUpSegmentRebuild")]
    public Task GiveUp([QueueTrigger(SegmentRebuild.QueueName + "-poison")] string message, CancellationToken cancellation) =>
        poison.BuryAsync(SegmentRebuild.QueueName, message, cancellation);

    [Function("ScheduleSegmentRebuilds")]
    public async Task Schedule([TimerTrigger(SegmentSchedule.Cron)] TimerInfo timer, CancellationToken cancellation)
    {
        await schedule.RunAsync(cancellation);
        await rfm.ResumeAsync(cancellation);
    }

    [Function("CountSegmentMembers")]
    public Task Count([TimerTrigger(SegmentGrowth.Cron)] TimerInfo timer, CancellationToken cancellation) => growth.RecordAllAsync(cancellation);
}
