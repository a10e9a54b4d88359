using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Imports;

/// <summary>What the queue <c>imports</c> carries.</summary>
public sealed record ImportMessage(string Id);

/// <summary>
/// A file has arrived: makes the job that the file stands for, and a message to work on it. May be called any number of
/// times for the same file. The job is stored before the message is sent, so a crash between the two leaves a job that
/// the next call sends the message for.
/// </summary>
public sealed class RegisterImport(
    WorkspaceStore<ImportJob> jobs, ImportBlobs blobs, JobQueue queue, TimeProvider clock, ILogger<RegisterImport> log)
{
    public const string Queue = "imports";

    /// <param name="name">The blob's name within the container: <c>customers/spring.csv</c>.</param>
    public async Task HandleAsync(string name, CancellationToken cancellation)
    {
        if (await blobs.PropertiesAsync(name, cancellation) is not { } blob)
        {
            return; // deleted meanwhile: there is nothing to import
        }

        var job = await AnnouncedAsync(name, blob, cancellation) ?? await CreateAsync(name, blob, cancellation);
        if (!job.IsOver)
        {
            await queue.SendAsync(Queue, new ImportMessage(job.Id), null, cancellation);
            log.ImportRegistered(job.Id);
        }
    }

    /// <summary>The job that <see cref="StartImport"/> made when it handed out the address, for the first file that comes there.</summary>
    private async Task<ImportJob?> AnnouncedAsync(string name, BlobProperties blob, CancellationToken cancellation)
    {
        var id = Path.GetFileNameWithoutExtension(name);
        if (!Guid.TryParseExact(id, "N", out _))
        {
            return null;
        }

        var etag = blob.ETag.ToString();
        var job = await jobs.UpdateAsync(
            id,
            j => j.State == ImportState.AwaitingUpload && j.Blob == name
                ? j with { State = ImportState.Queued, BlobETag = etag, Size = blob.ContentLength, Ttl = null }
                : null,
            cancellation);
        return job?.Value is { } announced && announced.Blob == name && announced.BlobETag == etag ? announced : null;
    }

    private async Task<ImportJob> CreateAsync(string name, BlobProperties blob, CancellationToken cancellation)
    {
        var etag = blob.ETag.ToString();
        var folder = name.Split('/')[0];
        var job = new ImportJob
        {
            Id = ImportBlobs.JobId(name, etag, blob.LastModified),
            State = ImportState.Queued,
            Target = Enum.TryParse<ImportKind>(folder, ignoreCase: true, out var kind) && Enum.IsDefined(kind) && !char.IsDigit(folder[0]) ? kind : null,
            Blob = name,
            BlobETag = etag,
            Size = blob.ContentLength,
            CreatedAt = clock.GetUtcNow(),
        };

        if (job.Target is not { } target)
        {
            job = job.Fail(new KindUnknown(folder), clock.GetUtcNow());
        }
        else
        {
            try
            {
                // A dropped blob says in its metadata what a request says in its query.
                var given = new Dictionary<string, string>(blob.Metadata, StringComparer.OrdinalIgnoreCase);
                job = job with
                {
                    Settings = ImportSettings.Read(target, given.GetValueOrDefault),
                    DryRun = ImportSettings.Flag("dryRun", given.GetValueOrDefault),
                };
            }
            catch (ProblemException invalid)
            {
                job = job.Fail(invalid.Problem, clock.GetUtcNow());
            }
        }

        if (await jobs.TryCreateAsync(job, cancellation) is null)
        {
            return (await jobs.ReadAsync(job.Id, cancellation))?.Value ?? job;
        }

        if (job.Failure is { } failure)
        {
            log.ImportFailed(job.Id, failure.Code);
        }

        return job;
    }
}
