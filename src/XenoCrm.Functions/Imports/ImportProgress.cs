using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>The job as this invocation knows it, written under its ETag.</summary>
internal sealed class ImportProgress(WorkspaceStore<ImportJob> jobs, TimeProvider clock, ILogger log, ImportJob job, string etag)
{
    private string etag = etag;
    private long since = clock.GetTimestamp();

    public ImportJob Job { get; private set; } = job;

    /// <summary>The job is not this invocation's any more.</summary>
    public bool Lost { get; private set; }

    /// <param name="pause">The work goes on in another invocation.</param>
    /// <returns>False: someone else owns the job now, or it was cancelled; nothing more is to be written.</returns>
    public async Task<bool> CommitAsync(ImportRun run, bool pause, CancellationToken cancellation)
    {
        var worked = clock.GetElapsedTime(since).TotalSeconds;
        since = clock.GetTimestamp();
        ImportJob Counted(ImportJob j)
        {
            var counted = j with
            {
                Counts = j.Counts + run.Counts,
                Runs = run.Number,
                Next = run.Next,
                Read = j.Read + run.Bytes + run.Rows,
                Attributes = run.Next is null ? null : run.Attributes,
                WorkedSeconds = j.WorkedSeconds + worked,
                Worker = pause ? null : j.Worker,
            };
            return run.Next is null ? counted with { State = ImportState.Completed, FinishedAt = clock.GetUtcNow() }
                : j.State == ImportState.Cancelling ? counted with { State = ImportState.Cancelled, FinishedAt = clock.GetUtcNow() }
                : counted;
        }

        if (!await SaveAsync(Counted, cancellation))
        {
            // Cancelled while the run was written: it counts all the same, it is in the data.
            var worker = Job.Worker;
            await jobs.UpdateAsync(
                Job.Id, j => j.State == ImportState.Cancelling && j.Worker == worker && j.Runs == run.Number - 1 ? Counted(j) : null, cancellation);
            return false;
        }

        ImportMetrics.Counted(Job.Target, run.Counts);
        if (Job.State == ImportState.Completed)
        {
            var counts = Job.Counts;
            log.ImportCompleted(
                Job.Id, counts.Rows, counts.Created, counts.Updated, counts.Unchanged, counts.Failed, Math.Round(counts.Rows / Math.Max(Job.WorkedSeconds, 0.001)));
        }

        return !Job.IsOver;
    }

    public async Task<bool> SaveAsync(Func<ImportJob, ImportJob> change, CancellationToken cancellation)
    {
        var changed = change(Job);
        if (await jobs.TryReplaceAsync(changed, etag, cancellation) is not { } next)
        {
            log.ImportTakenOver(Job.Id);
            Lost = true;
            return false;
        }

        (Job, etag) = (changed, next);
        return true;
    }

    /// <summary>It is known from elsewhere that somebody else works on the job.</summary>
    public void Lose()
    {
        log.ImportTakenOver(Job.Id);
        Lost = true;
    }

    public async Task FailAsync(Problem problem, CancellationToken cancellation)
    {
        if (await SaveAsync(j => j.Fail(problem, clock.GetUtcNow()), cancellation))
        {
            log.ImportFailed(Job.Id, problem.Code);
        }
    }
}
