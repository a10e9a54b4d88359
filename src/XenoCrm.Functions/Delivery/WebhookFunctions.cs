using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Delivery;

public sealed partial class WebhookFunctions(StandardWebhook webhook, ReceiptInbox inbox, ILogger<WebhookFunctions> log)
{
    public const string ReceiptsRoute = "api/webhooks/receipts";

    [Function("TakeReceipts")]
    [Public("Only what is signed with the vendor's secret is taken.")]
    [Describe("Take delivery receipts", "One receipt or an array of at most 1,000, signed as Standard Webhooks says. Answered when they are stored; a repeat changes nothing.")]
    [Body(typeof(ReceiptInput), IsLenient = true), Answers(204), Problems(401, 413, 503)]
    public async Task<IResult> Take(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = ReceiptsRoute)] HttpRequest request, CancellationToken cancellation)
    {
        var body = await request.ReadBytesAsync(RequestBody.MaxBytes, cancellation);
        webhook.Verify(request.Headers, body.Span);
        var receipts = ReceiptReader.Read(body.Span);
        try
        {
            await inbox.StoreAsync(receipts, cancellation);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogNotStored(exception, receipts.Count);
            throw (new ReceiptsNotStored { RetryAfterSeconds = 2 }).ToException();
        }

        return Reply.NoContent();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} receipts could not be stored; the vendor was told to send them again")]
    private partial void LogNotStored(Exception exception, int count);
}
