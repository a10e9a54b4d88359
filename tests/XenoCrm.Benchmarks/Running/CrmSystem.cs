using System.Text.Json;
using Azure.Storage.Blobs;
using Microsoft.Azure.Cosmos;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Benchmarks;

/// <summary>The whole system, started as a person would, with data of its own that goes when it is disposed of.</summary>
internal sealed class CrmSystem : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly AppHostProcess _host;
    private readonly HttpClient _http = new();

    private CrmSystem(TemporaryFolder folder, AppHostProcess host, ApiClient api) => (_folder, _host, Api) = (folder, host, api);

    /// <summary>Logged in as the administrator.</summary>
    public ApiClient Api { get; }

    public AppHostProcess Host => _host;

    /// <summary>A place for files that a benchmark makes.</summary>
    public string this[string file] => _folder[file];

    /// <param name="arguments">Further arguments for the AppHost, such as <c>--vendor chaos</c>.</param>
    public static async Task<CrmSystem> StartAsync(params string[] arguments)
    {
        using var stage = Report.Begin("starting the system");
        var folder = new TemporaryFolder();
        try
        {
            var host = await AppHostProcess.StartAsync(folder["data"], AppHostProcess.FreePortBase(), arguments);
            try
            {
                return new CrmSystem(folder, host, await host.LogInAsync());
            }
            catch
            {
                await host.DisposeAsync();
                throw;
            }
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Processor time and memory of one of its processes: <c>functions</c>, <c>cosmos</c>, <c>azurite</c>, <c>vendor</c>.</summary>
    public ProcessUsage Usage(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder["data"], "processes.json")));
        var process = json.RootElement.EnumerateArray().Last(p => p.GetProperty("Name").GetString() == name);
        return ProcessUsage.Of(process.GetProperty("Id").GetInt32());
    }

    /// <summary>What the database has been asked for since its start.</summary>
    public async Task<(double Requests, double Units)> DatabaseAsync()
    {
        using var json = JsonDocument.Parse(await _http.GetStringAsync(new Uri($"http://127.0.0.1:{_host.Ports.Cosmos}/_stats")));
        return (json.RootElement.GetProperty("requests").GetDouble(), json.RootElement.GetProperty("requestUnits").GetDouble());
    }

    /// <summary>The database's counters when what follows a campaign (customers are told of their messages) is over too, without what asking for that takes.</summary>
    public async Task<(double Requests, double Units)> QuietAsync()
    {
        using var stage = Report.Begin("waiting until the customers are told");
        using var client = new CosmosClient($"http://127.0.0.1:{_host.Ports.Cosmos}", CosmosProcess.Key, new() { ConnectionMode = ConnectionMode.Gateway, LimitToEndpoint = true });
        var last = await DatabaseAsync();
        var (requests, units) = (0.0, 0.0);
        for (var still = 0; still < 3;)
        {
            await Task.Delay(1000);
            var now = await DatabaseAsync();
            using var query = client.GetContainer("xenocrm", "deliveries").GetItemQueryIterator<int>("SELECT VALUE COUNT(1) FROM c WHERE c.unrecorded = true");
            var untold = (await query.ReadNextAsync()).Single();
            // The timers ask a little all the time.
            still = untold == 0 && now.Requests - last.Requests < 30 ? still + 1 : 0;
            last = await DatabaseAsync();
            (requests, units) = (requests + last.Requests - now.Requests, units + last.Units - now.Units);
        }

        return (last.Requests - requests, last.Units - units);
    }

    /// <summary>Drops a file where imports are picked up, such as <c>customers/a.csv</c>.</summary>
    public async Task DropAsync(string path, string file)
    {
        var container = new BlobContainerClient(_host.StorageConnectionString, "imports");
        await container.CreateIfNotExistsAsync();
        await container.GetBlobClient(path).UploadAsync(file, overwrite: true);
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        _http.Dispose();
        await _host.DisposeAsync();
        _folder.Dispose();
    }
}
