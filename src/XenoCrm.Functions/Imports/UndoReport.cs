using System.Globalization;
using System.Text.Json;
using Azure.Storage.Blobs;
using CsvHelper;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>What an undo left and why: a blob for each run that left something, and all of them as one CSV.</summary>
public sealed class UndoReport(BlobServiceClient service, WorkspaceStore<ImportJob> jobs)
{
    private readonly BlobContainerClient container = service.GetBlobContainerClient(ImportResults.ContainerName);

    /// <param name="number">Of the runs in the order in which they are undone, from 1.</param>
    public async Task WriteAsync(string id, int number, IReadOnlyList<UndoIssue> issues, CancellationToken cancellation)
    {
        if (issues.Count == 0)
        {
            return;
        }

        using var lines = new MemoryStream();
        foreach (var issue in issues.OrderBy(i => i.Row))
        {
            JsonSerializer.Serialize(lines, issue, Json.Options);
            lines.WriteByte((byte)'\n');
        }

        lines.Position = 0;
        await container.GetBlobClient(string.Create(CultureInfo.InvariantCulture, $"{Prefix(id)}{number:D8}.jsonl")).UploadAsync(lines, overwrite: true, cancellation);
    }

    public async IAsyncEnumerable<UndoIssue> ReadAsync(string id, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var item in container.GetBlobsAsync(prefix: Prefix(id), cancellationToken: cancellation))
        {
            await using var content = await container.GetBlobClient(item.Name).OpenReadAsync(cancellationToken: cancellation);
            using var reader = new StreamReader(content);
            while (await reader.ReadLineAsync(cancellation) is { } line)
            {
                yield return JsonSerializer.Deserialize<UndoIssue>(line, Json.Options)!;
            }
        }
    }

    public async Task<IResult> HandleAsync(string id, CancellationToken cancellation)
    {
        var job = (await jobs.ReadAsync(id, cancellation))?.Value ?? throw new ImportNotFound(id).ToException();
        return job.Undo is null ? throw new NotUndone(id).ToException() : new CsvReply($"import-{id}-left.csv", (csv, aborted) => WriteAsync(csv, id, aborted));
    }

    private static string Prefix(string id) => id + "/left-";

    private async Task WriteAsync(CsvWriter csv, string id, CancellationToken cancellation)
    {
        foreach (var header in new[] { "Import row", "Customer", "Order", "Code", "Reason" })
        {
            csv.WriteField(header);
        }

        await csv.EndRecordAsync(cancellation);
        await foreach (var issue in ReadAsync(id, cancellation))
        {
            csv.WriteField(issue.Row);
            csv.WriteField(issue.CustomerId);
            csv.WriteField(issue.OrderId ?? "");
            csv.WriteField(issue.Code);
            csv.WriteField(issue.Message);
            await csv.EndRecordAsync(cancellation);
            await csv.FlushAsync(cancellation);
        }
    }
}
