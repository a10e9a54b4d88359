using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Insights;

public static class InsightsFeature
{
    /// <summary>Text to rules, and what a model or the writer without one makes of the workspace's figures.</summary>
    public static IServiceCollection AddInsights(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AiOptions>().Bind(configuration.GetSection(AiOptions.Section))
            .Validate(o => Uri.TryCreate(o.BaseAddress, UriKind.Absolute, out _), "Ai__BaseAddress must be an address.")
            .Validate(o => o.Timeout > TimeSpan.Zero && o.Timeout <= TimeSpan.FromMinutes(2), "Ai__Timeout must be above 0 and at most 2 minutes.")
            .Validate(o => o.DailyBudget is null or >= 0 && o is { InputPrice: >= 0, OutputPrice: >= 0 }, "Ai__DailyBudget and the prices must not be negative.")
            .Validate(o => o.MaxAnswerTokens is >= 100 and <= 100_000, "Ai__MaxAnswerTokens must be between 100 and 100,000.")
            .ValidateOnStart();
        services.AddWorkspaceStore<AiUsage>(AiUsage.KindName);
        services.AddWorkspaceStore<KnownAnswer>(KnownAnswer.KindName);
        services.AddSingleton<AiAccount>();
        services.AddSingleton<AskModel>();
        services.AddSingleton<ReadVocabulary>();
        services.AddSingleton<NearMisses>();
        services.AddSingleton<AskModelForRule>();
        services.AddSingleton<SuggestSegment>();
        services.AddSingleton<ReadAudience>();
        services.AddSingleton<PastResults>();
        services.AddSingleton<VariantResults>();
        services.AddSingleton<MessageCheck>();
        services.AddSingleton<WriteMessages>();
        services.AddSingleton<IValidator<MessageRequest>, MessageRequestValidator>();
        services.AddSingleton<SummarizeCampaign>();
        services.AddSingleton<TagCampaign>();
        services.AddSingleton<ReadPopulation>();
        services.AddSingleton<ReadTrend>();
        services.AddSingleton<DescribeSegment>();
        services.AddSingleton<FindLookalikes>();
        services.AddSingleton<IValidator<LookalikeRequest>, LookalikeRequestValidator>();
        services.AddSingleton<IValidator<SegmentText>, SegmentTextValidator>();
        services.AddApiTag("Insights", "What the figures say, in words and in rules.");
        return services;
    }
}
