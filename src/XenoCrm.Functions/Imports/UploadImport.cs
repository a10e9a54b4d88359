using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
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
    ImportPipeline pipeline, ImportResults results, WorkspaceStore<ImportJob> jobs, Ids ids, TimeProvider clock, IOptions<ImportOptions> options)
{
    private static readonly HashSet<string> CsvTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        "text/csv", "text/plain", "text/tab-separated-values", "application/csv", "application/x-csv", "text/x-csv", "text/comma-separated-values",

        // What Windows browsers say of .csv when Excel is installed, and curl of what it does not know. The content decides.
        "application/vnd.ms-excel", "application/octet-stream",
    };

    public async Task<IResult> HandleAsync(HttpRequest request, ImportKind kind, CancellationToken cancellation)
    {
        var settings = SettingsOf(request.Query, kind);
        var dryRun = IsTrue(request.Query["dryRun"]);
        var bytes = await ReadFileAsync(request, cancellation);
        if (bytes.IsEmpty)
        {
            throw new FileEmpty().ToException();
        }

        var open = ImportFile.InMemory(bytes);
        var file = await ImportFile.InspectAsync(kind, settings, open, cancellation);
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
        }

        var truncated = issues.Count > options.Value.MaxAnsweredIssues;
        var report = new ImportReport(
            dryRun ? null : id, kind, dryRun, counts.Rows, counts.Created, counts.Updated, counts.Unchanged, counts.Failed, counts.Warnings,
            file.Columns, truncated ? issues[..^1] : issues, truncated);
        return counts.Failed == 0 ? Reply.Ok(report)
            : counts.Failed < counts.Rows ? Reply.Status(207, report)
            : Rejected(request.HttpContext, report);
    }

    public static ImportSettings SettingsOf(IQueryCollection query, ImportKind kind) => new()
    {
        Mapping = query["mapping"].ToString() is { Length: > 0 } mapping ? ColumnMap.ParseMapping(kind, mapping) : null,
        DateFormat = query["dateFormat"].ToString() is { Length: > 0 } format ? format : null,
        Attributes = IsTrue(query["attributes"]),
        CreateMissingCustomers = IsTrue(query["createMissingCustomers"]),
    };

    private static bool IsTrue(string? text) => string.Equals(text, "true", StringComparison.OrdinalIgnoreCase);

    private static IResult Rejected(HttpContext http, ImportReport report)
    {
        var trace = Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier;
        var problem = new NoRowUsable(report.Rows);
        return Results.Json(
            new ImportRejected($"/api/errors#{problem.Code}", problem.Title, problem.Status, problem.Detail, problem.Code, trace, report),
            Json.Options, "application/problem+json", problem.Status);
    }

    /// <summary>The body, or the file part of a multipart body. The size is limited while reading, whatever the header says.</summary>
    private async Task<ReadOnlyMemory<byte>> ReadFileAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            throw (request.ContentType is null && request.ContentLength is null or 0
                ? new FilePartMissing() : (Problem)new MediaTypeUnsupported("text/csv or multipart/form-data")).ToException();
        }

        if (type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            return await ReadPartAsync(request, type, cancellation);
        }

        RequireCsv(type);
        return Transcode(await ReadAsync(request.Body, request.ContentLength, cancellation), type);
    }

    private async Task<ReadOnlyMemory<byte>> ReadPartAsync(HttpRequest request, MediaTypeHeaderValue type, CancellationToken cancellation)
    {
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        if (boundary.Length is 0 or > 200)
        {
            throw new MultipartMalformed("The boundary is missing.").ToException();
        }

        // Boundary, part headers and small form fields come on top of the file.
        if (request.ContentLength > options.Value.MaxUploadBytes + 64 * 1024)
        {
            throw new BodyTooLarge(options.Value.MaxUploadBytes).ToException();
        }

        try
        {
            var reader = new MultipartReader(boundary, request.Body);
            while (await reader.ReadNextSectionAsync(cancellation) is { } section)
            {
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || !disposition.IsFileDisposition())
                {
                    continue;
                }

                if (MediaTypeHeaderValue.TryParse(section.ContentType, out var partType))
                {
                    RequireCsv(partType);
                }

                return Transcode(await ReadAsync(section.Body, null, cancellation), partType);
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new MultipartMalformed("It ends before its last boundary, or a part is not well-formed.").ToException();
        }

        throw new FilePartMissing().ToException();
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(Stream body, long? length, CancellationToken cancellation)
    {
        var limit = options.Value.MaxUploadBytes;
        if (length > limit)
        {
            throw new BodyTooLarge(limit).ToException();
        }

        using var bytes = new MemoryStream((int)(length ?? 64 * 1024));
        var buffer = new byte[64 * 1024];
        for (int read; (read = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (bytes.Length + read > limit)
            {
                throw new BodyTooLarge(limit).ToException();
            }

            bytes.Write(buffer, 0, read);
        }

        return bytes.ToArray();
    }

    private static void RequireCsv(MediaTypeHeaderValue type)
    {
        if (!CsvTypes.Contains(type.MediaType.ToString()))
        {
            throw new MediaTypeUnsupported("a CSV (text/csv)").ToException();
        }
    }

    /// <summary>A declared Latin-1 is converted; without a declaration bytes are UTF-8 or what their byte order mark says.</summary>
    private static ReadOnlyMemory<byte> Transcode(ReadOnlyMemory<byte> bytes, MediaTypeHeaderValue? type) =>
        type?.Charset.ToString().Trim('"').ToLowerInvariant() is "iso-8859-1" or "latin1"
            ? Encoding.Convert(Encoding.Latin1, Encoding.UTF8, bytes.ToArray())
            : bytes;
}
