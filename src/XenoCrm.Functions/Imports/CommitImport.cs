using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Imports;

/// <summary>
/// Carries out a dry run of a large file: an import of the same version of the blob, with the same settings and columns.
/// Its rows are decided again by what is stored then; rows for which that is not what the dry run said get a warning.
/// A dry run is carried out once: asking again answers the same import.
/// </summary>
public sealed class CommitImport(WorkspaceStore<ImportJob> jobs, ImportBlobs blobs, JobQueue queue, Ids ids, TimeProvider clock)
{
    public async Task<ImportView> HandleAsync(string id, Caller caller, CancellationToken cancellation)
    {
        var dry = (await jobs.ReadAsync(id, cancellation))?.Value ?? throw new ImportNotFound(id).ToException();
        if (!dry.DryRun || dry.State != ImportState.Completed)
        {
            throw new NotDryRun(id).ToException();
        }

        if (dry.Blob is null)
        {
            throw new FileNotKept(id).ToException();
        }

        if (dry.CommitId is null)
        {
            if (dry.FilesDeletedAt is not null)
            {
                throw new DryRunExpired(id).ToException();
            }

            // Looked at here for an answer in time; the import itself reads this version and no other.
            var blob = await blobs.PropertiesAsync(dry.Blob, cancellation) ?? throw new FileGone().ToException();
            if (blob.ETag.ToString() != dry.BlobETag)
            {
                throw new TokenMismatch("version of the file").ToException();
            }

            // The id is settled first: whoever comes after a crash between the steps goes on with the same.
            var commit = ids.New();
            dry = (await jobs.UpdateAsync(id, j => j.CommitId is null ? j with { CommitId = commit } : null, cancellation))?.Value
                ?? throw new ImportNotFound(id).ToException();
        }

        var job = new ImportJob
        {
            Id = dry.CommitId!,
            State = ImportState.Queued,
            Target = dry.Target,
            Blob = dry.Blob,
            BlobETag = dry.BlobETag,
            Size = dry.Size,
            Settings = dry.Settings,
            Columns = dry.Columns,
            Cut = dry.Cut,
            DryRunId = dry.Id,
            CreatedBy = caller.Id,
            CreatedAt = clock.GetUtcNow(),
        };
        if (await jobs.TryCreateAsync(job, cancellation) is null)
        {
            job = (await jobs.ReadAsync(job.Id, cancellation))?.Value ?? job;
        }

        if (!job.IsOver)
        {
            await queue.SendAsync(RegisterImport.Queue, new ImportMessage(job.Id), null, cancellation);
        }

        return ImportView.Of(job);
    }
}
