using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Delivery;

/// <summary>What SendGrid and Twilio report, each in its own way; from here on they are receipts like any other.</summary>
public sealed partial class VendorWebhookFunctions(
    SendGridSignature sendGrid, TwilioSignature twilio, ReceiptInbox inbox, TimeProvider clock, ILogger<VendorWebhookFunctions> log)
{
    public const string SendGridRoute = "api/webhooks/sendgrid";
    public const string TwilioRoute = "api/webhooks/twilio";

    [Function("TakeSendGridEvents")]
    [Public("Only what is signed with the event webhook's key is taken.")]
    [Describe(
        "Take events of SendGrid",
        "The signed event webhook: an array of events, ECDSA in X-Twilio-Email-Event-Webhook-Signature over X-Twilio-Email-Event-Webhook-Timestamp and the raw body. Answered when they are stored; a repeat changes nothing, and events of other applications are passed over.")]
    [Body(typeof(SendGridEvent[]), IsLenient = true), Answers(204), Problems(400, 401, 413, 503)]
    public async Task<IResult> SendGrid(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = SendGridRoute)] HttpRequest request, CancellationToken cancellation)
    {
        var body = await request.ReadBytesAsync(RequestBody.MaxBytes, cancellation);
        sendGrid.Verify(request.Headers, body.Span);
        return await StoreAsync(SendGridEvents.Read(body, clock.GetUtcNow()), cancellation);
    }

    [Function("TakeTwilioStatus")]
    [Public("Only what is signed with the account's token is taken.")]
    [Describe(
        "Take a status callback of Twilio",
        "A form, X-Twilio-Signature over the address (with its query, which names the message) and the sorted fields. Answered when it is stored; a repeat changes nothing.")]
    [Query(TwilioStatus.MessageIdParameter, typeof(string), "The message's id, as in the address that Twilio was given.")]
    [Body(typeof(TwilioCallback), IsLenient = true, ContentTypes = ["application/x-www-form-urlencoded"]), Answers(204), Problems(401, 413, 503)]
    public async Task<IResult> Twilio(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = TwilioRoute)] HttpRequest request, CancellationToken cancellation)
    {
        var body = await request.ReadBytesAsync(64 * 1024, cancellation);
        var form = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body.Span));
        twilio.Verify(
            request.Headers[TwilioSignature.Header], "/" + TwilioRoute + request.QueryString.Value,
            form.SelectMany(f => f.Value.Select(v => KeyValuePair.Create(f.Key, v ?? ""))));
        var callback = new TwilioCallback(Field("MessageSid"), Field("MessageStatus"), Field("ErrorCode"));
        var receipt = TwilioStatus.Read(request.Query[TwilioStatus.MessageIdParameter].ToString(), callback, clock.GetUtcNow());
        return await StoreAsync(receipt is null ? [] : [receipt], cancellation);

        string? Field(string name) => form.TryGetValue(name, out var value) ? value.ToString() : null;
    }

    private async Task<IResult> StoreAsync(IReadOnlyList<Receipt> receipts, CancellationToken cancellation)
    {
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
