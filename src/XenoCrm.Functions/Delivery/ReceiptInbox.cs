using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using XenoCrm.Platform;
using XenoCrm.Platform.Queues;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Delivery;

/// <summary>
/// Stores receipts in the queue, many requests' receipts in one message (group commit): a caller is released when the
/// message that holds its receipts is stored. While one message is on its way to the queue, what arrives gathers for the
/// next. Who posts alone is stored at once; while many do, a message waits a moment for those who were just answered.
/// </summary>
public sealed class ReceiptInbox : IAsyncDisposable
{
    public const string Queue = "receipts";

    /// <summary>Requests that may be waiting; more are held back before they are read.</summary>
    private const int MaxWaiting = 4096;

    /// <summary>
    /// So long at most the callers of the last message are waited for, and no longer than they keep coming. Without it their
    /// next receipts found the next message gone, and 64 callers made two messages of 32 in turn.
    /// </summary>
    private const int GatherMilliseconds = 4;

    /// <summary>What a message may hold when it is empty otherwise.</summary>
    private const int MaxBytes = JobQueue.MaxPayloadBytes - ReceiptMessage.WrapBytes;

    /// <summary>What is packed at a time: as a rule a tenth of it is left, and it fits into one message.</summary>
    private const int MaxGatheredBytes = 4 * MaxBytes;

    private readonly Channel<Entry> entries = Channel.CreateBounded<Entry>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Func<ReadOnlyMemory<byte>, Task> store;
    private readonly Task writer;

    /// <summary>Receipts that the next message can have when the callers of this one come again.</summary>
    private int expected;

    public ReceiptInbox(JobQueue queue)
        : this(message => queue.SendJsonAsync(Queue, message, null, CancellationToken.None))
    {
    }

    internal ReceiptInbox(Func<ReadOnlyMemory<byte>, Task> store)
    {
        this.store = store;
        writer = Task.Run(WriteAsync);
    }

    /// <param name="Json">One or more receipts, separated by commas.</param>
    /// <param name="Trace">Of the request.</param>
    private readonly record struct Entry(ReadOnlyMemory<byte> Json, TaskCompletionSource Stored, ActivityContext Trace);

    /// <summary>Returns when all <paramref name="receipts"/> are stored.</summary>
    /// <exception cref="Exception">They are not, or not all: the caller must be told to send them again.</exception>
    public async Task StoreAsync(IReadOnlyList<Receipt> receipts, CancellationToken cancellation)
    {
        var waiting = new List<Task>(1);
        foreach (var piece in Pieces(receipts))
        {
            var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await entries.Writer.WriteAsync(new(piece, stored, Activity.Current?.Context ?? default), cancellation);
            waiting.Add(stored.Task);
        }

        await Task.WhenAll(waiting).WaitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        entries.Writer.TryComplete();
        await writer;
    }

    /// <summary>The receipts' JSON, cut so that each piece fits into a message.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Pieces(IReadOnlyList<Receipt> receipts)
    {
        if (receipts is [var one])
        {
            yield return JsonSerializer.SerializeToUtf8Bytes(one, Json.Options);
            yield break;
        }

        var piece = new MemoryStream();
        foreach (var receipt in receipts)
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(receipt, Json.Options);
            if (piece.Length > 0 && piece.Length + json.Length + 3 > MaxBytes)
            {
                yield return piece.ToArray();
                piece.SetLength(0);
            }

            if (piece.Length > 0)
            {
                piece.WriteByte((byte)',');
            }

            piece.Write(json);
        }

        if (piece.Length > 0)
        {
            yield return piece.ToArray();
        }
    }

    // One writer: a queue takes a message in some 3 ms, and two writers would halve the messages' size for no gain.
    private async Task WriteAsync()
    {
        var gathered = new List<Entry>();
        while (await entries.Reader.WaitToReadAsync())
        {
            await GatherAsync();
            gathered.Clear();
            var bytes = 0;
            while (entries.Reader.TryPeek(out var next)
                && (gathered.Count == 0 || bytes + next.Json.Length <= MaxGatheredBytes)
                && entries.Reader.TryRead(out var entry))
            {
                gathered.Add(entry);
                bytes += entry.Json.Length + 1;
            }

            var isFull = entries.Reader.Count > 0;
            using var activity = AppTelemetry.Follow("StoreReceipts", gathered.ConvertAll(g => g.Trace));
            await StoreAsync(gathered);
            expected = isFull ? 0 : expected;
        }
    }

    private async Task StoreAsync(List<Entry> gathered)
    {
        try
        {
            var message = ReceiptMessage.Of(ArrayOf(gathered).Span);
            if (message.Length > JobQueue.MaxPayloadBytes && gathered.Count > 1)
            {
                // Receipts that do not resemble each other.
                await StoreAsync(gathered[..(gathered.Count / 2)]);
                await StoreAsync(gathered[(gathered.Count / 2)..]);
                return;
            }

            await store(message);
            expected = gathered.Count + entries.Reader.Count;
            gathered.ForEach(g => g.Stored.TrySetResult());
        }
        catch (Exception exception)
        {
            // Perhaps stored, perhaps not: the callers send them again, and folding does not mind.
            gathered.ForEach(g => g.Stored.TrySetException(exception));
        }
    }

    private static ReadOnlyMemory<byte> ArrayOf(List<Entry> gathered)
    {
        var array = new byte[gathered.Sum(g => g.Json.Length + 1) + 1];
        var at = 0;
        foreach (var entry in gathered)
        {
            array[at] = at == 0 ? (byte)'[' : (byte)',';
            entry.Json.Span.CopyTo(array.AsSpan(at + 1));
            at += entry.Json.Length + 1;
        }

        array[at] = (byte)']';
        return array;
    }

    private async Task GatherAsync()
    {
        for (var (waited, there) = (0, -1); waited < GatherMilliseconds && entries.Reader.Count is var now && now < expected && now > there; waited++)
        {
            there = now;
            await Task.Delay(1);
        }
    }
}
