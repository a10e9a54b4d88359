using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace XenoCrm.Platform.Http;

/// <param name="Id">Comes back as <c>Last-Event-ID</c> when the caller connects again.</param>
public sealed record ServerEvent(string Name, string Id, object Data);

/// <summary>
/// Server-sent events: an answer that goes on until there are no more events, the caller is gone, or it has lasted
/// <see cref="MaxTime"/>. Where there is no event for a while a comment keeps the connection open.
/// </summary>
/// <param name="events">Null: nothing new at this moment.</param>
public sealed class EventStreamReply(Func<CancellationToken, IAsyncEnumerable<ServerEvent?>> events, TimeProvider clock) : IResult
{
    /// <summary>Azure's front end cuts an answer after 230 s. Callers connect again by themselves.</summary>
    public static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(200);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var (response, aborted) = (httpContext.Response, httpContext.RequestAborted);
        await using var source = events(aborted).GetAsyncEnumerator(aborted);

        // The first one before the answer begins, so that what does not exist is a problem document.
        var any = await source.MoveNextAsync();
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await WriteAsync(response, "retry: 3000\n\n", aborted);
        try
        {
            var (start, last) = (clock.GetTimestamp(), clock.GetTimestamp());
            for (; any && clock.GetElapsedTime(start) < MaxTime; any = await source.MoveNextAsync())
            {
                if (source.Current is { } e)
                {
                    await WriteAsync(response, $"event: {e.Name}\nid: {e.Id}\ndata: {JsonSerializer.Serialize(e.Data, Json.Options)}\n\n", aborted);
                    last = clock.GetTimestamp();
                }
                else if (clock.GetElapsedTime(last) >= Heartbeat)
                {
                    await WriteAsync(response, ": still here\n\n", aborted);
                    last = clock.GetTimestamp();
                }
            }
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            // The caller has gone, which is how most of these end.
        }
    }

    private static async Task WriteAsync(HttpResponse response, string text, CancellationToken cancellation)
    {
        await response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
