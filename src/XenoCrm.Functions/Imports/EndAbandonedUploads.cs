using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Imports;

/// <summary>
/// An import within a request goes with its process: no message brings it back. Such a job is ended here, so that what it
/// wrote is under an import that is over, whose row errors are deleted in time.
/// </summary>
public sealed class EndAbandonedUploads(WorkspaceStore<ImportJob> jobs, TimeProvider clock, ILogger<EndAbandonedUploads> log)
{
    /// <summary>Without a run written for so long; a run takes seconds, and a function at most 10 minutes on the Consumption plan.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromMinutes(15);

    public async Task HandleAsync(CancellationToken cancellation)
    {
        var query = new QueryDefinition("SELECT * FROM c WHERE c.state IN ('running', 'cancelling') AND NOT IS_DEFINED(c.blob)");
        await foreach (var (job, etag) in jobs.QueryAsync(query, cancellation))
        {
            // Such an import never pauses: it has worked from its start to its last run.
            var now = clock.GetUtcNow();
            if (now - (job.StartedAt ?? job.CreatedAt) - TimeSpan.FromSeconds(job.WorkedSeconds) < Silence)
            {
                continue;
            }

            // Under its ETag: if the request is alive after all, one of the two finds that the other was faster, and stops.
            if (await jobs.TryReplaceAsync(job.Fail(new ImportInterrupted(), now), etag, cancellation) is not null)
            {
                log.ImportFailed(job.Id, "import.interrupted");
            }
        }
    }

    [Function("EndAbandonedUploads")]
    public Task Run([TimerTrigger("0 */5 * * * *")] TimerInfo timer, CancellationToken cancellation) => HandleAsync(cancellation);
}
