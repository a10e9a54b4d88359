using System.Text.Json;
using Azure.Identity;
using Azure.Storage.Blobs;
using Azure.Storage.Queues;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform.Queues;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Platform;

public static class PlatformFeature
{
    /// <summary>Storage clients, paging, clock: what every feature stands on.</summary>
    public static IServiceCollection AddPlatform(this IServiceCollection services, IConfiguration configuration)
    {
        var skew = configuration.GetValue<TimeSpan>($"{WorkspaceOptions.Section}:{nameof(WorkspaceOptions.ClockSkew)}");
        services.TryAddSingleton(skew == TimeSpan.Zero ? TimeProvider.System : new SkewedClock(skew));
        services.AddOptions<CosmosOptions>().Bind(configuration.GetSection(CosmosOptions.Section))
            .Validate(o => Uri.IsWellFormedUriString(o.Endpoint, UriKind.Absolute), "Cosmos__Endpoint must be the account's address.").ValidateOnStart();
        services.AddOptions<SigningOptions>().Bind(configuration.GetSection(SigningOptions.Section))
            .Validate(o => o.Key.Length >= 44, "Signing__Key must be at least 32 bytes in base64.").ValidateOnStart();

        services.AddOptions<WorkspaceOptions>().Bind(configuration.GetSection(WorkspaceOptions.Section))
            .Validate(o => o.Currency.Length == 3, "Workspace__Currency must be an ISO 4217 code.").ValidateOnStart();

        services.AddOptions<RateLimitOptions>().Bind(configuration.GetSection(RateLimitOptions.Section))
            .Validate(o => o.Window >= TimeSpan.FromSeconds(1), "RateLimits__Window must be at least a second.").ValidateOnStart();
        services.AddOptions<CorsOptions>().Bind(configuration.GetSection(CorsOptions.Section))
            .Validate(o => o.Origins.All(u => u == "*" || (Uri.TryCreate(u, UriKind.Absolute, out var uri) && uri.AbsolutePath == "/")), "Cors__Origins__* are origins such as https://app.example, or *.")
            .ValidateOnStart();

        // The worker reads queue messages with these options: what JobQueue writes must come back.
        services.Configure<JsonSerializerOptions>(options =>
        {
            foreach (var converter in Json.Options.Converters)
            {
                options.Converters.Add(converter);
            }
        });

        services.AddSingleton<Ids>();
        services.AddSingleton<CosmosDatabase>();
        services.AddSingleton(Workspace.Definition);
        services.AddSingleton<Cursors>();
        services.AddSingleton<RateLimits>();
        services.AddSingleton<JobQueue>();
        services.AddSingleton<QueueWork>();
        services.AddOptions<IdempotencyOptions>().Bind(configuration.GetSection(IdempotencyOptions.Section))
            .Validate(o => o.Lease >= TimeSpan.FromSeconds(1) && o.Wait >= TimeSpan.Zero, "Idempotency__Lease must be at least a second, __Wait not negative.").ValidateOnStart();
        services.AddSingleton(StoredRequests.Definition);
        services.AddSingleton<StoredRequests>();
        services.AddWorkspaceStore<PoisonMessage>(PoisonMessage.KindName);
        services.AddSingleton<PoisonMessages>();
        services.AddSingleton<IdempotentRequests>();
        services.AddSingleton(_ => QueueService(configuration));
        services.AddSingleton(_ => BlobService(configuration));
        services.AddHostedService<ExportTelemetry>();
        services.AddHostedService<CreateStorage>();
        services.AddApiTag("Health", "Probes.");
        services.AddApiTag("Errors", "What this service answers when something is wrong.");
        return services;
    }

    /// <summary>A kind of small document (see <see cref="WorkspaceStore{T}"/>).</summary>
    /// <param name="isAudited">People or keys make and change them.</param>
    public static IServiceCollection AddWorkspaceStore<T>(this IServiceCollection services, string kind, bool isAudited = false)
        where T : class, IWorkspaceItem =>
        services.AddSingleton(provider => new WorkspaceStore<T>(provider.GetRequiredService<CosmosDatabase>(), kind, isAudited));

    // Base64 as in host.json: the host decodes what this client encodes.
    private static QueueServiceClient QueueService(IConfiguration configuration)
    {
        var options = new QueueClientOptions { MessageEncoding = QueueMessageEncoding.Base64 };
        return configuration["AzureWebJobsStorage"] is { Length: > 0 } connection
            ? new QueueServiceClient(connection, options)
            : new QueueServiceClient(new Uri(Required(configuration, "AzureWebJobsStorage:queueServiceUri")), new DefaultAzureCredential(), options);
    }

    private static BlobServiceClient BlobService(IConfiguration configuration) =>
        configuration["AzureWebJobsStorage"] is { Length: > 0 } connection
            ? new BlobServiceClient(connection)
            : new BlobServiceClient(new Uri(Required(configuration, "AzureWebJobsStorage:blobServiceUri")), new DefaultAzureCredential());

    private static string Required(IConfiguration configuration, string key) =>
        configuration[key] ?? throw new InvalidOperationException($"The setting {key} is missing.");
}
