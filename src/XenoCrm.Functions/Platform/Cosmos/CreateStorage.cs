using Microsoft.Extensions.Hosting;

namespace XenoCrm.Platform.Cosmos;

/// <summary>Creates the database and its containers before the first function runs.</summary>
public sealed class CreateStorage(CosmosDatabase database) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => database.EnsureCreatedAsync();

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
