using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Imports;

public static class ImportsFeature
{
    /// <summary>CSV files into customers and orders: within a request, or as a job from the blob container <c>imports</c>.</summary>
    public static IServiceCollection AddImports(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ImportOptions>().Bind(configuration.GetSection(ImportOptions.Section))
            .Validate(o => o.RunRows is >= 1 and <= 10_000, "Imports__RunRows must be from 1 to 10000.")
            .Validate(o => o.RunBytes is >= 1 and <= 64 * 1024 * 1024, "Imports__RunBytes must be from 1 to 67108864.")
            .Validate(o => o.HeldBytes is >= 1 and <= 256 * 1024 * 1024, "Imports__HeldBytes must be from 1 to 268435456.")
            .Validate(o => o.AtOnce is >= 1 and <= 32, "Imports__AtOnce must be from 1 to 32.")
            .Validate(o => o.TimeSlice > TimeSpan.Zero, "Imports__TimeSlice must be positive.")
            .Validate(o => o.FairSlice >= TimeSpan.Zero, "Imports__FairSlice must not be negative.")
            .Validate(o => o.MaxUploadBytes > 0, "Imports__MaxUploadBytes must be positive.")
            .Validate(o => o.FileRetention > TimeSpan.Zero, "Imports__FileRetention must be positive.")
            .ValidateOnStart();

        services.AddWorkspaceStore<ImportJob>(ImportJob.KindName, isAudited: true);
        services.AddWorkspaceStore<RememberedMapping>(RememberedMapping.KindName, isAudited: true);
        services.AddSingleton<MappingMemory>();
        services.AddSingleton<PreviewMapping>();
        services.AddSingleton<ImportBlobs>();
        services.AddSingleton<ImportResults>();
        services.AddSingleton<ImportJournal>();
        services.AddSingleton<ImportPipeline>();
        services.AddSingleton<DryRuns>();
        services.AddSingleton<DryRunResults>();
        services.AddSingleton<ImportTokens>();
        services.AddSingleton<CommitImport>();
        services.AddSingleton<ReadImportChanges>();
        services.AddSingleton<UploadImport>();
        services.AddSingleton<EndAbandonedUploads>();
        services.AddSingleton<RegisterImport>();
        services.AddSingleton<RunImport>();
        services.AddSingleton<StartImport>();
        services.AddSingleton<CancelImport>();
        services.AddSingleton<DeleteImportFiles>();
        services.AddSingleton<UndoImport>();
        services.AddSingleton<UndoReport>();
        services.AddSingleton<ReadImportErrors>();
        services.AddSingleton<IValidator<StartImportRequest>, StartImportValidator>();
        services.AddHostedService<CreateImportContainers>();
        services.AddApiTag("Imports", "CSV files of customers and orders: mapping, dry run, progress, row errors, undo.");
        return services;
    }
}
