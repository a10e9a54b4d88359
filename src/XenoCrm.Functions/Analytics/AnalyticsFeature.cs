using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Campaigns;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Analytics;

public static class AnalyticsFeature
{
    /// <summary>Figures over the whole workspace, and the hours at which people answer.</summary>
    public static IServiceCollection AddAnalytics(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AnalyticsOptions>().Bind(configuration.GetSection(AnalyticsOptions.Section))
            .Validate(o => TimeZoneInfo.TryFindSystemTimeZoneById(o.TimeZone, out _), "Analytics__TimeZone must be the IANA name of a time zone, such as Europe/Zurich.")
            .Validate(o => o.ActiveDays is >= 1 and <= 3650, "Analytics__ActiveDays must be between 1 and 3650.")
            .Validate(o => o.MaxAge >= TimeSpan.Zero, "Analytics__MaxAge must not be negative.")
            .Validate(o => o.Patience > TimeSpan.Zero && o.Patience <= TimeSpan.FromMinutes(3), "Analytics__Patience must be above 0 and at most 3 minutes: no answer takes longer.")
            .ValidateOnStart();
        services.AddSingleton<RollUpTools>();
        AddRollUps<MonthRollUps>(services);
        AddRollUps<CustomerRollUp>(services);
        AddRollUps<CampaignRollUps>(services);
        AddRollUps<CohortRollUps>(services);
        AddRollUps<SendTimeRollUps>(services);
        services.AddSingleton<ReadDashboard>();
        services.AddSingleton<CompareCampaigns>();
        services.AddSingleton<ReadRevenue>();
        services.AddSingleton<ReadCohorts>();
        services.AddSingleton<SendTimes>();
        services.AddSingleton<BestHour>(provider => provider.GetRequiredService<SendTimes>().BestHour);
        services.AddSingleton<PrepareBestHours>(provider => provider.GetRequiredService<SendTimes>().PrepareAsync);
        services.AddSingleton<IValidator<SendTimeRequest>, SendTimeRequestValidator>();
        services.AddApiTag("Analytics", "Figures over the whole workspace: dashboard, campaigns side by side, revenue, cohorts, best times.");
        return services;
    }

    private static void AddRollUps<T>(IServiceCollection services)
        where T : class, IRollUps
    {
        services.AddSingleton<T>();
        services.AddSingleton<IRollUps>(provider => provider.GetRequiredService<T>());
    }
}
