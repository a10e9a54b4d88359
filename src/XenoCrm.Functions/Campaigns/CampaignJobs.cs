using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Campaigns;

public sealed class CampaignJobs(ScheduleCampaign schedule)
{
    [Function("LaunchScheduledCampaigns")]
    public Task Launch([TimerTrigger(ScheduleCampaign.Cron)] TimerInfo timer, CancellationToken cancellation) => schedule.RunAsync(cancellation);
}
