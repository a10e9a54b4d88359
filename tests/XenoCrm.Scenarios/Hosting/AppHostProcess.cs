using System.Diagnostics;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;

namespace XenoCrm.Scenarios.Hosting;

/// <summary>The AppHost as a child process, as a person would start it.</summary>
public sealed class AppHostProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private AppHostProcess(ChildProcess process, int portBase)
    {
        _process = process;
        Ports = new LocalPorts(portBase);
    }

    public LocalPorts Ports { get; }
    public Uri Api => new($"http://127.0.0.1:{Ports.Api}/");
    public Uri Vendor => new($"http://127.0.0.1:{Ports.Vendor}/");
    public int Id => _process.Id;
    public IReadOnlyList<string> Output => _process.Tail();
    public string StorageConnectionString => AzuriteProcess.ConnectionStringFor((Ports.Blobs, Ports.Queues, Ports.Tables));

    /// <summary>Starts it and waits until it says that it runs.</summary>
    public static Task<AppHostProcess> StartAsync(string dataFolder, int portBase, params string[] arguments) => StartAsync(dataFolder, portBase, NoEnvironment, arguments);

    /// <summary>Starts it with environment variables, such as settings of the app.</summary>
    public static async Task<AppHostProcess> StartAsync(string dataFolder, int portBase, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = Start(["--data", dataFolder, "--port-base", portBase.ToString(), .. arguments], line =>
        {
            if (line.StartsWith("Running.", StringComparison.Ordinal))
                running.TrySetResult();
        }, environment);
        var first = await Task.WhenAny(running.Task, process.Exited, Task.Delay(TimeSpan.FromSeconds(120)));
        if (first != running.Task)
        {
            await process.KillAsync();
            throw new InvalidOperationException($"The AppHost did not start:\n{string.Join('\n', process.Tail())}");
        }
        return new AppHostProcess(process, portBase);
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, IReadOnlyList<string> Output)> RunAsync(TimeSpan within, Action<string>? onOutput, params string[] arguments)
    {
        var lines = new List<string>();
        await using var process = Start(arguments, line =>
        {
            lock (lines)
                lines.Add(line);
            onOutput?.Invoke(line);
        });
        if (await Task.WhenAny(process.Exited, Task.Delay(within)) != process.Exited)
        {
            await process.KillAsync();
            throw new TimeoutException($"Not ended within {within}:\n{string.Join('\n', process.Tail())}");
        }
        lock (lines)
            return (process.Exited.Result, [.. lines]);
    }

    public async Task<ApiClient> LogInAsync()
    {
        var settings = LocalSettings.Load();
        var api = new ApiClient(Api, settings["Auth__Admin__Email"], settings["Auth__Admin__Password"]);
        await api.LogInAsync(CancellationToken.None);
        return api;
    }

    /// <summary>kill -9 of the AppHost and everything it started.</summary>
    public Task KillTreeAsync() => _process.KillAsync();

    /// <summary>kill -9 of the AppHost alone: its children see the pipe close.</summary>
    public async Task KillAloneAsync()
    {
        using var process = Process.GetProcessById(_process.Id);
        process.Kill(entireProcessTree: false);
        await process.WaitForExitAsync();
    }

    /// <summary>The process of the function app.</summary>
    public Process Functions() => Process.GetProcesses().Single(p => p.ProcessName == "dotnet" && IsFunctions(p.Id));

    private bool IsFunctions(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Contains("XenoCrm.Functions.dll", StringComparison.Ordinal)
                && File.ReadAllText($"/proc/{id}/status").Contains($"PPid:\t{_process.Id}\n", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // it has ended
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.StopAsync(TimeSpan.FromSeconds(60));
        await _process.DisposeAsync();
    }

    /// <summary>The first of free ports in a row.</summary>
    public static int FreePortBase()
    {
        // Below 32768: from there on Linux takes ports for outgoing connections, and a port that a killed process has
        // just given up could be gone.
        for (var tries = 0; tries < 200; tries++)
        {
            var taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(e => e.Port).ToHashSet();
            var start = 23000 + RandomNumberGenerator.GetInt32(900);
            if (Enumerable.Range(start, LocalPorts.Count).All(p => !taken.Contains(p)))
                return start;
        }
        throw new InvalidOperationException("No free ports in a row.");
    }

    private static readonly Dictionary<string, string> NoEnvironment = [];

    private static ChildProcess Start(string[] arguments, Action<string> onOutput, IReadOnlyDictionary<string, string>? environment = null) => ChildProcess.Start(new ChildProcessOptions
    {
        Name = "apphost",
        FileName = "dotnet",
        Arguments = [Repository.Assembly("XenoCrm.AppHost", "XenoCrm.AppHost"), .. arguments],
        OnOutput = onOutput,
        // After a crash, what was under way goes on when its lease ends; scenarios need not wait the usual ten seconds.
        Environment = new Dictionary<string, string>(environment ?? NoEnvironment) { ["FUNCTIONS_QUEUE_LEASE"] = "00:00:03" },
    });
}
