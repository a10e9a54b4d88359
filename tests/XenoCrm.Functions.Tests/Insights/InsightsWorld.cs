using Azure.Storage.Queues;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Local.CosmosEmulator;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>The feature on an emulator in this process, with the town's customers and a clock that the test holds.</summary>
internal sealed class InsightsWorld : IAsyncDisposable
{
    private readonly EmulatorServer emulator;
    private readonly List<ServiceProvider> processes = [];
    private readonly Dictionary<string, string?> settings;

    private InsightsWorld(EmulatorServer emulator, Dictionary<string, string?>? settings)
    {
        this.emulator = emulator;
        this.settings = settings ?? [];
        Services = NewProcess();
    }

    public TestClock Clock { get; } = new(Town.Now);

    public IServiceProvider Services { get; }

    /// <param name="settings">Beside the usual ones: the model's.</param>
    public static async Task<InsightsWorld> StartAsync(Dictionary<string, string?>? settings = null, int customers = 400)
    {
        var world = new InsightsWorld(await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, FlushToDisk = false }), settings);
        await world.Get<CosmosDatabase>().EnsureCreatedAsync();
        var container = world.Get<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        await Task.WhenAll(Town.Customers.Take(customers).Select(c => container.UpsertItemAsync(c, new(c.Id))));
        await new WorkspaceStore<AttributeSchemaItem>(world.Get<CosmosDatabase>(), AttributeSchemaItem.KindName).TryCreateAsync(new() { Keys = Town.Attributes }, CancellationToken.None);
        return world;
    }

    /// <summary>Another instance of the app on the same storage.</summary>
    public ServiceProvider NewProcess(Dictionary<string, string?>? more = null)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).AddInMemoryCollection(more).AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Cosmos:Endpoint"] = emulator.Endpoint.ToString(),
            ["Cosmos:Key"] = EmulatorOptions.WellKnownKey,
            ["Signing:Key"] = Convert.ToBase64String(new byte[40]),
            ["Workspace:AddressKey"] = Convert.ToBase64String(new byte[40]),
            ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true",
            ["Vendors:Generic:BaseAddress"] = "http://127.0.0.1:9/",
        }).Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddSingleton<TimeProvider>(Clock);
        services.AddPlatform(configuration).AddCustomers(configuration).AddOrders(configuration).AddSegments(configuration).AddCampaigns().AddDelivery(configuration).AddInsights(configuration);
        services.Replace(ServiceDescriptor.Singleton<QueueServiceClient>(new TestQueue(Clock)));
        var process = services.BuildServiceProvider();
        processes.Add(process);
        return process;
    }

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public Task<ApiAnswer> PostAsync(Func<AiFunctions, HttpRequest, Task<IResult>> call, string? body = null, IServiceProvider? process = null)
    {
        var functions = ActivatorUtilities.CreateInstance<AiFunctions>(process ?? Services);
        return ApiCall.SendAsync(process ?? Services, r => call(functions, r), body, "application/json", "", null);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            await process.DisposeAsync();
        }

        await emulator.DisposeAsync();
    }
}
