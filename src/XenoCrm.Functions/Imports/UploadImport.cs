using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>What an import within a request did.</summary>
/// <param name="Id">All row errors are at <c>/api/imports/{id}/errors</c>, all changes of a dry run at <c>/api/imports/{id}/changes</c>.</param>
/// <param name="Created">In a dry run: would be created. The same for the other counts.</param>
/// <param name="Columns">Which column was taken for which field; without a field it was ignored.</param>
/// <param name="Issues">The first thousand in the order in which the rows were written: that of the file, of more than 2,000 orders by customer.</param>
/// <param name="Token">Of a dry run: with it the same file is imported, with the same options.</param>
/// <param name="Changes">Of a dry run: row by row, the first thousand.</param>
/// <param name="DryRunId">The dry run that was carried out. Rows that are not what it said have a warning.</param>
/// <param name="Expected">What that dry run counted.</param>
public sealed record ImportReport(
    string Id, ImportKind Kind, bool DryRun, long Rows, long Created, long Updated, long Unchanged, long Failed, long Warnings,
    IReadOnlyList<ImportColumn> Columns, IReadOnlyList<RowIssue> Issues, bool IssuesTruncated,
    string? Token = null, IReadOnlyList<RowChange>? Changes = null, bool? ChangesTruncated = null, string? DryRunId = null, ImportCounts? Expected = null);

/// <summary>The problem document when no row was good: what a partly good file is answered with, as an extension.</summary>
public sealed record ImportRejected(
    string Type, string Title, int Status, string Detail, string Code, string TraceId, ImportReport Report);

