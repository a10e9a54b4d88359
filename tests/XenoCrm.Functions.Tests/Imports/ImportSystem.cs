using System.Text;
using System.Text.Json;
using Azure.Storage.Blobs;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Accounts;
using XenoCrm.AppHost;
using XenoCrm.Customers;
using XenoCrm.Local.CosmosEmulator;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

[assembly: AssemblyFixture(typeof(XenoCrm.Imports.ImportStorage))]

namespace XenoCrm.Imports;

/// <summary>A real Azurite and a Cosmos emulator, for all tests of imports.</summary>
public sealed class ImportStorage : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("xeno-imports-").FullName;
    private readonly SemaphoreSlim once = new(1);
    private AzuriteProcess? azurite;
    private EmulatorServer? cosmos;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Started by the first test that needs it.</summary>
    internal async Task<(string Storage, Uri Cosmos)> StartAsync()
    {
        await once.WaitAsync();
        try
        {
            azurite ??= await AzuriteProcess.StartAsync(new() { Folder = folder });
            cosmos ??= await EmulatorServer.StartAsync(new() { Port = 0 });
            return (azurite.ConnectionString, cosmos.Endpoint);
        }
        finally
        {
            once.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (azurite is not null)
        {
            await azurite.DisposeAsync();
        }

        if (cosmos is not null)
        {
            await cosmos.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
        once.Dispose();
    }
}

/// <summary>The import feature over storage of its own, as one process of the function app has it.</summary>
internal sealed class ImportSystem : IAsyncDisposable
{
    private readonly ServiceProvider services;

    private ImportSystem(ServiceProvider services) => this.services = services;

    public WorkspaceStore<ImportJob> Jobs => Get<WorkspaceStore<ImportJob>>();

    public static async Task<ImportSystem> StartAsync(ImportStorage storage, Action<ImportOptions>? configure = null, string? database = null, HttpMessageHandler? cosmosHandler = null)
    {
        var (connection, cosmos) = await storage.StartAsync();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AzureWebJobsStorage"] = connection,
            ["Cosmos:Endpoint"] = cosmos.ToString(),
            ["Cosmos:Key"] = EmulatorOptions.WellKnownKey,
            ["Cosmos:Database"] = database ?? "t" + Guid.NewGuid().ToString("N"),
            ["Signing:Key"] = Convert.ToBase64String(new byte[32]),
            ["Workspace:AddressKey"] = Convert.ToBase64String(new byte[32]),
        }).Build();
        var registered = new ServiceCollection();
        registered.AddLogging();
        registered.AddPlatform(configuration).AddCustomers(configuration).AddOrders(configuration).AddImports(configuration);
        registered.AddSingleton<ISegmentTagger, NoSegments>();
        if (cosmosHandler is not null)
        {
            registered.Configure<CosmosOptions>(o => o.HttpClientFactory = () => new(cosmosHandler, disposeHandler: false));
        }

        registered.Configure<ImportOptions>(o => configure?.Invoke(o));
        var system = new ImportSystem(registered.BuildServiceProvider());
        await system.Get<CosmosDatabase>().EnsureCreatedAsync();
        await new CreateImportContainers(system.Get<BlobServiceClient>()).StartAsync(TestContext.Current.CancellationToken);
        return system;
    }

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>Drops a file into the container, as the blob trigger would announce it.</summary>
    /// <returns>The job's id.</returns>
    public async Task<string> DropAsync(string name, byte[] file, Dictionary<string, string>? metadata = null)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var blob = Get<BlobServiceClient>().GetBlobContainerClient(ImportBlobs.ContainerName).GetBlobClient(name);
        await blob.UploadAsync(new BinaryData(file), new Azure.Storage.Blobs.Models.BlobUploadOptions { Metadata = metadata }, cancellation);
        var properties = (await blob.GetPropertiesAsync(cancellationToken: cancellation)).Value;
        await Get<RegisterImport>().HandleAsync(name, cancellation);
        return ImportBlobs.JobId(name, properties.ETag.ToString(), properties.LastModified);
    }

    public Task RunAsync(string id, CancellationToken cancellation) => Get<RunImport>().HandleAsync(new(id), cancellation);

    /// <summary>Until the job is over, as the queue would deliver its messages.</summary>
    public async Task<ImportJob> FinishAsync(string id)
    {
        var cancellation = TestContext.Current.CancellationToken;
        while (true)
        {
            await RunAsync(id, cancellation);
            var job = await JobAsync(id);
            if (job.IsOver)
            {
                return job;
            }
        }
    }

    public async Task<ImportJob> JobAsync(string id) => (await Jobs.ReadAsync(id, TestContext.Current.CancellationToken)).ShouldNotBeNull().Value;

    public async Task<List<ReportedRow>> ReportAsync(ImportJob job)
    {
        var rows = new List<ReportedRow>();
        await foreach (var (_, _, row) in Get<ImportResults>().ReadAsync(job.Id, job.Runs, (1, 1), TestContext.Current.CancellationToken))
        {
            rows.Add(row);
        }

        return rows;
    }

    public async Task<List<T>> QueryAsync<T>(string sql)
    {
        using var pages = Get<CosmosDatabase>().Container(CustomerStore.ContainerName).GetItemQueryStreamIterator(sql);
        var found = new List<T>();
        while (pages.HasMoreResults)
        {
            found.AddRange((await CosmosPages.ReadAsync<T>(pages, TestContext.Current.CancellationToken)).Select(v => v.Value));
        }

        return found;
    }

    /// <summary>Answers a request as the HTTP function does, problems included.</summary>
    public async Task<(int Status, JsonElement Body, string Text)> AnswerAsync(Func<HttpRequest, Task<IResult>> function, Action<HttpRequest> prepare)
    {
        var http = new DefaultHttpContext { RequestServices = services };
        http.SetCaller(new("u1", "Test", Role.Admin));
        prepare(http.Request);
        using var answer = new MemoryStream();
        http.Response.Body = answer;
        try
        {
            await (await function(http.Request)).ExecuteAsync(http);
        }
        catch (ProblemException expected)
        {
            await ProblemMiddleware.WriteAsync(http, expected.Problem);
        }

        var text = Encoding.UTF8.GetString(answer.ToArray());
        return (http.Response.StatusCode, http.Response.ContentType?.Contains("json") == true ? JsonDocument.Parse(text).RootElement : default, text);
    }

    /// <summary>Sends a file to the route of its kind.</summary>
    public Task<(int Status, JsonElement Body, string Text)> PostAsync(string csv, string query = "", ImportKind kind = ImportKind.Customers) =>
        PostAsync(Encoding.UTF8.GetBytes(csv), query, kind);

    public Task<(int Status, JsonElement Body, string Text)> PostAsync(byte[] csv, string query = "", ImportKind kind = ImportKind.Customers) =>
        AnswerAsync(
            r => Get<UploadImport>().HandleAsync(r, kind, TestContext.Current.CancellationToken),
            r => (r.ContentType, r.ContentLength, r.Body, r.QueryString) = ("text/csv", csv.Length, new MemoryStream(csv), new(query)));

    public ValueTask DisposeAsync() => services.DisposeAsync();

    private sealed class NoSegments : ISegmentTagger
    {
        public ValueTask RefreshAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public IReadOnlyList<string> SegmentsOf(Customer customer) => [];

        public string? NameOf(string segmentId) => null;
    }
}
