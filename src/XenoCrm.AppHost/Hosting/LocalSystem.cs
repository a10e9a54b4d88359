using System.Globalization;

namespace XenoCrm.AppHost;

/// <summary>
/// Everything that Xeno CRM needs, on this machine: storage, database, vendor and the function app, started in that
/// order, kept running, and stopped in the reverse order.
/// </summary>
public sealed class LocalSystem : IAsyncDisposable
{
    private readonly DataFolder _folder;
    private readonly Dictionary<string, string> _settings;
    private readonly List<Service> _running = [];
    private readonly Service _azurite, _cosmos, _vendor, _app;

    private LocalSystem(LocalSystemOptions options, DataFolder folder, Action<string> say)
    {
        _folder = folder;
        Ports = new LocalPorts(options.PortBase);
        _settings = LocalSettings.For(Ports);
        var output = options.Verbose ? say : null;
        Service Make(string name, string fileName, string[] arguments, Func<Task<bool>> isReady, TimeSpan grace, string? workingDirectory = null, IReadOnlyDictionary<string, string>? environment = null) =>
            new(new ServiceDefinition(
                new ChildProcessOptions
                {
                    Name = name,
                    FileName = fileName,
                    Arguments = arguments,
                    WorkingDirectory = workingDirectory,
                    Environment = environment ?? new Dictionary<string, string>(),
                    LogFile = Path.Combine(folder["logs"], name + ".log"),
                    OnOutput = output is null ? null : line => output($"{name}: {line}"),
                }, isReady, grace), say, folder.Record);

        _azurite = Make("azurite", "node", AzuriteProcess.Arguments(folder["azurite"], (Ports.Blobs, Ports.Queues, Ports.Tables)),
            () => AzuriteProcess.ListensAsync((Ports.Blobs, Ports.Queues, Ports.Tables)), TimeSpan.FromSeconds(10));
        _cosmos = Make("cosmos", "dotnet",
            [Repository.Assembly("CosmosEmulator", "XenoCrm.Local.CosmosEmulator"), "--port", Text(Ports.Cosmos), "--data", folder["cosmos"],
                // Like Azurite and the vendor here: what is acknowledged survives the death of the process; waiting for
                // the disk would guard one of three stores against the death of the machine, which helps nobody.
                "--flush", "os"],
            ServiceDefinition.Answers($"http://127.0.0.1:{Ports.Cosmos}/_health"), TimeSpan.FromSeconds(15));
        _vendor = Make("vendor", "dotnet",
            [
                Repository.Assembly("VendorSimulator", "XenoCrm.Local.VendorSimulator"), "--port", Text(Ports.Vendor), "--data", folder["vendor"],
                "--api-key", _settings.Required("Vendors__Generic__ApiKey"), "--receipt-secret", _settings.Required("Vendors__Generic__ReceiptSecrets__0"),
                .. options.VendorArguments,
            ],
            ServiceDefinition.Answers($"http://127.0.0.1:{Ports.Vendor}/health"), TimeSpan.FromSeconds(10));
        var app = Repository.Assembly("XenoCrm.Functions", "XenoCrm.Functions");
        // Under Core Tools instead, as CI runs what is published: the folder with the built Azure flavour.
        var published = Environment.GetEnvironmentVariable("XENO_CORE_TOOLS_APP");
        var (host, arguments) = published is null ? ("dotnet", [app]) : ("func", (string[])["start", "--no-build", "--port", Text(Ports.Api)]);
        // The grace is the runtime's own for work that is under way (30 s), and a little more.
        _app = Make("functions", host, arguments, ServiceDefinition.Answers($"http://127.0.0.1:{Ports.Api}/api/health/ready"), TimeSpan.FromSeconds(35),
            workingDirectory: published ?? Path.GetDirectoryName(app), environment: _settings);
    }

    public LocalPorts Ports { get; }
    public Uri Api => new($"http://127.0.0.1:{Ports.Api}/");
    public Uri Vendor => new($"http://127.0.0.1:{Ports.Vendor}/");
    public string StorageConnectionString => _settings["AzureWebJobsStorage"];
    public string AdminEmail => _settings.Required("Auth__Admin__Email");
    public string AdminPassword => _settings.Required("Auth__Admin__Password");
    public string DataPath => _folder.Path;
    public string LogPath => _folder["logs"];

    /// <summary>For files that are about to be imported.</summary>
    public string InputPath => _folder["input"];

    /// <summary>The process of the function app that is running now.</summary>
    public int? AppProcessId => _app.Process?.Id;

    /// <summary>Starts everything and waits until all of it is ready.</summary>
    /// <exception cref="LocalException">Something is in the way, with what to do about it.</exception>
    public static async Task<LocalSystem> StartAsync(LocalSystemOptions options, Action<string> say, CancellationToken cancellation)
    {
        await AzuriteInstallation.EnsureAsync(say, cancellation);
        var folder = await DataFolder.OpenAsync(options.DataFolder, options.Fresh, options.Demo, say, cancellation);
        try
        {
            await CheckPortsAsync(new LocalPorts(options.PortBase), cancellation);
            var system = new LocalSystem(options, folder, say);
            try
            {
                await Task.WhenAll(system.StartAsync(system._azurite, cancellation), system.StartAsync(system._cosmos, cancellation), system.StartAsync(system._vendor, cancellation));
                await system.StartAsync(system._app, cancellation);
                return system;
            }
            catch
            {
                await system.StopAsync();
                throw;
            }
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }

    private async Task StartAsync(Service service, CancellationToken cancellation)
    {
        lock (_running)
            _running.Add(service);
        await service.StartAsync(cancellation);
    }

    /// <summary>The app first, so that it can finish what is under way while what it needs is still there.</summary>
    private async Task StopAsync()
    {
        foreach (var service in new[] { _app, _vendor, _cosmos, _azurite })
        {
            if (_running.Contains(service))
                await service.DisposeAsync();
        }
        _running.Clear();
    }

    private static async Task CheckPortsAsync(LocalPorts ports, CancellationToken cancellation)
    {
        if (ports.Base is < 1 or > 65535 - LocalPorts.Count)
            throw new LocalException($"--port-base must be between 1 and {65535 - LocalPorts.Count}.");
        foreach (var (what, port) in ports.All)
        {
            // Briefly: a process that has just been killed may still be giving its port back.
            for (var tries = 0; !XenoCrm.AppHost.Ports.IsFree(port); tries++)
            {
                if (tries == 20)
                    throw new LocalException($"Port {port} ({what}) is used by another program. Stop it, or choose six other ports in a row with --port-base N (now {ports.Base}).");
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellation);
            }
        }
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
