using Azure.Storage.Queues;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Blobs;
using XenoCrm.Local.FunctionsRuntime.Queues;
using XenoCrm.Local.FunctionsRuntime.Storage;
using XenoCrm.Local.FunctionsRuntime.Timers;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>Waits for the events of one function that is not triggered by HTTP.</summary>
internal interface ITriggerListener
{
    Function Function { get; }

    /// <summary>What it listens to, for the start-up table.</summary>
    string Describe();

    /// <summary>Ends after <see cref="Shutdown.Stopping"/>, when what it began has ended; never throws.</summary>
    Task Run();
}

/// <summary>
/// Starts a listener per function when the whole app has started (its other hosted services may be what a function
/// needs), and stops them when it stops: no new work, then time for what runs, then cancellation.
/// </summary>
internal sealed class TriggerService(
    FunctionCatalog catalog,
    IServiceProvider services,
    StorageClients storage,
    IConfiguration configuration,
    Shutdown shutdown,
    IHostApplicationLifetime lifetime,
    ILogger<TriggerService> logger) : IHostedLifecycleService
{
    private readonly List<ITriggerListener> _listeners = [];
    private Task _running = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var function in catalog.Functions.Where(f => f.Trigger is not HttpTriggerAttribute))
        {
            try
            {
                _listeners.Add(Listener(function));
            }
            catch (Exception e) when (e is FunctionsStartException or FormatException or ArgumentException)
            {
                throw new FunctionsStartException($"Function '{function.Name}': {e.Message}", e);
            }
        }
        lifetime.ApplicationStopping.Register(shutdown.Begin);
        ExitWithParent.Watch(lifetime, shutdown.AtOnce);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var addresses = services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        StartupTable.Write(logger, catalog, _listeners, addresses, services.GetRequiredService<HostSettings>());
        // Whatever activity the start belongs to is not the parent of what the listeners will run.
        using (ExecutionContext.SuppressFlow())
            _running = Task.WhenAll(_listeners.Select(l => Task.Run(l.Run)));
        return Task.CompletedTask;
    }

    // The web server stops next and drains its requests; listeners stop meanwhile.
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        shutdown.Begin();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        shutdown.Begin();
        try
        {
            await _running.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            logger.LogWarning("Functions that do not heed their cancellation token are left running as the process ends; their messages will be delivered again");
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private ITriggerListener Listener(Function function) => function.Trigger switch
    {
        QueueTriggerAttribute trigger => QueueListener(function, trigger),
        BlobTriggerAttribute trigger => ActivatorUtilities.CreateInstance<BlobListener>(
            services, function, storage.Blobs(trigger.Connection), BlobPath.Parse(Settings.Resolve(trigger.BlobPath, configuration))),
        TimerTriggerAttribute trigger => ActivatorUtilities.CreateInstance<TimerListener>(
            services, function, trigger, TimerSchedule.Parse(Settings.Resolve(trigger.Schedule, configuration))),
        _ => throw new FunctionsStartException("its trigger is not known."),
    };

    private QueueListener QueueListener(Function function, QueueTriggerAttribute trigger)
    {
        const string suffix = "-poison";
        var name = Settings.Resolve(trigger.QueueName, configuration).ToLowerInvariant();
        var queue = storage.Queue(trigger.Connection, name);
        // A poison queue has no poison queue.
        var poison = name.EndsWith(suffix, StringComparison.Ordinal) ? null : storage.Queue(trigger.Connection, name + suffix);
        return new QueueListener(
            function,
            queue,
            poison,
            services.GetRequiredService<HostSettings>(),
            services.GetRequiredService<FunctionExecutor>(),
            services.GetRequiredService<IServiceScopeFactory>(),
            shutdown,
            services.GetRequiredService<ILogger<QueueListener>>());
    }
}
