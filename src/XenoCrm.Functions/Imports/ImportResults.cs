using System.Globalization;
using System.Text.Json;
using Azure.Storage.Blobs;
using XenoCrm.Platform;

namespace XenoCrm.Imports;

/// <summary>A row that was not taken, or taken with a doubt.</summary>
/// <param name="Fields">The row as it was in the file; null when it was taken.</param>
public sealed record ReportedRow(long Row, IReadOnlyList<string>? Fields, IReadOnlyList<RowIssue> Issues);

/// <summary>
/// The row errors of an import: one blob of JSON lines per run that has any, named by the run and written before the
/// checkpoint. A run that is repeated after a crash writes the same blob again, and blobs of runs that no checkpoint
/// covers are not read: nothing is lost and nothing is doubled.
/// </summary>
public sealed class ImportResults(BlobServiceClient service)
{
    public const string ContainerName = "import-results";

    private readonly BlobContainerClient container = service.GetBlobContainerClient(ContainerName);

    /// <param name="repeated">The run may have been written before: a blob left by that time goes when there is no error any more.</param>
    public async Task WriteAsync(string id, ImportRun run, ImportFile file, bool repeated, CancellationToken cancellation)
    {
        var blob = container.GetBlobClient(Name(id, run.Number));
        if (run.Issues.Count == 0)
        {
            if (repeated)
            {
                await blob.DeleteIfExistsAsync(cancellationToken: cancellation);
            }

            return;
        }

        using var lines = new MemoryStream();
        foreach (var row in Rows(run, file))
        {
            JsonSerializer.Serialize(lines, row, Json.Options);
            lines.WriteByte((byte)'\n');
        }

        lines.Position = 0;
        await blob.UploadAsync(lines, overwrite: true, cancellation);
    }

    public static IEnumerable<ReportedRow> Rows(ImportRun run, ImportFile file)
    {
        var failed = run.FailedRows.ToHashSet();
        return run.Issues.GroupBy(i => i.Row).OrderBy(g => g.Key)
            .Select(g => new ReportedRow(g.Key, failed.Contains(g.Key) ? file.Split(run.Raw(g.Key)) : null, [.. g]));
    }

    /// <param name="runs">Only runs up to this one: those that are counted.</param>
    /// <param name="from">Run and line within its blob, both from 1.</param>
    public async IAsyncEnumerable<(int Run, int Line, ReportedRow Row)> ReadAsync(
        string id, int runs, (int Run, int Line) from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var item in container.GetBlobsAsync(prefix: id + "/errors-", cancellationToken: cancellation))
        {
            var run = int.Parse(item.Name.AsSpan(id.Length + "/errors-".Length, 8), CultureInfo.InvariantCulture);
            if (run < from.Run || run > runs)
            {
                continue;
            }

            using var download = await container.GetBlobClient(item.Name).OpenReadAsync(cancellationToken: cancellation);
            using var reader = new StreamReader(download);
            for (var line = 1; await reader.ReadLineAsync(cancellation) is { } json; line++)
            {
                if (run > from.Run || line >= from.Line)
                {
                    yield return (run, line, JsonSerializer.Deserialize<ReportedRow>(json, Json.Options)!);
                }
            }
        }
    }

    private static string Name(string id, int run) => string.Create(CultureInfo.InvariantCulture, $"{id}/errors-{run:D8}.jsonl");
}
