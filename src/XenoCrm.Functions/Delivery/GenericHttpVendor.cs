using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

/// <summary>
/// Any vendor that implements this protocol: <c>POST {base}/v1/messages</c> with a bearer key and
/// <c>{"messages":[{"id","channel","to","from"?,"subject"?,"text"?,"html"?,"headers"?}],"receiptUrl"}</c>, at most 1,000 messages,
/// answered with <c>{"results":[{"id","status":"accepted"|"rejected","reason"?,"retryable"?}]}</c> in the same order.
/// The id is the idempotency key. What becomes of the messages is posted to the receipt URL, and is answered to
/// <c>GET {base}/v1/messages/{id}</c>: <c>{"id","status":"accepted"|"sent"|"delivered"|"failed"|"rejected","reason"?}</c>, or 404 with
/// <c>{"code":"message_unknown"}</c> for a message that was never asked for.
/// </summary>
public sealed class GenericHttpVendor(IHttpClientFactory clients, IOptions<GenericVendorOptions> options, IConfiguration configuration) : IVendor
{
    public const string VendorName = "generic";

    private readonly GenericVendorOptions settings = options.Value;
    private readonly string address = options.Value.BaseAddress.TrimEnd('/') + "/v1/messages";
    private readonly string origin = (configuration["PublicBaseAddress"] ?? "").TrimEnd('/');

    public string Name => VendorName;

    public bool Idempotent => true;

    public int MaxMessages => 1000;

    public int MaxRequests => 64;

    public double? MessagesPerSecond => settings.MessagesPerSecond;

    public bool KeepsStatus => true;

    public string? FaultFor(Channel channel) =>
        !VendorHttp.IsAddress(settings.BaseAddress) ? "Vendors__Generic__BaseAddress must be the vendor's address."
        : !VendorHttp.IsAddress(origin) ? "PublicBaseAddress must be the address that vendors reach this service at."
        : settings.MessagesPerSecond <= 0 ? "Vendors__Generic__MessagesPerSecond must be above 0."
        : null;

    public Task<IReadOnlyList<VendorResult>> SendAsync(IReadOnlyList<VendorMessage> messages, CancellationToken cancellation) =>
        VendorHttp.AskAsync<IReadOnlyList<VendorResult>>(settings.Timeout, async limit =>
        {
            using var request = Request(HttpMethod.Post, address);
            request.Content = new MessagesContent(messages, origin + "/" + WebhookFunctions.ReceiptsRoute);
            using var client = clients.CreateClient(VendorHttp.ClientName);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit);
            if (!response.IsSuccessStatusCode)
            {
                throw VendorHttp.Refused(response);
            }

            await using var body = await response.Content.ReadAsStreamAsync(limit);
            var answer = await JsonSerializer.DeserializeAsync<Answer>(body, Json.Options, limit);
            return Match(messages, answer?.Results);
        }, cancellation);

    public Task<VendorFinding> FindAsync(string messageId, CancellationToken cancellation) => VendorHttp.AskAsync<VendorFinding>(settings.Timeout, async limit =>
    {
        using var request = Request(HttpMethod.Get, address + "/" + Uri.EscapeDataString(messageId));
        using var client = clients.CreateClient(VendorHttp.ClientName);
        using var response = await client.SendAsync(request, limit);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            // Its own word for it, and not any 404: a wrong address must not make messages that were sent unsent.
            var problem = await ReadAsync<Missing>(response, limit);
            return problem?.Code == "message_unknown" ? new(VendorFate.NotThere) : throw VendorHttp.Refused(response);
        }

        if (!response.IsSuccessStatusCode)
        {
            throw VendorHttp.Refused(response);
        }

        var found = await ReadAsync<Result>(response, limit);
        return found?.Status switch
        {
            "accepted" or "sent" => new(VendorFate.Accepted),
            "delivered" => new(VendorFate.Delivered),
            "failed" => new(VendorFate.Failed, found.Reason),
            "rejected" => new(VendorFate.Rejected, found.Reason),
            _ => throw new VendorException(VendorFailure.NotTaken, "The vendor's answer says nothing known."),
        };
    }, cancellation);

    private HttpRequestMessage Request(HttpMethod method, string to)
    {
        var request = new HttpRequestMessage(method, to);
        request.Headers.Authorization = new("Bearer", settings.ApiKey);
        return request;
    }

    private static async Task<T?> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        return await JsonSerializer.DeserializeAsync<T>(body, Json.Options, cancellation);
    }

    private static VendorResult[] Match(IReadOnlyList<VendorMessage> messages, Result[]? results)
    {
        if (results?.Length != messages.Count)
        {
            throw new VendorException(VendorFailure.Ambiguous, $"The vendor answered {results?.Length ?? 0} results to {messages.Count} messages.");
        }

        var answers = new VendorResult[results.Length];
        for (var i = 0; i < results.Length; i++)
        {
            var result = results[i];
            if (result.Id != messages[i].Id)
            {
                throw new VendorException(VendorFailure.Ambiguous, "The vendor's results are not in the order of the messages.");
            }

            answers[i] = result switch
            {
                { Status: "accepted" } => new(VendorAnswer.Accepted, null),
                { Retryable: true } => new(VendorAnswer.Deferred, result.Reason),
                _ => new(VendorAnswer.Rejected, result.Reason ?? "rejected"),
            };
        }

        return answers;
    }

    private sealed record Answer(Result[]? Results);

    private sealed record Missing(string? Code);

    private sealed record Result(string Id, string Status, string? Reason, bool Retryable);

    /// <summary>Writes the request as it goes: each message is rendered when its turn comes, and the body is never in memory as a whole.</summary>
    private sealed class MessagesContent : HttpContent
    {
        private const int FlushAt = 32 * 1024;
        private readonly IReadOnlyList<VendorMessage> messages;
        private readonly string receiptUrl;

        public MessagesContent(IReadOnlyList<VendorMessage> messages, string receiptUrl)
        {
            this.messages = messages;
            this.receiptUrl = receiptUrl;
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await using var json = new Utf8JsonWriter(stream, new() { Encoder = Json.Options.Encoder, SkipValidation = true });
            json.WriteStartObject();
            json.WriteString("receiptUrl"u8, receiptUrl);
            json.WriteStartArray("messages"u8);
            foreach (var message in messages)
            {
                Write(json, message);
                if (json.BytesPending > FlushAt)
                {
                    await json.FlushAsync(cancellationToken);
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
            await json.FlushAsync(cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        private static void Write(Utf8JsonWriter json, VendorMessage message)
        {
            var content = message.Render();
            json.WriteStartObject();
            json.WriteString("id"u8, message.Id);
            json.WriteString("channel"u8, message.Channel.Name());
            json.WriteString("to"u8, message.To);
            WriteIfAny(json, "from"u8, message.From);
            WriteIfAny(json, "subject"u8, content.Subject);
            WriteIfAny(json, "text"u8, content.Text);
            WriteIfAny(json, "html"u8, content.Html);
            if (message.Channel == Channel.Email && content.UnsubscribeUrl is { } unsubscribe)
            {
                json.WriteStartObject("headers"u8);
                foreach (var (name, value) in Unsubscribe.Headers(unsubscribe))
                {
                    json.WriteString(name, value);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        private static void WriteIfAny(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }
    }
}
