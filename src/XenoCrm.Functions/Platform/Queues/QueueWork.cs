using System.Text.Json;
using Azure;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Logging;

namespace XenoCrm.Platform.Queues;

/// <summary>How queue-triggered functions do their work.</summary>
/// <remarks>
/// Payloads are read here and not by the host's binding, whose JSON settings are not this service's. While the storage
/// does not answer, a message is put back with a delay instead of failing: a long outage would use up its tries and
/// poison work that is in perfect order.
/// </remarks>
public sealed partial class QueueWork(JobQueue queue, ILogger<QueueWork> log)
{
    private static readonly TimeSpan OutageDelay = TimeSpan.FromSeconds(10);

    public static T Read<T>(string message) =>
        JsonSerializer.Deserialize<T>(message, Json.Options) ?? throw new JsonException("The message is null.");

    public async Task RunAsync(string name, string message, Func<Task> work, CancellationToken cancellation)
    {
        try
        {
            await work();
        }
        catch (Exception exception) when (IsOutage(exception))
        {
            LogOutage(exception, name);
            await queue.SendJsonAsync(name, System.Text.Encoding.UTF8.GetBytes(message), OutageDelay, cancellation);
        }
    }

    private static bool IsOutage(Exception exception) => exception switch
    {
        CosmosException cosmos => (int)cosmos.StatusCode is 408 or 429 or 449 or >= 500,
        RequestFailedException request => request.Status is 0 or 429 or >= 500,
        HttpRequestException => true,
        _ => false,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "The storage does not answer; a message of {Queue} is put back")]
    private partial void LogOutage(Exception exception, string queue);
}
