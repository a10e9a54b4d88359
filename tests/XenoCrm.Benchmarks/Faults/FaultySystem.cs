using System.Globalization;
using System.Text.Json;
using XenoCrm.AppHost;
using XenoCrm.Scenarios;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>
/// The whole system, started as a person would, under a chaotic vendor and with a cable that can be cut between the app
/// and each of its neighbours.
/// </summary>
internal sealed class FaultySystem : IAsyncDisposable
{
    /// <summary>What the AppHost starts and watches over.</summary>
    public static readonly string[] Processes = ["functions", "cosmos", "azurite", "vendor"];

    /// <summary>Those that keep something on disk.</summary>
    public static readonly string[] WithFiles = ["cosmos", "azurite", "vendor"];

    private static readonly HashSet<int> Taken = [];

    private readonly TemporaryFolder _folder = new();
    private readonly int _portBase = TakePorts();
    private readonly LocalPorts _ports;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private AppHostProcess? _host;

    public FaultySystem()
    {
        _ports = new LocalPorts(_portBase);
        Cables = new Dictionary<string, TcpProxy>
        {
            ["cosmos"] = new(_ports.Cosmos), ["blobs"] = new(_ports.Blobs), ["queues"] = new(_ports.Queues), ["vendor"] = new(_ports.Vendor), ["webhooks"] = new(_ports.Api),
        };
    }

    /// <summary>By what is at the other end; of <c>webhooks</c> the app is.</summary>
    public IReadOnlyDictionary<string, TcpProxy> Cables { get; }

    public Uri Api => new($"http://127.0.0.1:{_ports.Api}/");
    public Uri Vendor => new($"http://127.0.0.1:{_ports.Vendor}/");
    public Uri Cosmos => new($"http://127.0.0.1:{_ports.Cosmos}/");
    public string Storage => AzuriteProcess.ConnectionStringFor((_ports.Blobs, _ports.Queues, _ports.Tables));
    public string Data => _folder["data"];

    /// <summary>How wrong the app's clock is.</summary>
    public TimeSpan Skew { get; private set; }

    public string this[string file] => _folder[file];

    /// <remarks>
    /// Waits that guard against slow machines are shorter here, and so is the vendor's outage: what is waited for is the
    /// same, and that the guard is there at all is what a run proves. Code is not compiled a second time: the processes
    /// do not live long enough.
    /// </remarks>
    /// <param name="skew">Added to the app's clock.</param>
    public async Task StartAsync(TimeSpan skew)
    {
        Skew = skew;
        _host = await AppHostProcess.StartAsync(Data, _portBase, new Dictionary<string, string>
        {
            ["AzureWebJobsStorage"] = AzuriteProcess.ConnectionStringFor((Cables["blobs"].Port, Cables["queues"].Port, _ports.Tables)),
            ["Cosmos__Endpoint"] = $"http://127.0.0.1:{Cables["cosmos"].Port}/",
            ["Vendors__Generic__BaseAddress"] = $"http://127.0.0.1:{Cables["vendor"].Port}/",
            ["PublicBaseAddress"] = $"http://127.0.0.1:{Cables["webhooks"].Port}",
            ["Workspace__ClockSkew"] = skew.ToString("c", CultureInfo.InvariantCulture),
            ["Idempotency__Lease"] = "00:00:05",
            ["Idempotency__Wait"] = "00:00:05",
            ["DOTNET_TC_CallCounting"] = "0",
        }, "--vendor", "chaos", "--vendor-option=--outage-after=1000", "--vendor-option=--outage-for=5000");
    }

    /// <summary>Everything at once, the AppHost included, and up again.</summary>
    public async Task KillAllAsync(TimeSpan skew)
    {
        await _host!.KillTreeAsync();
        await _host.DisposeAsync();
        await StartAsync(skew);
    }

    /// <summary>The process that now has the part; null while it is being started.</summary>
    public int? ProcessOf(string part)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Data, "processes.json")));
            return json.RootElement.EnumerateArray().Last(p => p.GetProperty("Name").GetString() == part).GetProperty("Id").GetInt32();
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Lets the database refuse that share of its requests.</summary>
    public async Task RefuseAsync(double percent)
    {
        try
        {
            using var answer = await _http.PutAsync(new Uri(Cosmos, string.Create(CultureInfo.InvariantCulture, $"_faults?percent={percent}")), null);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            // It is just being started, and refuses nothing then.
        }
    }

    /// <summary>Leave the data where it is when this is disposed of, for somebody to look into.</summary>
    public bool Keep { get; set; }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _host = null;
        foreach (var cable in Cables.Values)
            await cable.DisposeAsync();
        _http.Dispose();
        lock (Taken)
            Taken.Remove(_portBase);
        if (!Keep)
            _folder.Dispose();
    }

    /// <summary>Ports that no other system of this process has, not even while it is being killed and they look free.</summary>
    private static int TakePorts()
    {
        lock (Taken)
        {
            int ports;
            do
                ports = AppHostProcess.FreePortBase();
            while (Taken.Any(t => Math.Abs(t - ports) < LocalPorts.Count));
            Taken.Add(ports);
            return ports;
        }
    }
}
