using Azure.Identity;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Platform.Cosmos;

public sealed class CosmosOptions
{
    public const string Section = "Cosmos";

    /// <summary>The account's address.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>The account key; empty in Azure, where the managed identity is used.</summary>
    public string Key { get; set; } = "";

    public string Database { get; set; } = "xenocrm";

    /// <summary>What carries the requests; null: the SDK's own. Tests count and break them here.</summary>
    public Func<HttpClient>? HttpClientFactory { get; set; }
}

/// <summary>
/// A container as a feature declares it: the one source for what the service creates and for the infrastructure templates.
/// Indexed paths are named and all others excluded: each indexed path costs request units on every write.
/// </summary>
/// <param name="IncludedPaths">In Cosmos's notation: <c>/campaignId/?</c>, <c>/segmentIds/[]/?</c>, <c>/attributes/*</c>.</param>
/// <param name="CompositeIndexes">Each a list of paths; a leading <c>-</c> means descending.</param>
/// <param name="DefaultTtlSeconds">Null: items stay. -1: only items with their own <c>ttl</c> go.</param>
public sealed record ContainerDefinition(
    string Name, string PartitionKeyPath, string[] IncludedPaths, string[][] CompositeIndexes, int? DefaultTtlSeconds = null)
{
    public ContainerProperties ToProperties()
    {
        var policy = new IndexingPolicy { IndexingMode = IndexingMode.Consistent, Automatic = true };
        policy.ExcludedPaths.Add(new ExcludedPath { Path = "/*" });
        foreach (var path in IncludedPaths)
        {
            policy.IncludedPaths.Add(new IncludedPath { Path = path });
        }

        foreach (var composite in CompositeIndexes)
        {
            policy.CompositeIndexes.Add([.. composite.Select(p => new CompositePath
            {
                Path = p.TrimStart('-'),
                Order = p.StartsWith('-') ? CompositePathSortOrder.Descending : CompositePathSortOrder.Ascending,
            })]);
        }

        return new ContainerProperties(Name, PartitionKeyPath) { IndexingPolicy = policy, DefaultTimeToLive = DefaultTtlSeconds };
    }

    internal bool IsIndexedAsIn(ContainerProperties stored) =>
        IncludedPaths.ToHashSet().SetEquals(stored.IndexingPolicy.IncludedPaths.Select(p => p.Path))
        && CompositeIndexes.Select(c => string.Join(',', c)).ToHashSet().SetEquals(
            stored.IndexingPolicy.CompositeIndexes.Select(c => string.Join(',', c.Select(p => (p.Order == CompositePathSortOrder.Descending ? "-" : "") + p.Path))));
}

/// <summary>
/// The database and its two clients: one answers at once, the other groups point operations of many callers into
/// requests of up to 100 (it waits up to 100 ms for a group to fill, so it is for large runs only).
/// </summary>
public sealed class CosmosDatabase : IDisposable
{
    private readonly CosmosClient direct;
    private readonly CosmosClient bulk;
    private readonly string database;
    private readonly IReadOnlyList<ContainerDefinition> definitions;
    private readonly Lazy<Task> ready;

    public CosmosDatabase(IOptions<CosmosOptions> options, IEnumerable<ContainerDefinition> definitions)
    {
        var settings = options.Value;
        database = settings.Database;
        this.definitions = [.. definitions];
        direct = Connect(settings, allowBulk: false);
        bulk = Connect(settings, allowBulk: true);
        ready = new(CreateAsync);
    }

    /// <summary>For single operations, queries and transactional batches.</summary>
    public Container Container(string name) => direct.GetContainer(database, name);

    /// <summary>For runs of hundreds of point operations in flight at once.</summary>
    public Container BulkContainer(string name) => bulk.GetContainer(database, name);

    /// <summary>Creates what is missing, once per process. Called at start; harmless when everything exists.</summary>
    public Task EnsureCreatedAsync() => ready.Value;

    /// <summary>Touches the storage: the readiness probe.</summary>
    public Task PingAsync(CancellationToken cancellation) => direct.GetDatabase(database).ReadAsync(cancellationToken: cancellation);

    public void Dispose()
    {
        direct.Dispose();
        bulk.Dispose();
    }

    private static CosmosClient Connect(CosmosOptions settings, bool allowBulk)
    {
        // Gateway: Flex Consumption instances are many and short-lived, and the local emulator speaks only that.
        var options = new CosmosClientOptions
        {
            ConnectionMode = ConnectionMode.Gateway,
            LimitToEndpoint = true,
            ConsistencyLevel = ConsistencyLevel.Session,
            AllowBulkExecution = allowBulk,
            HttpClientFactory = settings.HttpClientFactory,
            EnableContentResponseOnWrite = false,
            ApplicationName = "xenocrm",
            UseSystemTextJsonSerializerWithOptions = Json.Options,
            MaxRetryAttemptsOnRateLimitedRequests = 15,
            MaxRetryWaitTimeOnRateLimitedRequests = TimeSpan.FromSeconds(30),

            // A trace of each of a hundred operations that share a request tells nothing, and is a tenth of their garbage.
            CosmosClientTelemetryOptions = new() { DisableDistributedTracing = allowBulk },
            CustomHandlers = { new RequestUnits() },
        };
        if (!allowBulk)
        {
            options.CustomHandlers.Add(new RequestCharges.Handler());
        }

        return settings.Key.Length > 0
            ? new CosmosClient(settings.Endpoint, settings.Key, options)
            : new CosmosClient(settings.Endpoint, new DefaultAzureCredential(), options);
    }

    private async Task CreateAsync()
    {
        var created = await direct.CreateDatabaseIfNotExistsAsync(database);
        foreach (var definition in definitions)
        {
            var container = await created.Database.CreateContainerIfNotExistsAsync(definition.ToProperties());
            if (!definition.IsIndexedAsIn(container.Resource))
            {
                await UpdateAsync(container.Container, definition);
            }
        }
    }

    /// <summary>A container of an earlier version: without the new one's indexes its sorted queries fail.</summary>
    private static async Task UpdateAsync(Container container, ContainerDefinition definition)
    {
        try
        {
            await container.ReplaceContainerAsync(definition.ToProperties());
        }
        catch (CosmosException exception) when (exception.StatusCode == System.Net.HttpStatusCode.Forbidden)
        {
            // A managed identity may use containers and not change them: there the templates do.
        }
    }
}
