using System.Globalization;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;
using XenoCrm.Local.VendorSimulator;

namespace XenoCrm.Scenarios.Hosting;

/// <summary>
/// A running system whose app can be killed and started again while what it stands on (storage, database, a chaotic
/// vendor in this process) stays. The AppHost does it too, but waits longer before each start.
/// </summary>
internal sealed class KillableSystem : IAsyncDisposable
{
    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly LocalPorts _ports = new(AppHostProcess.FreePortBase());
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly Dictionary<string, string> _settings;
    private AzuriteProcess? _azurite;
    private ChildProcess? _cosmos, _app;
    private VendorSimulatorServer? _vendor;

    /// <summary>What was under way goes on when its lease ends; nobody waits the usual half minute here.</summary>
    private KillableSystem() => _settings = new(LocalSettings.For(_ports)) { ["FUNCTIONS_QUEUE_LEASE"] = "00:00:02", ["Idempotency__Lease"] = "00:00:02" };

    public VendorSimulatorServer Vendor => _vendor!;

    public int Kills { get; private set; }

    /// <summary>With the chaotic vendor of the demo.</summary>
    /// <param name="seed">Of what the vendor does.</param>
    public static async Task<KillableSystem> StartAsync(int seed)
    {
        var system = new KillableSystem();
        try
        {
            await system.StartPlatformAsync(seed);
            await system.StartAppAsync();
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public async Task<ApiClient> LogInAsync()
    {
        var api = new ApiClient(new Uri($"http://127.0.0.1:{_ports.Api}/"), _settings["Auth__Admin__Email"], _settings["Auth__Admin__Password"]);
        await api.LogInAsync(CancellationToken.None);
        return api;
    }

    /// <summary>Starts the app and waits until it is ready.</summary>
    public async Task StartAppAsync()
    {
        var assembly = Repository.Assembly("XenoCrm.Functions", "XenoCrm.Functions");
        _app = Start("functions", [assembly], Path.GetDirectoryName(assembly), _settings);
        await ReadyAsync(_app, $"http://127.0.0.1:{_ports.Api}/api/health/ready");
    }

    /// <summary>kill -9.</summary>
    public async Task KillAppAsync()
    {
        await _app!.KillAsync();
        await _app.DisposeAsync();
        Kills++;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in new IAsyncDisposable?[] { _app, _vendor, _cosmos, _azurite })
            await (part?.DisposeAsync() ?? default);
        _http.Dispose();
        _folder.Dispose();
    }

    private async Task StartPlatformAsync(int seed)
    {
        _azurite = await AzuriteProcess.StartAsync(new AzuriteOptions { Folder = _folder["azurite"], AtPorts = (_ports.Blobs, _ports.Queues, _ports.Tables) });
        _cosmos = Start("cosmos",
            [Repository.Assembly("CosmosEmulator", "XenoCrm.Local.CosmosEmulator"), "--port", _ports.Cosmos.ToString(CultureInfo.InvariantCulture), "--data", _folder["cosmos"], "--flush", "os"], null, null);
        _vendor = await VendorSimulatorServer.StartAsync(new VendorOptions
        {
            Port = _ports.Vendor, DataFolder = _folder["vendor"], Seed = seed,
            ApiKey = _settings["Vendors__Generic__ApiKey"], ReceiptSecret = _settings["Vendors__Generic__ReceiptSecrets__0"],
        }.Chaos());
        await ReadyAsync(_cosmos, $"http://127.0.0.1:{_ports.Cosmos}/_health");
    }

    private ChildProcess Start(string name, string[] arguments, string? workingDirectory, Dictionary<string, string>? environment) => ChildProcess.Start(new ChildProcessOptions
    {
        Name = name,
        FileName = "dotnet",
        Arguments = arguments,
        WorkingDirectory = workingDirectory,
        Environment = environment ?? [],
        LogFile = _folder[name + ".log"],
    });

    private async Task ReadyAsync(ChildProcess process, string address)
    {
        for (var since = TimeProvider.System.GetTimestamp(); ;)
        {
            try
            {
                using var answer = await _http.GetAsync(new Uri(address));
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // Not yet.
            }
            if (process.Exited.IsCompleted || TimeProvider.System.GetElapsedTime(since) > StartsWithin)
                throw new InvalidOperationException($"{process.Name} did not start:\n{string.Join('\n', process.Tail())}");
            await Task.Delay(30);
        }
    }
}
