using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>What an import within a request did.</summary>
/// <param name="Id">All row errors are at <c>/api/imports/{id}/errors</c>; absent after a dry run.</param>
/// <param name="Created">In a dry run: would be created. The same for the other counts.</param>
/// <param name="Columns">Which column was taken for which field; without a field it was ignored.</param>
/// <param name="Issues">In the order of the rows, the first thousand.</param>
public sealed record ImportReport(
    string? Id, ImportKind Kind, bool DryRun, long Rows, long Created, long Updated, long Unchanged, long Failed, long Warnings,
    IReadOnlyList<ImportColumn> Columns, IReadOnlyList<RowIssue> Issues, bool IssuesTruncated);

/// <summary>The problem document when no row was good: what a partly good file is answered with, as an extension.</summary>
public sealed record ImportRejected(
    string Type, string Title, int Status, string Detail, string Code, string TraceId, ImportReport Report);

/// <summary>A file in a request: imported before the answer, by the same pipeline as a blob.</summary>
public sealed class UploadImport(
    ImportPipeline pipeline, ImportResults results, MappingMemory memory, WorkspaceStore<ImportJob> jobs, Ids ids, TimeProvider clock, IOptions<ImportOptions> options)
{
    private static readonly HashSet<string> Parameters = new(StringComparer.OrdinalIgnoreCase)
    {
        "dryRun", "mapping", "dateFormat", "decimalSeparator", "encoding", "attributes", "createMissingCustomers",
    };

    public async Task<IResult> HandleAsync(HttpRequest request, ImportKind kind, CancellationToken cancellation)
    {
        var query = new ImportQuery(request.Query, Parameters);
        var settings = ImportSettings.Read(kind, name => query[name]);
        var dryRun = ImportSettings.Flag("dryRun", name => query[name]);
        var body = await CsvBody.ReadAsync(request, options.Value.MaxUploadBytes, cancellation);
        settings = settings with { Encoding = settings.Encoding ?? body.Charset };
        var bytes = body.Bytes;
        var open = ImportFile.InMemory(bytes);
        var file = await ImportFile.InspectAsync(kind, settings, open, memory, cancellation);
        var id = ids.New();
        var started = clock.GetUtcNow();
        var counts = new ImportCounts();
        var issues = new List<RowIssue>();
        var runs = 0;
        await pipeline.RunAsync(
            new(id, kind, settings, file, open, file.Start, 1),
            dryRun,
            async run =>
            {
                if (!dryRun)
                {
                    await results.WriteAsync(id, run, file, repeated: false, cancellation);
                }

                runs = run.Number;
                counts += run.Counts;
                issues.AddRange(run.Issues.OrderBy(i => i.Row).Take(options.Value.MaxAnsweredIssues + 1 - issues.Count));
                return true;
            },
            cancellation);

        if (!dryRun)
        {
            var finished = clock.GetUtcNow();
            await jobs.TryCreateAsync(
                new()
                {
                    Id = id,
                    State = ImportState.Completed,
                    Target = kind,
                    Size = bytes.Length,
                    Settings = settings,
                    Format = file.Format,
                    Columns = file.Columns,
                    Runs = runs,
                    Counts = counts,
                    WorkedSeconds = (finished - started).TotalSeconds,
                    CreatedBy = request.Caller().Id,
                    CreatedAt = started,
                    StartedAt = started,
                    FinishedAt = finished,
                },
                cancellation);
            if (counts.Failed < counts.Rows)
            {
                await memory.RememberAsync(kind, file.Headers, settings.Mapping, request.Caller().Id, cancellation);
            }
        }

        var truncated = issues.Count > options.Value.MaxAnsweredIssues;
        var report = new ImportReport(
            dryRun ? null : id, kind, dryRun, counts.Rows, counts.Created, counts.Updated, counts.Unchanged, counts.Failed, counts.Warnings,
            file.Columns, truncated ? issues[..^1] : issues, truncated);
        return counts.Failed == 0 ? Reply.Ok(report)
            : counts.Failed < counts.Rows ? Reply.Status(207, report)
            : Rejected(request.HttpContext, report);
    }

    private static IResult Rejected(HttpContext http, ImportReport report)
    {
        var trace = Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier;
        var problem = new NoRowUsable(report.Rows);
        return Results.Json(
            new ImportRejected($"/api/errors#{problem.Code}", problem.Title, problem.Status, problem.Detail, problem.Code, trace, report),
            Json.Options, "application/problem+json", problem.Status);
    }
}
