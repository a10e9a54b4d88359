using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace XenoCrm.Insights;

public static class InsightsFeature
{
    /// <summary>Text to rules, and what a model or the writer without one makes of the workspace's figures.</summary>
    public static IServiceCollection AddInsights(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<ReadVocabulary>();
        services.AddSingleton<NearMisses>();
        services.AddSingleton<SuggestSegment>();
        services.AddSingleton<IValidator<SegmentText>, SegmentTextValidator>();
        return services;
    }
}
