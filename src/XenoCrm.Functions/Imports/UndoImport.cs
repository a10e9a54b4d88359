using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Imports;

/// <summary>
/// Takes an import back, from the journals of its runs, the last run first: so a customer that several runs changed goes
/// back step by step, as far as nobody else has changed it. A job like an import: the checkpoint moves after a run is
/// undone and reported, a repeated run knows from its own journal what it has done, and asking again has no effect.
/// </summary>
public sealed class UndoImport(
    WorkspaceStore<ImportJob> jobs, ImportJournal journals, UndoReport report, CustomerStore store, CustomerWriter customers, OrderWriter orders, JobQueue queue,
    IOptions<ImportOptions> options, TimeProvider clock, ILogger<UndoImport> log)
{
    public const string Queue = "import-undos";
    private const string Source = "undo";

    /// <summary>What a worker that was stopped may still have on the wire.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(30);

    /// <summary>Asks for it. Again: nothing, or the message once more if it was lost.</summary>
    public async Task<ImportView> RequestAsync(string id, Caller caller, CancellationToken cancellation)
    {
        var current = (await jobs.ReadAsync(id, cancellation))?.Value ?? throw new ImportNotFound(id).ToException();
        if (current.DryRun)
        {
            throw new NothingToUndo(id).ToException();
        }

        if (current.State is ImportState.Completed or ImportState.Cancelled or ImportState.Failed && (current.FilesDeletedAt is not null || (current.Counts.Rows > 0 && !await journals.ExistsAsync(id, cancellation))))
        {
            throw new UndoTooLate(id).ToException();
        }

        var now = clock.GetUtcNow();
        var job = (await jobs.UpdateAsync(
            id,
            j => j.State is not (ImportState.Completed or ImportState.Cancelled or ImportState.Failed) ? null : j with
            {
                State = ImportState.Undoing,
                Undo = j.Undo is { } begun
                    ? begun with { Was = j.State, GivenUpAt = null }
                    : new()
                    {
                        // What was being written when the import ended early is not counted, and taken back all the same.
                        Was = j.State, Runs = j.State == ImportState.Completed ? j.Runs : j.Runs + 1, RequestedBy = caller.Id, RequestedAt = now,
                    },
            },
            cancellation))?.Value ?? throw new ImportNotFound(id).ToException();
        if (job.State is not (ImportState.Undoing or ImportState.Undone))
        {
            throw new ImportNotOver(id).ToException();
        }

        if (job is { State: ImportState.Undoing, Undo: { } undo })
        {
            var wait = undo.Was == ImportState.Completed ? TimeSpan.Zero : (job.FinishedAt ?? now) + Settling - now;
            await queue.SendAsync(Queue, new ImportMessage(id), wait > TimeSpan.Zero ? wait : null, cancellation);
        }

        return ImportView.Of(job);
    }

    public async Task HandleAsync(ImportMessage message, CancellationToken cancellation)
    {
        var worker = Guid.NewGuid().ToString("N");
        var taken = await jobs.UpdateAsync(
            message.Id, j => j is { State: ImportState.Undoing, Undo: { } undo } ? j with { Undo = undo with { Worker = worker } } : null, cancellation);
        if (taken?.Value.Undo?.Worker != worker)
        {
            return;
        }

        try
        {
            await WorkAsync(taken, cancellation);
        }
        catch (ImportTakenOverException)
        {
            // The next number of the journal was taken: by who owns the job now, or by a request of our own whose answer was lost.
            log.ImportTakenOver(message.Id);
            if ((await jobs.ReadAsync(message.Id, cancellation))?.Value is { State: ImportState.Undoing } now && now.Undo!.Worker == worker)
            {
                throw;
            }
        }
    }

    /// <summary>As for an import: without progress since the last time it is over, and can be asked for again.</summary>
    public async Task GiveUpAsync(ImportMessage message, CancellationToken cancellation)
    {
        var job = await jobs.UpdateAsync(
            message.Id,
            j => j is not { State: ImportState.Undoing, Undo: { } undo } ? null
                : undo.GivenUpAt == undo.Done ? j with { State = undo.Was }
                : j with { Undo = undo with { GivenUpAt = undo.Done } },
            cancellation);
        if (job?.Value.State == ImportState.Undoing)
        {
            await queue.SendAsync(Queue, message, TimeSpan.FromSeconds(15), cancellation);
        }
        else if (job is not null)
        {
            log.UndoGivenUp(message.Id);
        }
    }

    private async Task WorkAsync(Versioned<ImportJob> taken, CancellationToken cancellation)
    {
        var (job, etag) = taken;
        var started = clock.GetTimestamp();
        if (job.Undo is { Done: 0, Was: not ImportState.Completed } first)
        {
            await ShutOutAsync(job.Id, first.Runs, cancellation);
        }

        for (var resumed = true; ; resumed = false)
        {
            var since = clock.GetTimestamp();
            var undo = job.Undo!;
            var counts = new UndoCounts();
            if (undo.Done < undo.Runs)
            {
                counts = await UndoRunAsync(job, undo.Runs - undo.Done, resumed, cancellation);
            }

            undo = undo with
            {
                Done = Math.Min(undo.Done + 1, undo.Runs), Counts = undo.Counts + counts, WorkedSeconds = undo.WorkedSeconds + clock.GetElapsedTime(since).TotalSeconds,
            };
            var isOver = undo.Done == undo.Runs;
            job = isOver
                ? job with { State = ImportState.Undone, Undo = undo with { FinishedAt = clock.GetUtcNow() } }
                : job with { Undo = undo };
            if (await jobs.TryReplaceAsync(job, etag, cancellation) is not { } next)
            {
                throw new ImportTakenOverException(job.Id);
            }

            etag = next;
            if (isOver)
            {
                log.ImportUndone(job.Id, undo.Counts.Restored, undo.Counts.Deleted, undo.Counts.Left);
                return;
            }

            if (clock.GetElapsedTime(started) >= options.Value.TimeSlice)
            {
                await queue.SendAsync(Queue, new ImportMessage(job.Id), null, cancellation);
                return;
            }
        }
    }

    /// <summary>A worker of the import that was stopped finds the next number of its journal taken, and plans nothing any more.</summary>
    private async Task ShutOutAsync(string id, int run, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                using var journal = await journals.OpenAsync(id, JournalKind.Import, run, resumed: true, cancellation);
                await journal.StoreAsync([], cancellation);
                return;
            }
            catch (ImportTakenOverException)
            {
                // It stored one more attempt just now.
            }
        }
    }

    private async Task<UndoCounts> UndoRunAsync(ImportJob job, int run, bool resumed, CancellationToken cancellation)
    {
        var lines = await HappenedAsync(job, run, WriteJournal.Standing(await journals.ReadAsync(job.Id, JournalKind.Import, run, cancellation)), cancellation);
        using var journal = await journals.OpenAsync(job.Id, JournalKind.Undo, run, resumed, cancellation);
        var issues = new List<UndoIssue>();
        var counts = new UndoCounts();
        if (job.Target == ImportKind.Orders)
        {
            var ofOrders = lines.Where(l => l.Scope is null).ToList();
            var items = ofOrders.SelectMany(l => l.Items!).ToDictionary(i => i.Row!.Value, i => i.Id);
            foreach (var (row, result) in await orders.UndoAsync(ofOrders, journal, cancellation))
            {
                counts += Count(row, result, items[row], issues);
            }

            // When their orders are gone.
            lines = [.. lines.Where(l => l.Scope is not null)];
        }

        var results = await customers.UndoAsync(lines, new(Source, journal, job.Target == ImportKind.Orders ? OrderCustomers.JournalScope : null), cancellation);
        for (var i = 0; i < lines.Count; i++)
        {
            counts += Count(lines[i].FirstRow, results[i], null, issues);
        }

        await report.WriteAsync(job.Id, job.Undo!.Runs - run + 1, issues, cancellation);
        return counts;
    }

    /// <summary>
    /// The lines that were carried out. Their items say so themselves while they remember the import; when four others
    /// have changed them since, the journal of a run that came to its end does.
    /// </summary>
    private async Task<List<JournalLine>> HappenedAsync(ImportJob job, int run, IReadOnlyList<(JournalLine Line, long Entry)> lines, CancellationToken cancellation)
    {
        var slots = await store.ReadSlotsAsync([.. lines.Select(l => l.Line.CustomerId!).Distinct()], cancellation);
        bool Happened((JournalLine Line, long Entry) written)
        {
            var mark = slots.GetValueOrDefault(written.Line.CustomerId!)?.Marks.FirstOrDefault(m => m.Id == job.Id);
            return mark is null || mark.Run > run ? run <= job.Runs : mark.Run == run && mark.Entries.Contains(written.Entry);
        }

        return [.. lines.Where(Happened).Select(l => l.Line)];
    }

    private static UndoCounts Count(long row, WriteResult result, string? orderId, List<UndoIssue> issues)
    {
        if (result.Code is { } code and not UndoCodes.Deleted)
        {
            issues.Add(new(row, result.CustomerId!, orderId, code, result.Message!));
        }

        return result switch
        {
            { Code: UndoCodes.Deleted } => new(Deleted: 1),
            { Outcome: WriteOutcome.Updated } => new(Restored: 1),
            _ => new(Left: 1),
        };
    }
}
