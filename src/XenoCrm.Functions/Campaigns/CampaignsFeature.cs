using FluentValidation;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

public static class CampaignsFeature
{
    /// <summary>Campaigns as people write and steer them, and nothing of how they are sent.</summary>
    public static IServiceCollection AddCampaigns(this IServiceCollection services)
    {
        services.AddWorkspaceStore<Campaign>(Campaign.KindName);
        services.AddSingleton<IValidator<CampaignInput>, CampaignInputValidator>();
        services.AddWorkspaceStore<Template>(Template.KindName);
        services.AddSingleton<IValidator<TemplateInput>, TemplateInputValidator>();
        services.AddSingleton<IValidator<RenderInput>, RenderInputValidator>();
        services.AddSingleton<SaveTemplate>();
        services.AddSingleton<RenderContent>();
        services.AddSingleton<MergeFields>();
        services.AddSingleton<CampaignTemplates>();
        services.AddSingleton<ISegmentUser, CampaignSegments>();
        services.AddSingleton<SaveCampaign>();
        services.AddSingleton<SteerCampaign>();
        return services;
    }
}
