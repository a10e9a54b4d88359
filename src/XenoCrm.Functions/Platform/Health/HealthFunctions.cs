using Azure.Storage.Blobs;
using Azure.Storage.Queues;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Platform.Health;

/// <param name="Status"><c>ok</c> or <c>unavailable</c>.</param>
/// <param name="Checks">Dependency → <c>ok</c> or <c>unavailable</c>; only for readiness.</param>
public sealed record HealthReport(string Status, IReadOnlyDictionary<string, string>? Checks = null)
{
    public string Version { get; } = AppTelemetry.Version;

    /// <summary>The commit that it was built from.</summary>
    public string Build { get; } = AppTelemetry.Build;
}

public sealed partial class HealthFunctions(CosmosDatabase database, QueueServiceClient queues, BlobServiceClient blobs, ILogger<HealthFunctions> log)
{
    [Function("GetLiveness")]
    [Public("A probe; says only that the process answers.")]
    [Describe("Say that the process answers"), Answers(200, typeof(HealthReport))]
    public IResult Live([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/health/live")] HttpRequest request) =>
        Reply.Ok(new HealthReport("ok"));

    [Function("GetReadiness")]
    [Public("A probe; says only which storage answers.")]
    [Describe("Say that the storage answers"), Answers(200, typeof(HealthReport)), Answers(503, typeof(HealthReport))]
    public async Task<IResult> Ready(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/health/ready")] HttpRequest request, CancellationToken cancellation)
    {
        var checks = await Task.WhenAll(
            CheckAsync("database", token => database.PingAsync(token), cancellation),
            CheckAsync("queues", token => queues.GetPropertiesAsync(token), cancellation),
            CheckAsync("blobs", token => blobs.GetPropertiesAsync(token), cancellation));
        var ok = checks.All(c => c.Ok);
        return Reply.Status(ok ? 200 : 503, new HealthReport(
            ok ? "ok" : "unavailable", checks.ToDictionary(c => c.Name, c => c.Ok ? "ok" : "unavailable")));
    }

    private async Task<(string Name, bool Ok)> CheckAsync(string name, Func<CancellationToken, Task> check, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            await check(limit.Token);
            return (name, true);
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            LogUnavailable(name, exception.GetType().Name);
            return (name, false);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Not ready: {Dependency} failed with {Failure}")]
    private partial void LogUnavailable(string dependency, string failure);
}
