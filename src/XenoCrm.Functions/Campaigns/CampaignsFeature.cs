using FluentValidation;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

public static class CampaignsFeature
{
    /// <summary>Campaigns as people write and steer them, and nothing of how they are sent.</summary>
    public static IServiceCollection AddCampaigns(this IServiceCollection services)
    {
        services.AddWorkspaceStore<Campaign>(Campaign.KindName, isAudited: true);
        services.AddSingleton<IValidator<CampaignInput>, CampaignInputValidator>();
        services.AddWorkspaceStore<Template>(Template.KindName, isAudited: true);
        services.AddSingleton<IValidator<TemplateInput>, TemplateInputValidator>();
        services.AddSingleton<IValidator<RenderInput>, RenderInputValidator>();
        services.AddSingleton<SaveTemplate>();
        services.AddSingleton<RenderContent>();
        services.AddSingleton<MergeFields>();
        services.AddSingleton<CampaignTemplates>();
        services.AddSingleton<ISegmentUser, CampaignSegments>();
        services.AddSingleton<SaveCampaign>();
        services.AddSingleton<CampaignHeads>();
        services.AddOptions<CampaignOptions>().BindConfiguration(CampaignOptions.Section)
            .Validate(o => o.ApprovalAbove is null or >= 0, "Campaigns__ApprovalAbove must not be negative.")
            .Validate(o => o.ApprovalTolerance is >= 0 and <= 1, "Campaigns__ApprovalTolerance must be between 0 and 1.")
            .Validate(o => o.LateLaunch > TimeSpan.Zero, "Campaigns__LateLaunch must be above 0.")
            .Validate(o => o.CheckLimit is >= 100 and <= 200_000, "Campaigns__CheckLimit must be between 100 and 200,000.")
            .ValidateOnStart();
        services.AddSingleton<IValidator<ScheduleInput>, ScheduleInputValidator>();
        services.AddSingleton<LaunchRules>();
        services.AddSingleton<CampaignSteps>();
        services.AddSingleton<SteerCampaign>();
        services.AddSingleton<ReviewCampaign>();
        services.AddSingleton<ScheduleCampaign>();
        services.AddApiTag("Campaigns", "Campaigns and templates: what is sent, to whom and when, from the draft to the launch.");
        return services;
    }
}
