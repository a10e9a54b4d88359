namespace XenoCrm.AppHost;

/// <summary>One process of the system: how to start it, when it is ready, and how long it may take to stop.</summary>
internal sealed record ServiceDefinition(ChildProcessOptions Process, Func<Task<bool>> IsReady, TimeSpan Grace)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(5) }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Ready once this address answers with success.</summary>
    public static Func<Task<bool>> Answers(string address) => async () =>
    {
        try
        {
            using var response = await Http.GetAsync(address);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    };
}

/// <summary>Keeps a process running: started again, with back-off, when it ends although nobody asked it to.</summary>
internal sealed class Service(ServiceDefinition definition, Action<string> say, Action<ChildProcess> started) : IAsyncDisposable
{
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private ChildProcess? _process;
    private Task _supervision = Task.CompletedTask;

    public string Name => definition.Process.Name;
    public ChildProcess? Process => _process;

    /// <summary>Starts the process and waits until it is ready; from then on it is kept running.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        StartProcess();
        await WaitUntilReadyAsync(cancellation);
        _supervision = SuperviseAsync();
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        if (_process is not null)
            await _process.StopAsync(definition.Grace);
        await _supervision;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_process is not null)
            await _process.DisposeAsync();
        _stop.Dispose();
    }

    private void StartProcess()
    {
        _process = ChildProcess.Start(definition.Process);
        started(_process);
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        var process = _process!;
        var deadline = TimeProvider.System.GetTimestamp();
        while (!await definition.IsReady())
        {
            if (process.Exited.IsCompleted)
                throw new LocalException($"{Name} ended while starting (exit code {await process.Exited}). {Tail(process)}");
            if (TimeProvider.System.GetElapsedTime(deadline) > ReadyWithin)
                throw new LocalException($"{Name} is not ready after {ReadyWithin.TotalSeconds:0} s. {Tail(process)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellation);
        }
    }

    private async Task SuperviseAsync()
    {
        var backOff = TimeSpan.FromSeconds(0.5);
        while (true)
        {
            var process = _process!;
            var since = TimeProvider.System.GetTimestamp();
            var exitCode = await process.Exited;
            if (_stop.IsCancellationRequested)
                return;
            if (TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromMinutes(1))
                backOff = TimeSpan.FromSeconds(0.5);
            say($"{Name} ended unexpectedly (exit code {exitCode}); starting it again in {backOff.TotalSeconds:0.#} s. {Tail(process)}");
            try
            {
                await Task.Delay(backOff, _stop.Token);
                backOff = backOff * 2 < MaxBackOff ? backOff * 2 : MaxBackOff;
                await process.DisposeAsync();
                StartProcess();
                await WaitUntilReadyAsync(_stop.Token);
                say($"{Name} is running again.");
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (LocalException e)
            {
                // It ended again or hangs: the loop reports an end and tries once more; what hangs is put down first.
                say(e.Message);
                if (!_process!.Exited.IsCompleted)
                    await _process.KillAsync();
            }
        }
    }

    private static string Tail(ChildProcess process) =>
        $"Its log: {process.LogFile}. The end of it:\n{string.Join('\n', process.Tail().TakeLast(15).Select(l => "    " + l))}";
}
