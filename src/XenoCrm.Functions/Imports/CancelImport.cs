using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Imports;

/// <summary>Stops an import after the run it is writing. What is written stays.</summary>
public sealed class CancelImport(WorkspaceStore<ImportJob> jobs, TimeProvider clock)
{
    public async Task<ImportView> HandleAsync(string id, CancellationToken cancellation)
    {
        // The worker notices because its next write under the ETag it knows fails.
        var job = await jobs.UpdateAsync(
            id, j => j.IsOver ? null : j with { State = ImportState.Cancelled, FinishedAt = clock.GetUtcNow(), Ttl = null }, cancellation);
        return job?.Value switch
        {
            null => throw new ImportNotFound(id).ToException(),
            { State: ImportState.Cancelled } cancelled => ImportView.Of(cancelled),
            _ => throw new ImportFinished(id).ToException(),
        };
    }
}
