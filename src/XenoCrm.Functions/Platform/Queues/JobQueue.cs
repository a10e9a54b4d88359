using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Azure;
using Azure.Storage.Queues;

namespace XenoCrm.Platform.Queues;

/// <summary>
/// Puts messages where queue-triggered functions find them. A message is stored when the call returns; it is delivered
/// at least once, so what it asks for must be safe to repeat.
/// </summary>
public sealed class JobQueue(QueueServiceClient service, TimeProvider clock)
{
    /// <summary>The service takes 64 KiB of base64 text, in which <see cref="QueueEnvelope"/> has its place.</summary>
    public const int MaxPayloadBytes = (48 * 1024) - QueueEnvelope.MaxBytes;

    private readonly ConcurrentDictionary<string, Lazy<Task<QueueClient>>> queues = new();

    /// <param name="delay">Invisible for so long: pacing and schedules are delays, no coordinator is needed. At most 7 days.</param>
    public Task SendAsync<T>(string queue, T message, TimeSpan? delay, CancellationToken cancellation) =>
        SendJsonAsync(queue, JsonSerializer.SerializeToUtf8Bytes(message, Json.Options), delay, cancellation);

    /// <param name="json">One JSON value. Not an overload of SendAsync: bytes would bind to that one and be wrapped as text.</param>
    public async Task SendJsonAsync(string queue, ReadOnlyMemory<byte> json, TimeSpan? delay, CancellationToken cancellation)
    {
        var client = await queues.GetOrAdd(queue, name => new(() => OpenAsync(name))).Value;

        // -1 s: the message never expires. The default of 7 days would drop the work of a long outage.
        var message = QueueEnvelope.Wrap(json, Activity.Current, delay is { } time ? clock.GetUtcNow() + time : null);
        await client.SendMessageAsync(new BinaryData(message), delay, TimeSpan.FromSeconds(-1), cancellation);
    }

    /// <summary>Messages waiting or being worked on, approximately; 0 when the queue does not exist.</summary>
    public async Task<int> DepthAsync(string queue, CancellationToken cancellation)
    {
        try
        {
            return (await service.GetQueueClient(queue).GetPropertiesAsync(cancellation)).Value.ApproximateMessagesCount;
        }
        catch (RequestFailedException exception) when (exception.Status == 404)
        {
            return 0;
        }
    }

    private async Task<QueueClient> OpenAsync(string name)
    {
        try
        {
            var client = service.GetQueueClient(name);
            await client.CreateIfNotExistsAsync();
            return client;
        }
        catch
        {
            queues.TryRemove(name, out _);
            throw;
        }
    }
}
