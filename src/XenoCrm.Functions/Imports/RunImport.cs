using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Imports;

/// <summary>
/// Works on a job until the file ends or the time slice is over. The job's checkpoint moves after a run is written, its
/// errors are kept, and its counts are known: after a crash anywhere the next delivery of the message reads at most one
/// run again, whose rows are recognised by their import mark and counted as what they were.
/// </summary>
public sealed class RunImport(
    WorkspaceStore<ImportJob> jobs, ImportBlobs blobs, ImportResults results, ImportPipeline pipeline, MappingMemory memory,
    DryRuns dryRuns, DryRunResults rehearsed, JobQueue queue,
    IOptions<ImportOptions> options, TimeProvider clock, ILogger<RunImport> log) : IDisposable
{
    private static readonly TimeSpan SlotWait = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim slots = new(options.Value.AtOnce);
    private int waiting;
    private long refusedAt = long.MinValue;

    public async Task HandleAsync(ImportMessage message, CancellationToken cancellation)
    {
        // The host hands out messages by number, not by what they need. Who finds no slot comes again: waiting here
        // would end in the host's time limit.
        Interlocked.Increment(ref waiting);
        bool isMine;
        try
        {
            isMine = await slots.WaitAsync(SlotWait, cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }

        if (!isMine)
        {
            Volatile.Write(ref refusedAt, clock.GetTimestamp());
            await queue.SendAsync(RegisterImport.Queue, message, SlotWait, cancellation);
            return;
        }

        try
        {
            await TakeAsync(message, cancellation);
        }
        finally
        {
            slots.Release();
        }
    }

    public void Dispose() => slots.Dispose();

    /// <summary>
    /// The message of a job was given up after many deliveries. When the job has come further since the last time that
    /// happened it was not the same failure (restarts count as deliveries): then it is tried again, else the job has failed.
    /// </summary>
    public async Task GiveUpAsync(ImportMessage message, CancellationToken cancellation)
    {
        var job = await jobs.UpdateAsync(
            message.Id,
            j => j.IsOver ? null
                : j.GivenUpAtRun == j.Runs ? j.Fail(new ImportPoisoned(), clock.GetUtcNow())
                : j with { GivenUpAtRun = j.Runs },
            cancellation);
        if (job is null)
        {
            log.ImportUnknown(message.Id);
        }
        else if (job.Value.Failure is { } failure)
        {
            log.ImportFailed(message.Id, failure.Code);
        }
        else if (!job.Value.IsOver)
        {
            log.ImportRetried(message.Id, job.Value.Runs);
            await queue.SendAsync(RegisterImport.Queue, message, TimeSpan.FromSeconds(15), cancellation);
        }
    }

    /// <summary>The time is up; or others wait for a slot, and this import has had its share: a small file is not to wait for large ones.</summary>
    private bool IsTimeToPause(TimeSpan worked) =>
        worked >= options.Value.TimeSlice
        || (worked >= options.Value.FairSlice
            && (Volatile.Read(ref waiting) > 0
                || (Volatile.Read(ref refusedAt) is > long.MinValue and var refused && clock.GetElapsedTime(refused) < 3 * SlotWait)));

    private async Task TakeAsync(ImportMessage message, CancellationToken cancellation)
    {
        // A message may be delivered twice at once. Who writes here last owns the job; the other's next write fails.
        var worker = Guid.NewGuid().ToString("N");
        var taken = await jobs.UpdateAsync(
            message.Id,
            j => j.IsOver || j.State == ImportState.AwaitingUpload ? null
                : j.State == ImportState.Cancelling && j.Format is null ? j with { State = ImportState.Cancelled, FinishedAt = clock.GetUtcNow(), Worker = null }
                : j with
            {
                State = j.State == ImportState.Cancelling ? j.State : ImportState.Running,
                StartedAt = j.StartedAt ?? clock.GetUtcNow(),
                Worker = worker,
            },
            cancellation);
        if (taken is null)
        {
            log.ImportUnknown(message.Id);
            return;
        }

        var (job, etag) = taken;
        if (job.Worker != worker)
        {
            return;
        }

        var progress = new ImportProgress(jobs, clock, log, job, etag);
        try
        {
            await WorkAsync(progress, cancellation);
        }
        catch (ProblemException expected)
        {
            await progress.FailAsync(expected.Problem, cancellation);
        }
        catch (ImportTakenOverException)
        {
            progress.Lose();
        }

        if (progress.Lost)
        {
            // Cancelled before anything was written: there is no run to count.
            await jobs.UpdateAsync(
                job.Id,
                j => j.State == ImportState.Cancelling && j.Worker == worker && j.Format is null ? j with { State = ImportState.Cancelled, FinishedAt = clock.GetUtcNow() } : null,
                cancellation);
        }

        // A write whose answer was lost looks like somebody else's: then nobody works on the job any more, and the
        // message must come again.
        if (progress.Lost && (await jobs.ReadAsync(job.Id, cancellation))?.Value is { IsOver: false } now && now.Worker == worker)
        {
            throw new InvalidOperationException($"Import {job.Id} changed under this invocation without another one.");
        }
    }

    private async Task WorkAsync(ImportProgress progress, CancellationToken cancellation)
    {
        var job = progress.Job;
        var open = blobs.Open(job.Blob!, job.BlobETag!);
        if (job.File is not { } file)
        {
            file = job.Columns is { } settled
                ? await ImportFile.ReopenAsync(settled, job.Settings, open, cancellation)
                : await ImportFile.InspectAsync(job.Target!.Value, job.Settings, open, memory, cancellation);
            if (!await progress.SaveAsync(j => j with { Format = file.Format, Columns = file.Columns, Next = RunStart.At(file.Start), Cut = j.Cut ?? ImportCut.Of(j.Size, options.Value) }, cancellation))
            {
                return;
            }
        }
        else
        {
            log.ImportResumed(job.Id, job.Runs + 1, job.Next!.Row);
        }

        var started = clock.GetTimestamp();
        var first = job.Runs + 1;
        var work = new ImportWork(job.Id, job.Target!.Value, job.Settings, file, open, progress.Job.Next!, first, IsResumed: true)
        {
            Cut = progress.Job.Cut ?? ImportCut.Single(options.Value),
            SaidAt = job.CreatedAt,
            IsMine = async token => (await jobs.ReadAsync(job.Id, token))?.Value.Worker == job.Worker,
        };
        var slice = false;
        var dryRun = job.DryRun ? await dryRuns.ResumeAsync(job, cancellation) : null;
        await using var expected = job.DryRunId is { } from && (await jobs.ReadAsync(from, cancellation))?.Value is { FilesDeletedAt: null } promised
            ? rehearsed.ReadOutcomesAsync(promised.Id, promised.Runs, job.Counts.Rows, cancellation).GetAsyncEnumerator(cancellation) : null;
        await pipeline.RunAsync(
            work,
            dryRun,
            expected,
            async run =>
            {
                await results.WriteAsync(job.Id, run, file, repeated: run.Number == first, cancellation);
                if (dryRun is not null)
                {
                    await rehearsed.WriteAsync(job.Id, run, cancellation);
                }
                else if (run.Next is null && progress.Job.Counts + run.Counts is var all && all.Failed < all.Rows)
                {
                    await memory.RememberAsync(work.Kind, file.Headers, job.Settings.Mapping, job.CreatedBy, cancellation);
                }

                slice = run.Next is not null && IsTimeToPause(clock.GetElapsedTime(started));
                return await progress.CommitAsync(run, slice, cancellation) && !slice;
            },
            cancellation);

        if (slice && !progress.Lost && !progress.Job.IsOver)
        {
            // Sent before this message is done with: a crash between leaves two messages, never none.
            await queue.SendAsync(RegisterImport.Queue, new ImportMessage(job.Id), null, cancellation);
        }
    }
}
