using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Platform.Queues;

/// <summary>A queue message that failed again and again and was given up. It is kept as it was and can be sent again.</summary>
public sealed record PoisonMessage : IWorkspaceItem
{
    public const string KindName = "poison-message";

    /// <summary>Begins with the queue's name.</summary>
    public required string Id { get; init; }
    public string Kind => KindName;
    public required string Queue { get; init; }

    /// <summary>The text, whatever it is: that it cannot be read may be why it failed.</summary>
    public required string Message { get; init; }
    public required DateTimeOffset At { get; init; }
    public DateTimeOffset? ReplayedAt { get; init; }

    /// <summary>The request with an Idempotency-Key that had it replayed, or null: repeated after a crash, it finds its own doing.</summary>
    public string? ReplayedFor { get; init; }
}

/// <summary>
/// Takes messages out of poison queues, where nobody sees them. Every queue has a function on its poison queue, which
/// accounts for the work, or keeps the message here when nothing else has to be done for it.
/// </summary>
public sealed partial class PoisonMessages(WorkspaceStore<PoisonMessage> store, JobQueue queue, TimeProvider clock, ILogger<PoisonMessages> log)
{
    public async Task BuryAsync(string queueName, string message, CancellationToken cancellation)
    {
        // By content: a crash before the queue's message is deleted brings it again.
        var id = $"{queueName}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(message)).AsSpan(0, 16))}";
        var item = new PoisonMessage { Id = id, Queue = queueName, Message = message, At = clock.GetUtcNow() };
        if (await store.TryCreateAsync(item, cancellation) is null)
        {
            await store.UpdateAsync(id, known => known.ReplayedAt is null ? null : item, cancellation);
        }

        LogBuried(queueName, id);
    }

    public Task<IReadOnlyList<Versioned<PoisonMessage>>> PageAsync(string? before, int limit, CancellationToken cancellation) => store.PageAsync(before, limit, cancellation);

    public IAsyncEnumerable<Versioned<PoisonMessage>> AllAsync(CancellationToken cancellation) => store.AllAsync(cancellation);

    public Task<Versioned<PoisonMessage>?> ReadAsync(string id, CancellationToken cancellation) => store.ReadAsync(id, cancellation);

    /// <summary>Sends the message again: what it asks for is safe to repeat, and so is this after a crash.</summary>
    public async Task<PoisonMessage> ReplayAsync(Versioned<PoisonMessage> buried, CancellationToken cancellation, string? requestId = null)
    {
        await queue.SendJsonAsync(buried.Value.Queue, Encoding.UTF8.GetBytes(buried.Value.Message), null, cancellation);
        var replayed = buried.Value with { ReplayedAt = clock.GetUtcNow(), ReplayedFor = requestId };
        await store.TryReplaceAsync(replayed, buried.ETag, cancellation);
        return replayed;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A message of {Queue} was given up and is kept as {Id}")]
    private partial void LogBuried(string queue, string id);
}
