using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Imports;

/// <summary>
/// Stops an import after the run it is writing. What is written stays, and is counted: while somebody works on the job,
/// only that is asked for, so that a crash before the run is counted does not lose it; whoever works on the job next
/// writes that run to its end.
/// </summary>
public sealed class CancelImport(WorkspaceStore<ImportJob> jobs, TimeProvider clock)
{
    public async Task<ImportView> HandleAsync(string id, CancellationToken cancellation)
    {
        // The worker notices because its next write under the ETag it knows fails.
        var job = await jobs.UpdateAsync(
            id,
            j => j.IsOver || j.State == ImportState.Cancelling ? null
                : j.Worker is null ? j with { State = ImportState.Cancelled, FinishedAt = clock.GetUtcNow(), Ttl = null }
                : j with { State = ImportState.Cancelling },
            cancellation);
        return job?.Value switch
        {
            null => throw new ImportNotFound(id).ToException(),
            { State: ImportState.Cancelled or ImportState.Cancelling } cancelled => ImportView.Of(cancelled),
            _ => throw new ImportFinished(id).ToException(),
        };
    }
}
