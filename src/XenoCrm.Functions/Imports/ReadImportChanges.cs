using System.Globalization;
using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>What a dry run would do, row by row, page by page; while it is running, as far as it has come.</summary>
public sealed class ReadImportChanges(WorkspaceStore<ImportJob> jobs, DryRunResults results, Cursors cursors)
{
    public async Task<Page<RowChange>> HandleAsync(HttpRequest request, string id, CancellationToken cancellation)
    {
        var job = (await jobs.ReadAsync(id, cancellation))?.Value ?? throw new ImportNotFound(id).ToException();
        if (!job.DryRun)
        {
            throw new NotDryRun(id).ToException();
        }

        if (job.FilesDeletedAt is not null)
        {
            throw new DryRunExpired(id).ToException();
        }

        WriteOutcome? only = null;
        if (request.Query["outcome"].ToString() is { Length: > 0 } text)
        {
            only = Enum.TryParse<WriteOutcome>(text, ignoreCase: true, out var outcome) && !char.IsAsciiDigit(text[0])
                ? outcome : throw RequestInvalid.At("/outcome", "created, updated, unchanged or failed is expected.").ToException();
        }

        var list = $"import-changes:{id}:{only}";
        var page = PageRequest.From(request, cursors, list);
        var from = page.Position?.Split(':') is [var run, var line]
            ? (int.Parse(run, CultureInfo.InvariantCulture), int.Parse(line, CultureInfo.InvariantCulture)) : (1, 1);
        var changes = new List<RowChange>();
        await foreach (var (atRun, atLine, change) in results.ReadChangesAsync(id, job.Runs, from, cancellation))
        {
            if (only is not null && change.Outcome != only)
            {
                continue;
            }

            if (changes.Count == page.Limit)
            {
                return new(changes, cursors.Protect(list, $"{atRun}:{atLine}"));
            }

            changes.Add(change);
        }

        return new(changes, null);
    }
}
