using System.Text;
using System.Threading.Channels;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Hosting;
using XenoCrm.Local.FunctionsRuntime.Storage;

namespace XenoCrm.Local.FunctionsRuntime.Queues;

/// <summary>
/// Receives the messages of one queue function and runs them side by side. A message is deleted only after its function
/// has returned; whatever else happens to the function, the process or storage, the message comes back.
/// </summary>
internal sealed class QueueListener(
    Function function,
    QueueClient queue,
    QueueClient? poison,
    HostSettings host,
    FunctionExecutor executor,
    IServiceScopeFactory scopes,
    Shutdown shutdown,
    ILogger<QueueListener> logger) : ITriggerListener
{
    /// <summary>How long a message of a poison queue rests once it has failed too often: it has nowhere else to go.</summary>
    private static readonly TimeSpan s_restOfPoison = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_depthInterval = TimeSpan.FromSeconds(10);

    private readonly QueueSettings _settings = host.Queues;
    private readonly StorageHealth _health = new($"Queue {queue.Name} of {function.Name}", logger);

    // Holds one token when an invocation has ended since the loop last looked.
    private readonly Channel<bool> _ended = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private int _inFlight;
    private long _depthReadAt = long.MinValue / 2;

    public Function Function => function;

    public string Describe() => $"queue {queue.Name}";

    /// <summary>Ends when no more work is to be begun and what was begun has ended.</summary>
    public async Task Run()
    {
        var idle = QueueSettings.MinPollingInterval;
        var created = false;
        while (!shutdown.Stopping.IsCancellationRequested)
        {
            TimeSpan wait;
            try
            {
                if (!created)
                {
                    await queue.CreateIfNotExistsAsync(cancellationToken: shutdown.Stopping);
                    created = true;
                }
                await RecordDepth();
                var received = await Receive();
                _health.Worked();
                if (received == _settings.BatchSize)
                    (wait, idle) = (TimeSpan.Zero, QueueSettings.MinPollingInterval);
                else if (received > 0)
                    wait = idle = QueueSettings.MinPollingInterval;
                else
                    (wait, idle) = (idle, TimeSpan.FromTicks(Math.Min(idle.Ticks * 2, _settings.MaxPollingInterval.Ticks)));
            }
            catch (Exception) when (shutdown.Stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                created = created && e is not RequestFailedException { ErrorCode: "QueueNotFound" };
                wait = _health.Failed(e);
            }
            await Wait(wait);
        }
        while (Volatile.Read(ref _inFlight) > 0)
            await _ended.Reader.ReadAsync();
    }

    private async Task Wait(TimeSpan wait)
    {
        try
        {
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, shutdown.Stopping);
            // The next batch is fetched when few enough messages are left, so up to batchSize + newBatchThreshold run at once.
            while (Volatile.Read(ref _inFlight) > _settings.NewBatchThreshold)
                await _ended.Reader.ReadAsync(shutdown.Stopping);
        }
        catch (OperationCanceledException)
        {
            // The loop looks at the reason.
        }
    }

    private async Task<int> Receive()
    {
        // Not cancelled by the stop: messages of a request cut off half-way would be invisible until their lease ends.
        QueueMessage[] messages = await queue.ReceiveMessagesAsync(_settings.BatchSize, _settings.Lease, shutdown.Abort);
        foreach (var message in messages)
        {
            Interlocked.Increment(ref _inFlight);
            _ = Task.Run(() => Process(message));
        }
        return messages.Length;
    }

    private async Task Process(QueueMessage message)
    {
        try
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(shutdown.Abort);
            if (host.FunctionTimeout is { } timeout)
                cancel.CancelAfter(timeout);
            using var lease = new MessageLease(queue, message, _settings.Lease, cancel, logger);
            var outcome = Outcome.Failed;
            try
            {
                outcome = await Handle(message, cancel.Token);
            }
            finally
            {
                await lease.Stop();
            }
            if (!lease.Lost)
                await Settle(message, lease, outcome);
        }
        catch (Exception e)
        {
            // Nothing was deleted: the message is delivered again when its lease has run out.
            logger.LogError(e, "Message {MessageId} of {Queue} could not be settled", message.MessageId, queue.Name);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
            _ended.Writer.TryWrite(true);
        }
    }

    private async Task<Outcome> Handle(QueueMessage message, CancellationToken token)
    {
        if (shutdown.Stopping.IsCancellationRequested)
            return Outcome.NotBegun;
        // It failed as often as it may, and the process ended before it could be moved.
        if (message.DequeueCount > _settings.MaxDequeueCount && poison is not null)
            return Outcome.Poison;
        if (Decode(message) is not { } decoded)
        {
            logger.LogError("Message {MessageId} of {Queue} is not base64, which host.json (extensions.queues.messageEncoding) asks for", message.MessageId, queue.Name);
            return Outcome.Poison;
        }
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            using var invocation = new Invocation(function, scope.ServiceProvider, decoded, QueueBinding.Data(decoded), token)
            {
                ParentTrace = QueueTrace.Of(decoded.Body.ToMemory().Span),
            };
            await executor.Run(invocation);
            return Outcome.Done;
        }
        catch (Exception) when (shutdown.Abort.IsCancellationRequested)
        {
            return Outcome.NotBegun;
        }
        catch (Exception)
        {
            // The executor has logged it.
            return message.DequeueCount >= _settings.MaxDequeueCount ? Outcome.Poison : Outcome.Failed;
        }
    }

    private async Task Settle(QueueMessage message, MessageLease lease, Outcome outcome)
    {
        switch (outcome)
        {
            case Outcome.Done:
                await lease.Delete();
                break;
            case Outcome.NotBegun:
                await lease.Release(TimeSpan.Zero, persist: false);
                break;
            case Outcome.Failed:
                await lease.Release(_settings.VisibilityTimeout);
                break;
            case Outcome.Poison when poison is null:
                await lease.Release(_settings.VisibilityTimeout > s_restOfPoison ? _settings.VisibilityTimeout : s_restOfPoison);
                break;
            default:
                await MoveToPoison(message);
                await lease.Delete();
                break;
        }
    }

    /// <summary>Stored there before it is deleted here: a crash in between leaves two, never none.</summary>
    private async Task MoveToPoison(QueueMessage message)
    {
        await poison!.CreateIfNotExistsAsync();
        // Without end: a poison message waits for a person, who may be on holiday for longer than the default seven days.
        await poison.SendMessageAsync(message.Body, timeToLive: TimeSpan.FromSeconds(-1));
        logger.LogError(
            "Message {MessageId} of {Queue} was moved to {PoisonQueue} after {DequeueCount} tries", message.MessageId, queue.Name, poison.Name, message.DequeueCount);
    }

    /// <summary>The message with its text decoded, or null when it is not in the encoding that host.json names.</summary>
    private QueueMessage? Decode(QueueMessage message)
    {
        if (!_settings.Base64)
            return message;
        var text = message.Body.ToMemory().Span;
        var bytes = new byte[System.Buffers.Text.Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (System.Buffers.Text.Base64.DecodeFromUtf8(text, bytes, out _, out var written) != System.Buffers.OperationStatus.Done)
            return null;
        return QueuesModelFactory.QueueMessage(
            message.MessageId, message.PopReceipt, new BinaryData(bytes.AsMemory(0, written)), message.DequeueCount, message.NextVisibleOn, message.InsertedOn, message.ExpiresOn);
    }

    private async Task RecordDepth()
    {
        if (!Telemetry.QueueDepth.Enabled || Environment.TickCount64 - _depthReadAt < s_depthInterval.TotalMilliseconds)
            return;
        _depthReadAt = Environment.TickCount64;
        var properties = await queue.GetPropertiesAsync(shutdown.Stopping);
        Telemetry.QueueDepth.Record(properties.Value.ApproximateMessagesCount, new("queue", queue.Name), new("faas.name", function.Name));
    }

    private enum Outcome
    {
        Done,
        Failed,
        Poison,
        NotBegun,
    }
}
