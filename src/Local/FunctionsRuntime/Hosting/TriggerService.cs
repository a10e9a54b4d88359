using Microsoft.Extensions.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>Starts the listeners when the whole app has started, and stops them first when it stops.</summary>
internal sealed class TriggerService(Shutdown shutdown, IHostApplicationLifetime lifetime) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(shutdown.Begin);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
