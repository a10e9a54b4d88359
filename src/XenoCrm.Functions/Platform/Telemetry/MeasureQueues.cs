using System.Diagnostics.Metrics;
using Azure;
using Azure.Storage.Queues;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Platform.Telemetry;

/// <param name="Messages">Waiting or being worked on, approximately.</param>
/// <param name="Waits">How long the oldest one has waited since it was due.</param>
public sealed record QueueState(string Queue, int Messages, TimeSpan Waits);

/// <summary>How much work waits, and for how long: as figures, and in a line of the log that the alerts read (infra/modules/alerts.bicep).</summary>
public sealed partial class MeasureQueues(QueueServiceClient service, TimeProvider clock, ILogger<MeasureQueues> log)
{
    public const string Line = "Queue {Queue} holds {Messages} messages, the oldest waits {AgeSeconds} s";

    private static readonly Gauge<long> Depth = AppTelemetry.Meter.CreateGauge<long>("xenocrm.queue.depth", "{message}", "Messages waiting or being worked on.");

    private static readonly Gauge<double> Age = AppTelemetry.Meter.CreateGauge<double>("xenocrm.queue.age", "s", "How long the oldest message has waited since it was due.");

    [Function("MeasureQueues")]
    public async Task Run([TimerTrigger("30 * * * * *")] TimerInfo timer, CancellationToken cancellation)
    {
        foreach (var state in await ReadAsync(cancellation))
        {
            var tag = new KeyValuePair<string, object?>("messaging.destination.name", state.Queue);
            Depth.Record(state.Messages, tag);
            Age.Record(state.Waits.TotalSeconds, tag);
            if (state.Messages > 0)
            {
                LogState(state.Queue, state.Messages, (long)state.Waits.TotalSeconds);
            }
        }
    }

    public async Task<IReadOnlyList<QueueState>> ReadAsync(CancellationToken cancellation)
    {
        var states = new List<QueueState>();
        await foreach (var queue in service.GetQueuesAsync(cancellationToken: cancellation))
        {
            if (await ReadAsync(queue.Name, cancellation) is { } state)
            {
                states.Add(state);
            }
        }

        return states;
    }

    private async Task<QueueState?> ReadAsync(string name, CancellationToken cancellation)
    {
        try
        {
            var queue = service.GetQueueClient(name);
            var messages = (await queue.GetPropertiesAsync(cancellation)).Value.ApproximateMessagesCount;

            // Only what is due can be peeked at; it was put there earlier when it had to wait for its time.
            var oldest = messages == 0 ? null : (await queue.PeekMessagesAsync(1, cancellation)).Value.FirstOrDefault();
            if (oldest is null)
            {
                return new(name, messages, TimeSpan.Zero);
            }

            var since = oldest.InsertedOn ?? clock.GetUtcNow();
            if (QueueEnvelope.Of(oldest.Body.ToMemory().Span).DueAt is { } due && due > since)
            {
                since = due;
            }

            return new(name, messages, TimeSpan.FromTicks(Math.Max(0, (clock.GetUtcNow() - since).Ticks)));
        }
        catch (RequestFailedException exception) when (exception.Status == 404)
        {
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = Line)]
    private partial void LogState(string queue, int messages, long ageSeconds);
}
