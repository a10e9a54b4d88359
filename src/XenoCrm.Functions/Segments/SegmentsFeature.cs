using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Customers;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

public static class SegmentsFeature
{
    /// <summary>Rules, segments, and the tags that every write of a customer carries (<see cref="ISegmentTagger"/>).</summary>
    public static IServiceCollection AddSegments(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddWorkspaceStore<Segment>(Segment.KindName, isAudited: true);
        services.AddWorkspaceStore<SegmentBuild>(SegmentBuild.KindName);
        services.AddWorkspaceStore<GrowthYear>(GrowthYear.KindName);
        services.AddWorkspaceStore<LinksUnderWay>(LinksUnderWay.KindName);
        services.AddWorkspaceStore<RfmRun>(RfmRun.KindName, isAudited: true);
        services.AddSingleton<RuleCatalogue>();
        services.AddSingleton<RuleParser>();
        services.AddSingleton<SegmentTagger>();
        services.AddSingleton<ISegmentTagger>(provider => provider.GetRequiredService<SegmentTagger>());
        services.AddSingleton<SegmentDirectory>();
        services.AddSingleton<SegmentAudience>();
        services.AddSingleton<SegmentLinks>();
        services.AddSingleton<RebuildPass>();
        services.AddSingleton<SegmentRebuild>();
        services.AddSingleton<SegmentClock>();
        services.AddSingleton<SegmentGrowth>();
        services.AddSingleton<SegmentSchedule>();
        services.AddSingleton<RfmMeasure>();
        services.AddSingleton<RfmJob>();
        services.AddSingleton<ReadRfm>();
        services.AddSingleton<ListSegments>();
        services.AddSingleton<SaveSegment>();
        services.AddSingleton<DeleteSegment>();
        services.AddSingleton<ExportMembers>();
        services.AddOptions<ChannelPrices>().Bind(configuration.GetSection(ChannelPrices.Section));
        services.AddOptions<ReachOptions>().Bind(configuration.GetSection(ReachOptions.Section));
        services.AddSingleton<ChannelReach>();
        services.AddSingleton<PreviewSegment>();
        services.AddSingleton<ExplainSegment>();
        services.AddSingleton<IValidator<SegmentInput>, SegmentInputValidator>();
        services.AddSingleton<IValidator<PreviewRequest>, PreviewRequestValidator>();
        services.Configure<SwaggerGenOptions>(options => options.DocumentFilter<DescribeRule>());
        services.AddApiTag("Segments", "Rules that customers satisfy or not, live; preview, explanation, growth, RFM.");
        return services;
    }
}
