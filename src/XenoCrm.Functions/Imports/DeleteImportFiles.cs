using Azure;
using Azure.Storage.Blobs;
using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Imports;

/// <summary>
/// Deletes what imports that are over have left in blobs: the file, its row errors, dry runs and journals. They hold
/// people's data, and are not kept longer than <see cref="ImportOptions.FileRetention"/>.
/// </summary>
public sealed class DeleteImportFiles(WorkspaceStore<ImportJob> jobs, BlobServiceClient service, IOptions<ImportOptions> options, TimeProvider clock)
{
    /// <summary>One timer's turn; the next one goes on.</summary>
    private const int AtOnce = 500;

    public async Task HandleAsync(CancellationToken cancellation)
    {
        var before = clock.GetUtcNow() - options.Value.FileRetention;
        var query = new QueryDefinition(
            $"SELECT TOP {AtOnce} * FROM c WHERE c.createdAt < @before AND c.finishedAt < @before AND c.state IN ('completed', 'failed', 'cancelled', 'undone') AND NOT IS_DEFINED(c.filesDeletedAt)")
            .WithParameter("@before", UtcTimeConverter.Write(before));
        await foreach (var (job, _) in jobs.QueryAsync(query, cancellation))
        {
            // Its commit is reading the file and what it found.
            if (job.CommitId is { } commit && (await jobs.ReadAsync(commit, cancellation))?.Value.IsOver == false)
            {
                continue;
            }

            if (job.Blob is { } name)
            {
                await DeleteFileAsync(name, job.BlobETag, cancellation);
            }

            var results = service.GetBlobContainerClient(ImportResults.ContainerName);
            await foreach (var blob in results.GetBlobsAsync(prefix: job.Id + "/", cancellationToken: cancellation))
            {
                await results.DeleteBlobIfExistsAsync(blob.Name, cancellationToken: cancellation);
            }

            await jobs.UpdateAsync(job.Id, j => j with { FilesDeletedAt = clock.GetUtcNow() }, cancellation);
        }
    }

    /// <summary>A file that was put under the same name since is another import's.</summary>
    private async Task DeleteFileAsync(string name, string? etag, CancellationToken cancellation)
    {
        try
        {
            var conditions = etag is null ? null : new Azure.Storage.Blobs.Models.BlobRequestConditions { IfMatch = new ETag(etag) };
            await service.GetBlobContainerClient(ImportBlobs.ContainerName).GetBlobClient(name).DeleteIfExistsAsync(conditions: conditions, cancellationToken: cancellation);
        }
        catch (RequestFailedException exception) when (exception.Status is 404 or 412)
        {
            // Gone, or another version.
        }
    }

    [Function("DeleteImportFiles")]
    public Task Run([TimerTrigger("0 17 * * * *")] TimerInfo timer, CancellationToken cancellation) => HandleAsync(cancellation);
}