/// <summary>
/// A file in a request: imported before the answer, by the same pipeline as a blob. Its job is stored before the first row
/// is written, so that whatever happens its rows are under an import that is listed and can be read.
/// </summary>
public sealed class UploadImport(
    ImportPipeline pipeline, ImportResults results, DryRuns dryRuns, DryRunResults rehearsed, ImportTokens tokens, MappingMemory memory,
    WorkspaceStore<ImportJob> jobs, Ids ids, TimeProvider clock, IOptions<ImportOptions> options, ILogger<UploadImport> log)
{
    private static readonly HashSet<string> OfCustomers = new(StringComparer.OrdinalIgnoreCase)
    {
        "dryRun", "token", "mapping", "dateFormat", "encoding", "attributes",
    };

    private static readonly HashSet<string> OfOrders = new(StringComparer.OrdinalIgnoreCase)
    {
        "dryRun", "token", "mapping", "dateFormat", "decimalSeparator", "encoding", "createMissingCustomers",
    };

    public async Task<IResult> HandleAsync(HttpRequest request, ImportKind kind, CancellationToken cancellation)
    {
        var query = new ImportQuery(request.Query, kind == ImportKind.Customers ? OfCustomers : OfOrders);
        var settings = ImportSettings.Read(kind, name => query[name]);
        var dryRun = ImportSettings.Flag("dryRun", name => query[name]) ? dryRuns.Begin() : null;
        var token = query["token"];
        if (dryRun is not null && token is not null)
        {
            throw RequestInvalid.At("/token", "A dry run gives a token and takes none.").ToException();
        }

        var body = await CsvBody.ReadAsync(request, options.Value.MaxUploadBytes, cancellation);
        settings = settings with { Encoding = settings.Encoding ?? body.Charset };
        var promised = token is null ? null : await tokens.RedeemAsync(token, kind, body.Bytes, name => query[name], cancellation);
        var open = ImportFile.InMemory(body.Bytes);
        var file = promised is null
            ? await ImportFile.InspectAsync(kind, settings, open, memory, cancellation)
            : await ImportFile.ReopenAsync(promised.Columns!, settings = promised.Settings, open, cancellation);

        var job = new ImportJob
        {
            Id = ids.New(),
            State = ImportState.Running,
            Target = kind,
            Size = body.Bytes.Length,
            Settings = settings,
            Format = file.Format,
            Columns = file.Columns,
            Cut = promised?.Cut ?? ImportCut.Of(body.Bytes.Length, options.Value),
            DryRun = dryRun is not null,
            FileHash = dryRun is null ? null : ImportTokens.HashOf(body.Bytes),
            DryRunId = promised?.Id,
            CreatedBy = request.Caller().Id,
            CreatedAt = clock.GetUtcNow(),
            Worker = Guid.NewGuid().ToString("N"),
        };
        job = job with { StartedAt = job.CreatedAt };

        // From here on to the end whether or not the caller still waits: a file half imported helps nobody.
        cancellation = CancellationToken.None;
        var etag = await jobs.TryCreateAsync(job, cancellation) ?? (await jobs.ReadAsync(job.Id, cancellation))!.ETag;
        var progress = new ImportProgress(jobs, clock, log, job, etag);
        var issues = new List<RowIssue>();
        var changes = new List<RowChange>();
        try
        {
            var work = new ImportWork(job.Id, kind, settings, file, open, RunStart.At(file.Start), 1)
            {
                Cut = job.Cut,
                SaidAt = job.CreatedAt,
                IsMine = async token => (await jobs.ReadAsync(job.Id, token))?.Value.IsOver == false,
            };
            await WriteAsync(progress, work, dryRun, promised, issues, changes, cancellation);
        }
        catch (ImportTakenOverException)
        {
            // Given up for dead, and being undone.
            progress.Lose();
        }
        catch (Exception failure)
        {
            // Where the job cannot be reached either, a timer ends it.
            await progress.FailAsync((failure as ProblemException)?.Problem ?? new ImportInterrupted(), cancellation);
            throw;
        }

        job = progress.Job;
        if (progress.Lost)
        {
            // To a cancellation, or to a write of our own whose answer was lost.
            job = (await jobs.UpdateAsync(job.Id, j => j.State == ImportState.Running ? j.Fail(new ImportInterrupted(), clock.GetUtcNow()) : null, cancellation))?.Value ?? job;
        }

        if (job.State != ImportState.Completed)
        {
            throw new ImportStopped(job.Id).ToException();
        }

        if (dryRun is null && job.Counts.Failed < job.Counts.Rows)
        {
            await memory.RememberAsync(kind, file.Headers, settings.Mapping, job.CreatedBy, cancellation);
        }

        var report = Report(job, issues, changes, promised);
        return job.Counts.Failed == 0 ? Reply.Ok(report)
            : job.Counts.Failed < job.Counts.Rows ? Reply.Status(207, report)
            : Rejected(request.HttpContext, report);
    }

    private async Task WriteAsync(
        ImportProgress progress, ImportWork work, DryRun? dryRun, ImportJob? promised, List<RowIssue> issues, List<RowChange> changes, CancellationToken cancellation)
    {
        await using var expected = promised is null ? null : rehearsed.ReadOutcomesAsync(promised.Id, promised.Runs, 0, cancellation).GetAsyncEnumerator(cancellation);
        await pipeline.RunAsync(
            work,
            dryRun,
            expected,
            async run =>
            {
                await results.WriteAsync(work.Id, run, work.File, repeated: false, cancellation);
                if (dryRun is not null)
                {
                    await rehearsed.WriteAsync(work.Id, run, cancellation);
                }

                issues.AddRange(run.Issues.OrderBy(i => i.Row).Take(options.Value.MaxAnsweredIssues + 1 - issues.Count));
                changes.AddRange(run.Changes.Take(options.Value.MaxAnsweredIssues + 1 - changes.Count));
                return await progress.CommitAsync(run, pause: false, cancellation);
            },
            cancellation);
    }

    private ImportReport Report(ImportJob job, List<RowIssue> issues, List<RowChange> changes, ImportJob? promised)
    {
        var counts = job.Counts;
        var most = options.Value.MaxAnsweredIssues;
        return new(
            job.Id, job.Target!.Value, job.DryRun, counts.Rows, counts.Created, counts.Updated, counts.Unchanged, counts.Failed, counts.Warnings,
            job.Columns!, [.. issues.Take(most)], issues.Count > most)
        {
            Token = job.DryRun ? tokens.Of(job) : null,
            Changes = job.DryRun ? [.. changes.Take(most)] : null,
            ChangesTruncated = job.DryRun ? changes.Count > most : null,
            DryRunId = promised?.Id,
            Expected = promised?.Counts,
        };
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
