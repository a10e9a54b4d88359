using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Segments;

public sealed class RebuildFunctions(SegmentRebuild rebuild, SegmentSchedule schedule)
{
    [Function("RebuildSegment")]
    public Task Rebuild([QueueTrigger(SegmentRebuild.QueueName)] RebuildSegment message, CancellationToken cancellation) =>
        rebuild.HandleAsync(message, cancellation);

    [Function("ScheduleSegmentRebuilds")]
    public Task Schedule([TimerTrigger(SegmentSchedule.Cron)] TimerInfo timer, CancellationToken cancellation) =>
        schedule.RunAsync(cancellation);
}
