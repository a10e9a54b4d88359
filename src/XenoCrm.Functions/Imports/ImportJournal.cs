using System.Globalization;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

/// <summary>Somebody else has worked on the run meanwhile: nothing that was planned without knowing what they planned is to be written.</summary>
public sealed class ImportTakenOverException(string id) : Exception($"Import {id} was taken over.");

/// <summary>
/// The journals of imports (<see cref="WriteJournal"/>) as blobs beside their row errors, and like them personal data:
/// one for each attempt of each run, most runs have one. A name can be taken once, which shuts out a worker that has been replaced.
/// </summary>
public sealed class ImportJournal(BlobServiceClient service)
{
    private readonly BlobContainerClient container = service.GetBlobContainerClient(ImportResults.ContainerName);

    /// <param name="resumed">The run may have been tried before.</param>
    public async Task<WriteJournal> OpenAsync(string id, JournalKind kind, int run, bool resumed, CancellationToken cancellation)
    {
        var journal = new WriteJournal(kind == JournalKind.Import ? id : id + "-undo", run, (attempt, content, token) => StoreAsync(id, kind, run, attempt, content, token));
        if (resumed)
        {
            foreach (var (attempt, lines) in await ReadAsync(id, kind, run, cancellation))
            {
                journal.Load(attempt, lines);
            }
        }

        return journal;
    }

    /// <summary>The attempts of a run, the oldest first.</summary>
    public async Task<IReadOnlyList<(int Attempt, IReadOnlyList<JournalLine> Lines)>> ReadAsync(string id, JournalKind kind, int run, CancellationToken cancellation)
    {
        var attempts = new List<(int, IReadOnlyList<JournalLine>)>();
        var prefix = Prefix(id, kind, run);
        await foreach (var item in container.GetBlobsAsync(prefix: prefix, cancellationToken: cancellation))
        {
            await using var content = await container.GetBlobClient(item.Name).OpenReadAsync(cancellationToken: cancellation);
            attempts.Add((int.Parse(item.Name.AsSpan(prefix.Length, 6), CultureInfo.InvariantCulture), await WriteJournal.ReadAsync(content, cancellation)));
        }

        return attempts;
    }

    /// <summary>False: there is nothing to undo by, because it is too long ago.</summary>
    public async Task<bool> ExistsAsync(string id, CancellationToken cancellation)
    {
        await foreach (var _ in container.GetBlobsAsync(prefix: $"{id}/journal-", cancellationToken: cancellation))
        {
            return true;
        }

        return false;
    }

    private async Task StoreAsync(string id, JournalKind kind, int run, int attempt, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        try
        {
            await container.GetBlobClient(string.Create(CultureInfo.InvariantCulture, $"{Prefix(id, kind, run)}{attempt:D6}.jsonl")).UploadAsync(
                BinaryData.FromBytes(content), new BlobUploadOptions { Conditions = new() { IfNoneMatch = ETag.All } }, cancellation);
        }
        catch (RequestFailedException exception) when (exception.Status is 409 or 412)
        {
            throw new ImportTakenOverException(id);
        }
    }

    private static string Prefix(string id, JournalKind kind, int run) =>
        string.Create(CultureInfo.InvariantCulture, $"{id}/{(kind == JournalKind.Import ? "journal" : "undo")}-{run:D8}-");
}

public enum JournalKind
{
    Import,
    Undo,
}
