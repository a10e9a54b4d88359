using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Azure.Storage.Blobs;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Imports;

/// <summary>
/// What a dry run found, a blob per run and kind: the changes (JSON lines, for people), the outcomes (a letter per row,
/// for the commit to compare with) and the keys of what would be created (for the dry run itself, to go on after a
/// crash). Written before the checkpoint; blobs of runs that no checkpoint covers are not read.
/// </summary>
public sealed class DryRunResults(BlobServiceClient service)
{
    private readonly BlobContainerClient container = service.GetBlobContainerClient(ImportResults.ContainerName);

    public async Task WriteAsync(string id, ImportRun run, CancellationToken cancellation)
    {
        using var lines = new MemoryStream();
        foreach (var change in run.Changes)
        {
            JsonSerializer.Serialize(lines, change, Json.Options);
            lines.WriteByte((byte)'\n');
        }

        lines.Position = 0;
        var outcomes = run.Changes.Select(c => Letter(c.Outcome)).ToArray();
        var keys = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(run.CreatedKeys)).ToArray();
        await Task.WhenAll(
            Blob(id, "changes", run.Number).UploadAsync(lines, overwrite: true, cancellation),
            Blob(id, "outcomes", run.Number).UploadAsync(new BinaryData(outcomes), overwrite: true, cancellation),
            Blob(id, "keys", run.Number).UploadAsync(new BinaryData(keys), overwrite: true, cancellation));
    }

    /// <param name="from">Run and line within its blob, both from 1.</param>
    public async IAsyncEnumerable<(int Run, int Line, RowChange Change)> ReadChangesAsync(
        string id, int runs, (int Run, int Line) from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var run = from.Run; run <= runs; run++)
        {
            using var download = await Blob(id, "changes", run).OpenReadAsync(cancellationToken: cancellation);
            using var reader = new StreamReader(download);
            for (var line = 1; await reader.ReadLineAsync(cancellation) is { } json; line++)
            {
                if (run > from.Run || line >= from.Line)
                {
                    yield return (run, line, JsonSerializer.Deserialize<RowChange>(json, Json.Options)!);
                }
            }
        }
    }

    /// <summary>The outcome of every data row from the given one (0: the first) to the end.</summary>
    public async IAsyncEnumerable<WriteOutcome> ReadOutcomesAsync(string id, int runs, long from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var before = 0L;
        for (var run = 1; run <= runs; run++)
        {
            var letters = (await Blob(id, "outcomes", run).DownloadContentAsync(cancellation)).Value.Content.ToMemory();
            for (var i = (int)Math.Min(Math.Max(0, from - before), letters.Length); i < letters.Length; i++)
            {
                yield return Outcome(letters.Span[i]);
            }

            before += letters.Length;
        }
    }

    public async IAsyncEnumerable<ulong[]> ReadKeysAsync(string id, int runs, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var run = 1; run <= runs; run++)
        {
            var bytes = (await Blob(id, "keys", run).DownloadContentAsync(cancellation)).Value.Content.ToMemory();
            yield return MemoryMarshal.Cast<byte, ulong>(bytes.Span).ToArray();
        }
    }

    private BlobClient Blob(string id, string what, int run) =>
        container.GetBlobClient(string.Create(CultureInfo.InvariantCulture, $"{id}/{what}-{run:D8}"));

    private static byte Letter(WriteOutcome outcome) => outcome switch
    {
        WriteOutcome.Created => (byte)'c',
        WriteOutcome.Updated => (byte)'u',
        WriteOutcome.Unchanged => (byte)'s',
        _ => (byte)'f',
    };

    private static WriteOutcome Outcome(byte letter) => letter switch
    {
        (byte)'c' => WriteOutcome.Created,
        (byte)'u' => WriteOutcome.Updated,
        (byte)'s' => WriteOutcome.Unchanged,
        _ => WriteOutcome.Failed,
    };
}
