using System.Collections.Concurrent;
using Azure.Core;
using Azure.Storage.Blobs;
using Azure.Storage.Queues;
using Microsoft.Extensions.Configuration;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Storage;

/// <summary>
/// Clients by the name of their connection. Retries are few and short: every caller here is a loop that comes back by
/// itself, and a lease must be known as lost before it has run out.
/// </summary>
internal sealed class StorageClients(IConfiguration configuration)
{
    public const string DefaultConnection = "AzureWebJobsStorage";

    /// <summary>The container in which the host keeps receipts, timer states and locks.</summary>
    public const string HostContainer = "azure-webjobs-hosts";

    private readonly ConcurrentDictionary<string, BlobServiceClient> _blobs = new();
    private readonly ConcurrentDictionary<string, QueueServiceClient> _queues = new();

    public BlobServiceClient Blobs(string? connection)
        => _blobs.GetOrAdd(connection ?? DefaultConnection, name => new BlobServiceClient(ConnectionString(name), Short(new BlobClientOptions())));

    /// <summary>
    /// A client that leaves the message text as it is: the runtime decodes it itself, so that a text that is not base64
    /// reaches the poison queue unchanged instead of failing the whole batch it came with.
    /// </summary>
    public QueueClient Queue(string? connection, string queue)
        => _queues.GetOrAdd(connection ?? DefaultConnection, name => new QueueServiceClient(ConnectionString(name), Short(new QueueClientOptions())))
            .GetQueueClient(queue);

    public BlobContainerClient Host => Blobs(null).GetBlobContainerClient(HostContainer);

    /// <exception cref="FunctionsStartException">There is no such setting.</exception>
    public string ConnectionString(string name)
        => configuration["AzureWebJobs" + name] ?? configuration[name] ?? configuration.GetConnectionString(name)
            ?? throw new FunctionsStartException($"The storage connection '{name}' is not set: give the setting {name} a connection string.");

    private static T Short<T>(T options)
        where T : ClientOptions
    {
        options.Retry.MaxRetries = 2;
        options.Retry.Delay = TimeSpan.FromMilliseconds(200);
        options.Retry.MaxDelay = TimeSpan.FromSeconds(1);
        options.Retry.NetworkTimeout = TimeSpan.FromSeconds(30);
        options.Diagnostics.IsDistributedTracingEnabled = false;
        return options;
    }
}
