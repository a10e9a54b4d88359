using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <summary>A queue message of receipts that failed again and again and was given up. The receipts are kept as they were and can be applied after all.</summary>
public sealed record PoisonReceipts : IWorkspaceItem
{
    public const string KindName = "poison-receipts";

    /// <summary>Tells these ids from those of <see cref="PoisonRun"/>.</summary>
    public const string IdPrefix = "receipts-";

    public required string Id { get; init; }
    public string Kind => KindName;

    /// <summary>The message, whatever it is: that it cannot be read may be why it failed.</summary>
    public required string Message { get; init; }

    /// <summary>How many receipts are in it; null: it cannot be read.</summary>
    public int? Count { get; init; }
    public required DateTimeOffset At { get; init; }
    public DateTimeOffset? ReplayedAt { get; init; }

    /// <summary>The request with an Idempotency-Key that had it replayed, or null: repeated after a crash, it finds its own doing.</summary>
    public string? ReplayedFor { get; init; }
}

public sealed partial class PoisonReceiptsStore(WorkspaceStore<PoisonReceipts> store, JobQueue queue, TimeProvider clock, ILogger<PoisonReceiptsStore> log)
{
    /// <summary>Keeps a message from the poison queue.</summary>
    public async Task BuryAsync(string message, CancellationToken cancellation)
    {
        // By content: a crash before the queue's message is deleted brings it again.
        var id = PoisonReceipts.IdPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(message)).AsSpan(0, 16));
        var item = new PoisonReceipts { Id = id, Message = message, Count = CountOf(message), At = clock.GetUtcNow() };
        if (await store.TryCreateAsync(item, cancellation) is null)
        {
            await store.UpdateAsync(id, known => known.ReplayedAt is null ? null : item, cancellation);
        }

        LogBuried(id, item.Count);
    }

    /// <summary>Has the receipts applied after all: folding them again changes nothing, so this can be repeated after a crash.</summary>
    public async Task<PoisonReceipts> ReplayAsync(string id, CancellationToken cancellation, string? requestId = null)
    {
        var item = await store.ReadAsync(id, cancellation) ?? throw new PoisonRunNotFound(id).ToException();
        if (item.Value.ReplayedAt is not null)
        {
            if (requestId is not null && item.Value.ReplayedFor == requestId)
            {
                return item.Value;
            }

            throw new PoisonRunReplayed().ToException();
        }

        await queue.SendJsonAsync(ReceiptInbox.Queue, Encoding.UTF8.GetBytes(item.Value.Message), null, cancellation);
        var replayed = item.Value with { ReplayedAt = clock.GetUtcNow(), ReplayedFor = requestId };
        await store.TryReplaceAsync(replayed, item.ETag, cancellation);
        return replayed;
    }

    private static int? CountOf(string message)
    {
        try
        {
            return JsonSerializer.Deserialize<Receipt[]>(message, Json.Options)?.Length;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Receipts were given up and are kept as {Id}: {Count} of them")]
    private partial void LogBuried(string id, int? count);
}
