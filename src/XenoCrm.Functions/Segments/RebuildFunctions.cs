using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Segments;

public sealed class RebuildFunctions(SegmentRebuild rebuild, SegmentSchedule schedule, SegmentGrowth growth, RfmJob rfm)
{
    [Function("RebuildSegment")]
    public Task Rebuild([QueueTrigger(SegmentRebuild.QueueName)] RebuildSegment message, CancellationToken cancellation) =>
        rebuild.HandleAsync(message, cancellation);

    [Function("ScheduleSegmentRebuilds")]
    public async Task Schedule([TimerTrigger(SegmentSchedule.Cron)] TimerInfo timer, CancellationToken cancellation)
    {
        await schedule.RunAsync(cancellation);
        await rfm.ResumeAsync(cancellation);
    }

    [Function("CountSegmentMembers")]
    public Task Count([TimerTrigger(SegmentGrowth.Cron)] TimerInfo timer, CancellationToken cancellation) => growth.RecordAllAsync(cancellation);
}
