using System.Globalization;
using CsvHelper;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>
/// The row errors of an import: as JSON, page by page, warnings included; or as a CSV of the rows that were not taken,
/// with what is wrong in columns of its own, to be corrected and imported again.
/// </summary>
public sealed class ReadImportErrors(WorkspaceStore<ImportJob> jobs, ImportResults results, Cursors cursors)
{
    public async Task<IResult> HandleAsync(HttpRequest request, string id, CancellationToken cancellation)
    {
        var job = (await jobs.ReadAsync(id, cancellation))?.Value ?? throw new ImportNotFound(id).ToException();
        if (job.FilesDeletedAt is not null)
        {
            throw new ImportErrorsExpired(id).ToException();
        }

        return WantsJson(request)
            ? Reply.Ok(await PageAsync(request, job, cancellation))
            : new CsvReply($"import-{job.Id}-errors.csv", (csv, aborted) => WriteAsync(csv, job, aborted));
    }

    private static bool WantsJson(HttpRequest request) => request.Query["format"].ToString() switch
    {
        "json" => true,
        "csv" => false,
        _ => request.Headers.Accept.ToString().Contains("application/json", StringComparison.OrdinalIgnoreCase),
    };

    private async Task<Page<RowIssue>> PageAsync(HttpRequest request, ImportJob job, CancellationToken cancellation)
    {
        var list = "import-errors:" + job.Id;
        var page = PageRequest.From(request, cursors, list);
        var from = page.Position?.Split(':') is [var run, var line]
            ? (int.Parse(run, CultureInfo.InvariantCulture), int.Parse(line, CultureInfo.InvariantCulture)) : (1, 1);

        // A page holds whole rows: a row's issues belong together.
        var issues = new List<RowIssue>();
        var rows = 0;
        await foreach (var (atRun, atLine, row) in results.ReadAsync(job.Id, job.Runs, from, cancellation))
        {
            if (++rows > page.Limit)
            {
                return new(issues, cursors.Protect(list, $"{atRun}:{atLine}"));
            }

            issues.AddRange(row.Issues);
        }

        return new(issues, null);
    }

    private async Task WriteAsync(CsvWriter csv, ImportJob job, CancellationToken cancellation)
    {
        var columns = job.Columns ?? [];
        var kept = Enumerable.Range(0, columns.Count).Where(i => !ImportFile.IsReportColumn(columns[i].Header)).ToList();
        foreach (var i in kept)
        {
            csv.WriteField(columns[i].Header);
        }

        foreach (var name in ImportFile.ReportColumns)
        {
            csv.WriteField(name);
        }

        await csv.EndRecordAsync(cancellation);
        await foreach (var (_, _, row) in results.ReadAsync(job.Id, job.Runs, (1, 1), cancellation))
        {
            if (row.Fields is not { } fields)
            {
                continue;
            }

            foreach (var i in kept)
            {
                csv.WriteField(i < fields.Count ? fields[i] : "");
            }

            var errors = row.Issues.Where(i => !i.Warning).ToList();
            csv.WriteField(row.Row);
            csv.WriteField(string.Join(' ', errors.Select(e => e.Code).Distinct()));
            csv.WriteField(string.Join(' ', errors.Select(e => e.Column is null ? e.Message : $"{e.Column}: {e.Message}")));
            await csv.EndRecordAsync(cancellation);
            await csv.FlushAsync(cancellation);
        }
    }
}
