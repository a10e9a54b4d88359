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
/// The id is the idempotency key. What becomes of the messages is posted to the receipt URL.
/// </summary>
public sealed class GenericHttpVendor(IHttpClientFactory clients, IOptions<GenericVendorOptions> options, IConfiguration configuration) : IVendor
{
    public const string HttpClientName = "vendor-generic";

    private readonly Uri address = new(options.Value.BaseAddress.TrimEnd('/') + "/v1/messages");
    private readonly string receiptUrl = (configuration["PublicBaseAddress"] ?? "").TrimEnd('/') + "/" + WebhookFunctions.ReceiptsRoute;

    public string Name => "generic";

    public bool Idempotent => true;

    public int MaxMessages => 1000;

    public async Task<IReadOnlyList<VendorResult>> SendAsync(IReadOnlyList<VendorMessage> messages, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.Value.Timeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new MessagesContent(messages, receiptUrl) };
            request.Headers.Authorization = new("Bearer", options.Value.ApiKey);
            using var client = clients.CreateClient(HttpClientName);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (!response.IsSuccessStatusCode)
            {
                throw Refused(response);
            }

            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            var answer = await JsonSerializer.DeserializeAsync<Answer>(body, Json.Options, limit.Token);
            return Match(messages, answer?.Results);
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new VendorException(VendorFailure.Ambiguous, "The vendor did not answer in time.", inner: exception);
        }
        catch (HttpRequestException exception)
        {
            var failure = exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError
                ? VendorFailure.NotTaken : VendorFailure.Ambiguous;
            throw new VendorException(failure, "The vendor cannot be reached.", inner: exception);
        }
        catch (Exception exception) when (exception is JsonException or IOException)
        {
            throw new VendorException(VendorFailure.Ambiguous, "The vendor's answer cannot be read.", inner: exception);
        }
    }

    // 429 and 503 are answered before anything is taken, and 4xx is about the request (a wrong key, an unknown path):
    // waiting, and asking again once someone has mended it, loses nothing. Any other 5xx may come after the messages were taken.
    private static VendorException Refused(HttpResponseMessage response) => new(
        response.StatusCode is HttpStatusCode.ServiceUnavailable || (int)response.StatusCode < 500 ? VendorFailure.NotTaken : VendorFailure.Ambiguous,
        $"The vendor answered {(int)response.StatusCode}.",
        response.Headers.RetryAfter?.Delta);

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
