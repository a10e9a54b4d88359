using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace XenoCrm.Local.FunctionsRuntime.Tests;

/// <summary>A function app in the test's process, on a port of its own, with the functions of the given classes.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    // Not the test's own directory: the app's host.json lies there.
    private static readonly string s_empty = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "empty")).FullName;

    private readonly IHost _host;
    private bool _stopped;

    private TestApp(IHost host, LogCapture log)
    {
        _host = host;
        Log = log;
        var addresses = host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        Http = new HttpClient { BaseAddress = new Uri(addresses.Addresses.First()) };
    }

    public HttpClient Http { get; }

    public IServiceProvider Services => _host.Services;

    public LogCapture Log { get; }

    public Recorder Recorder => Services.GetRequiredService<Recorder>();

    /// <param name="functions">The classes whose functions run.</param>
    /// <param name="settings">Settings as the environment would give them; host.json values under AzureFunctionsJobHost.</param>
    /// <param name="configure">Services and middleware of the app.</param>
    /// <param name="before">What the functions do, set before the first event.</param>
    public static async Task<TestApp> Start(
        IEnumerable<Type> functions, IReadOnlyDictionary<string, string>? settings = null, Action<FunctionsApplicationBuilder>? configure = null, Action<Recorder>? before = null)
    {
        var (builder, log) = Builder(functions, settings, configure);
        var host = builder.Build();
        before?.Invoke(host.Services.GetRequiredService<Recorder>());
        await host.StartAsync();
        return new TestApp(host, log);
    }

    public static Task<TestApp> Start<T>(
        IReadOnlyDictionary<string, string>? settings = null, Action<FunctionsApplicationBuilder>? configure = null, Action<Recorder>? before = null)
        => Start([typeof(T)], settings, configure, before);

    public static (FunctionsApplicationBuilder Builder, LogCapture Log) Builder(
        IEnumerable<Type> functions, IReadOnlyDictionary<string, string>? settings = null, Action<FunctionsApplicationBuilder>? configure = null)
    {
        var arguments = new Dictionary<string, string> { ["urls"] = "http://127.0.0.1:0", ["contentRoot"] = s_empty, ["AzureWebJobsScriptRoot"] = s_empty, ["AzureFunctionsWebHost:hostid"] = AzuriteFixture.Unique("host") };
        foreach (var (name, value) in settings ?? new Dictionary<string, string>())
            arguments[name] = value;
        var builder = FunctionsApplication.CreateBuilder([.. arguments.Select(a => $"--{a.Key}={a.Value}")]);
        builder.ConfigureFunctionsWebApplication();
        builder.UseFunctionsFrom(functions);
        var log = new LogCapture();
        builder.Services.AddSingleton<Recorder>();
        builder.Logging.ClearProviders().AddProvider(log);
        configure?.Invoke(builder);
        return (builder, log);
    }

    public async Task Stop()
    {
        if (_stopped)
            return;
        _stopped = true;
        await _host.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        Http.Dispose();
        if (_host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
    }
}

/// <summary>Keeps what is logged, so that a test can look at it.</summary>
internal sealed class LogCapture : ILoggerProvider
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<(LogLevel Level, string Text, Exception? Exception)> _entries = new();

    public IReadOnlyCollection<(LogLevel Level, string Text, Exception? Exception)> Entries => _entries;

    public string Text => string.Join('\n', _entries.Select(e => $"{e.Level} {e.Text} {e.Exception}"));

    public ILogger CreateLogger(string categoryName) => new Logger(_entries);

    public void Dispose()
    {
    }

    private sealed class Logger(System.Collections.Concurrent.ConcurrentQueue<(LogLevel, string, Exception?)> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => entries.Enqueue((logLevel, formatter(state, exception), exception));
    }
}
