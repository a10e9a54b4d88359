using Microsoft.Azure.Cosmos;
using XenoCrm.AppHost;

namespace XenoCrm.Benchmarks;

/// <summary>The Cosmos emulator as a process of its own.</summary>
internal sealed class CosmosProcess : IAsyncDisposable
{
    public const string Key = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==";

    private readonly ChildProcess _process;

    private CosmosProcess(ChildProcess process, Uri endpoint) => (_process, Endpoint) = (process, endpoint);

    public Uri Endpoint { get; }

    public int Id => _process.Id;

    public ProcessUsage Usage => ProcessUsage.Of(_process.Id);

    /// <summary>Starts it on a free port and waits until it is ready. Writes are on disk before they are acknowledged, unless the arguments say otherwise.</summary>
    public static async Task<CosmosProcess> StartAsync(string dataFolder, params string[] arguments)
    {
        var ready = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = ChildProcess.Start(new ChildProcessOptions
        {
            Name = "cosmos",
            FileName = "dotnet",
            Arguments = [Repository.Assembly("CosmosEmulator", "XenoCrm.Local.CosmosEmulator"), "--port", "0", "--data", dataFolder, .. arguments.Contains("--flush") ? [] : new[] { "--flush", "disk" }, .. arguments],
            OnOutput = line =>
            {
                if (line.StartsWith("Cosmos emulator ready at ", StringComparison.Ordinal))
                    ready.TrySetResult(new Uri(line[(line.LastIndexOf(' ') + 1)..]));
            },
        });
        if (await Task.WhenAny(ready.Task, process.Exited) == ready.Task)
            return new CosmosProcess(process, await ready.Task);
        var output = string.Join('\n', process.Tail());
        await process.DisposeAsync();
        throw new LocalException($"The emulator ended while starting:\n{output}");
    }

    public CosmosClient Connect(bool bulk = false) => new(Endpoint.ToString(), Key, new CosmosClientOptions
    {
        ConnectionMode = ConnectionMode.Gateway,
        LimitToEndpoint = true,
        AllowBulkExecution = bulk,
        GatewayModeMaxConnectionLimit = 256,
    });

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => _process.KillAsync();

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
