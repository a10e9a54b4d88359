using Azure.Storage.Blobs;
using Microsoft.Extensions.Hosting;

namespace XenoCrm.Imports;

/// <summary>The blob containers must exist before the first file can be dropped.</summary>
public sealed class CreateImportContainers(BlobServiceClient service) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await service.GetBlobContainerClient(ImportBlobs.ContainerName).CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        await service.GetBlobContainerClient(ImportResults.ContainerName).CreateIfNotExistsAsync(cancellationToken: cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
