using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Delivery;

/// <summary>What recipients' mail programs and browsers call. What they do is stored as a receipt, like any vendor's.</summary>
public sealed partial class TrackingFunctions(TrackingLinks links, ReceiptInbox inbox, Ids ids, TimeProvider clock, ILogger<TrackingFunctions> log)
{
    /// <summary>A transparent GIF of one pixel.</summary>
    private static readonly byte[] Pixel = Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7");

    [Function("TrackOpen")]
    [Public("Whoever has the address in the message.")]
    [Describe("The image in an email that says it was opened"), Answers(200)]
    public async Task<IResult> Open(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = TrackingLinks.OpenRoute)] HttpRequest request, string token, CancellationToken cancellation)
    {
        if (links.Read(TrackingKind.Open, token) is { } tracked)
        {
            await NoteAsync(request, tracked, ReceiptStatus.Opened, cancellation);
        }

        // An image in any case: a broken one in somebody's mail helps nobody.
        NotCached(request);
        return Results.Bytes(Pixel, "image/gif");
    }

    [Function("TrackClick")]
    [Public("Whoever has the address in the message.")]
    [Describe("Follow a link of an email", "Redirects to the link's target, which is part of the signed token: no other can be reached."), Answers(302), Problems(404)]
    public async Task<IResult> Click(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = TrackingLinks.ClickRoute)] HttpRequest request, string token, CancellationToken cancellation)
    {
        if (links.Read(TrackingKind.Click, token) is not { Target: { } target } tracked)
        {
            throw new LinkInvalid().ToException();
        }

        await NoteAsync(request, tracked, ReceiptStatus.Clicked, cancellation);
        NotCached(request);
        return Results.Redirect(target);
    }

    [Function("ShowUnsubscribe")]
    [Public("Whoever has the address in the message.")]
    [Describe("The page that offers to stop the messages", "Looking at it changes nothing: scanners look at every link."), Answers(200), Problems(404)]
    public IResult ShowUnsubscribe(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = TrackingLinks.UnsubscribeRoute)] HttpRequest request, string token) =>
        links.Read(TrackingKind.Unsubscribe, token) is { } tracked ? Page(request, UnsubscribePage.Offer(tracked.Channel)) : throw new LinkInvalid().ToException();

    [Function("Unsubscribe")]
    [Public("Whoever has the address in the message.")]
    [Describe("Stop the messages", "From the page's button, or in one click by the mailbox provider (RFC 8058). Withdraws the customer's consent for the channel."), Answers(200), Problems(404, 503)]
    public async Task<IResult> Leave(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = TrackingLinks.UnsubscribeRoute)] HttpRequest request, string token, CancellationToken cancellation)
    {
        if (links.Read(TrackingKind.Unsubscribe, token) is not { } tracked)
        {
            throw new LinkInvalid().ToException();
        }

        try
        {
            await inbox.StoreAsync([ReceiptOf(request, tracked, ReceiptStatus.Unsubscribed)], cancellation);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogNotStored(exception);
            throw (new ReceiptsNotStored { RetryAfterSeconds = 2 }).ToException();
        }

        return Page(request, UnsubscribePage.Done(tracked.Channel));
    }

    private async Task NoteAsync(HttpRequest request, Tracked tracked, ReceiptStatus status, CancellationToken cancellation)
    {
        try
        {
            await inbox.StoreAsync([ReceiptOf(request, tracked, status)], cancellation);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The reader gets where they wanted to go; that we do not know of it is our loss alone.
            LogNotStored(exception);
        }
    }

    private Receipt ReceiptOf(HttpRequest request, Tracked tracked, ReceiptStatus status)
    {
        var agent = request.Headers.UserAgent.ToString();
        return new()
        {
            MessageId = tracked.MessageId,
            Status = status,
            At = clock.GetUtcNow(),
            EventId = ids.New(),
            Link = tracked.Target is { } target ? MessageEvent.LinkOf(target) : null,
            Agent = agent.Length > MessageEvent.MaxAgent ? agent[..MessageEvent.MaxAgent] : agent,
        };
    }

    private static IResult Page(HttpRequest request, string html)
    {
        NotCached(request);
        request.HttpContext.Response.Headers.ContentSecurityPolicy = UnsubscribePage.Policy;
        request.HttpContext.Response.Headers["X-Robots-Tag"] = "noindex";
        return Results.Content(html, "text/html; charset=utf-8");
    }

    private static void NotCached(HttpRequest request) => request.HttpContext.Response.Headers.CacheControl = "no-store";

    [LoggerMessage(Level = LogLevel.Error, Message = "What a recipient did could not be stored")]
    private partial void LogNotStored(Exception exception);
}
