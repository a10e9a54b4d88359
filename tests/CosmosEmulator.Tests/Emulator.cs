using Microsoft.Azure.Cosmos;

[assembly: AssemblyFixture(typeof(XenoCrm.Local.CosmosEmulator.Tests.Emulator))]

namespace XenoCrm.Local.CosmosEmulator.Tests;

/// <summary>
/// The endpoint the suite runs against: an emulator in this process, or whatever COSMOS_ENDPOINT and COSMOS_KEY name (the
/// official emulator, the service), to hold both to the same tests.
/// </summary>
public sealed class Emulator : IAsyncLifetime
{
    private readonly List<Database> _databases = [];
    private EmulatorServer? _server;

    public CosmosClient Client { get; private set; } = null!;

    public Uri Endpoint { get; private set; } = null!;

    public static string Key => Environment.GetEnvironmentVariable("COSMOS_KEY") is { Length: > 0 } key ? key : EmulatorOptions.WellKnownKey;

    public static bool IsForeign => Environment.GetEnvironmentVariable("COSMOS_ENDPOINT") is { Length: > 0 };

    public async ValueTask InitializeAsync()
    {
        if (IsForeign)
        {
            Endpoint = new Uri(Environment.GetEnvironmentVariable("COSMOS_ENDPOINT")!);
        }
        else
        {
            _server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0 });
            Endpoint = _server.Endpoint;
        }

        Client = Connect(Endpoint, Key);
    }

    public static CosmosClient Connect(Uri endpoint, string? key = null, Action<CosmosClientOptions>? configure = null)
    {
        var options = new CosmosClientOptions { ConnectionMode = ConnectionMode.Gateway, LimitToEndpoint = true };
        configure?.Invoke(options);
        return new CosmosClient(endpoint.ToString(), key ?? EmulatorOptions.WellKnownKey, options);
    }

    /// <summary>An empty container in a database of its own.</summary>
    public async Task<Container> NewContainer(string keyPath = "/pk", Action<ContainerProperties>? configure = null)
    {
        var properties = new ContainerProperties("items", keyPath);
        configure?.Invoke(properties);
        return await (await NewDatabase()).CreateContainerAsync(properties);
    }

    public async Task<Database> NewDatabase()
    {
        Database database = await Client.CreateDatabaseAsync($"test-{Guid.NewGuid():n}");
        lock (_databases)
        {
            _databases.Add(database);
        }

        return database;
    }

    public async ValueTask DisposeAsync()
    {
        if (IsForeign)
        {
            foreach (var database in _databases)
            {
                await database.DeleteAsync();
            }
        }

        Client?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
