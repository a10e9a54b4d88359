using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Mail;
using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

public sealed class SendGridOptions
{
    public const string Section = "Vendors:SendGrid";

    public string BaseAddress { get; set; } = "https://api.sendgrid.com/";

    /// <summary>Needs the right "Mail Send" and no other.</summary>
    public string ApiKey { get; set; } = "";

    /// <summary><c>news@shop.example</c> or <c>Shop &lt;news@shop.example&gt;</c>, for campaigns that name no sender's address: a verified sender.</summary>
    public string From { get; set; } = "";

    /// <summary>The verification keys of the signed event webhook, in base64 as SendGrid shows them. Without one no event is accepted.</summary>
    public IList<string> PublicKeys { get; } = [];

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Requests that one instance has under way at once.</summary>
    public int MaxRequests { get; set; } = 50;

    /// <summary>Over all campaigns and instances; null: as many as it takes.</summary>
    public double? MessagesPerSecond { get; set; }
}

/// <summary>
/// Twilio SendGrid, email: REST v3, <c>POST /v3/mail/send</c>. What becomes of a message comes to
/// <see cref="VendorWebhookFunctions.SendGridRoute"/> and is told apart by a custom argument that holds its id.
/// </summary>
/// <remarks>
/// <para>
/// One message per request. Up to 1,000 could share one as "personalizations", but only with the same content but for
/// replacements of SendGrid's own, and with one outcome for all: a bad address among them would reject the other 999.
/// </para>
/// <para>
/// There are no idempotency keys, so a message whose answer was lost is unknown until an event speaks of it.
/// </para>
/// </remarks>
public sealed class SendGridVendor(IHttpClientFactory clients, IOptions<SendGridOptions> options, TimeProvider clock) : IVendor
{
    private readonly SendGridOptions settings = options.Value;

    public string Name => "sendgrid";

    public bool Idempotent => false;

    public int MaxMessages => 1;

    public int MaxRequests => Math.Max(1, settings.MaxRequests);

    public double? MessagesPerSecond => settings.MessagesPerSecond;

    public string? FaultFor(Channel channel) =>
        channel != Channel.Email ? "it carries email only."
        : settings.ApiKey.Length == 0 ? "Vendors__SendGrid__ApiKey is missing."
        : !MailAddress.TryCreate(settings.From, out _) ? "Vendors__SendGrid__From must be the address of a verified sender."
        : !VendorHttp.IsAddress(settings.BaseAddress) ? "Vendors__SendGrid__BaseAddress must be the vendor's address."
        : settings.MaxRequests < 1 ? "Vendors__SendGrid__MaxRequests must be at least 1."
        : settings.MessagesPerSecond <= 0 ? "Vendors__SendGrid__MessagesPerSecond must be above 0."
        : settings.PublicKeys.Any(k => !SendGridSignature.IsKey(k)) ? "Vendors__SendGrid__PublicKeys must be verification keys of an event webhook."
        : null;

    public Task<IReadOnlyList<VendorResult>> SendAsync(IReadOnlyList<VendorMessage> messages, CancellationToken cancellation) =>
        VendorHttp.AskAsync<IReadOnlyList<VendorResult>>(settings.Timeout, async limit =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, settings.BaseAddress.TrimEnd('/') + "/v3/mail/send");
            request.Headers.Authorization = new("Bearer", settings.ApiKey);
            request.Content = Body(messages[0]);
            using var client = clients.CreateClient(VendorHttp.ClientName);
            using var response = await client.SendAsync(request, limit);
            return (int)response.StatusCode switch
            {
                >= 200 and < 300 => [VendorResult.Accepted],
                400 => [new(VendorAnswer.Rejected, await ReasonAsync(response, limit))],
                413 => [new(VendorAnswer.Rejected, "too_large")],

                // 401 (also when the account's credits are used up), 403 (the sender is not verified, or the account is
                // blocked for a while), 429: nothing that is wrong with the message.
                _ => throw VendorHttp.Refused(response, ResetAfter(response)),
            };
        }, cancellation);

    private ByteArrayContent Body(VendorMessage message)
    {
        var content = message.Render();
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, new() { Encoder = Json.Options.Encoder }))
        {
            json.WriteStartObject();
            json.WriteStartArray("personalizations"u8);
            json.WriteStartObject();
            json.WriteStartArray("to"u8);
            json.WriteStartObject();
            json.WriteString("email"u8, message.To);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteStartObject("custom_args"u8);
            json.WriteString(SendGridEvents.MessageIdArgument, message.Id);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
            WriteFrom(json, message.From);
            json.WriteString("subject"u8, content.Subject);
            json.WriteStartArray("content"u8);

            // Plain text has to come first.
            WriteContent(json, "text/plain", content.Text);
            WriteContent(json, "text/html", content.Html);
            json.WriteEndArray();
            if (content.UnsubscribeUrl is { } unsubscribe)
            {
                json.WriteStartObject("headers"u8);
                foreach (var (name, value) in Unsubscribe.Headers(unsubscribe))
                {
                    json.WriteString(name, value);
                }

                json.WriteEndObject();
            }

            // The links and the image in the message are this service's own: its settings, and not the account's, say what is tracked.
            json.WriteStartObject("tracking_settings"u8);
            foreach (var setting in new[] { "click_tracking", "open_tracking", "subscription_tracking" })
            {
                json.WriteStartObject(setting);
                json.WriteBoolean("enable"u8, false);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        var body = new ByteArrayContent(buffer.WrittenSpan.ToArray());
        body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return body;
    }

    /// <param name="from">An address, a name with an address, or a name alone.</param>
    private void WriteFrom(Utf8JsonWriter json, string? from)
    {
        var sender = new MailAddress(settings.From);
        if (MailAddress.TryCreate(from, out var own))
        {
            sender = own;
        }
        else if (from is not null)
        {
            sender = new(sender.Address, from);
        }

        json.WriteStartObject("from"u8);
        json.WriteString("email"u8, sender.Address);
        if (sender.DisplayName.Length > 0)
        {
            json.WriteString("name"u8, sender.DisplayName);
        }

        json.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter json, string type, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, type);
            json.WriteString("value"u8, value);
            json.WriteEndObject();
        }
    }

    private sealed record Answer(Error[]? Errors);

    private sealed record Error(string? Message, string? Field);

    /// <summary>By the field that is wrong. The error's text may hold the address.</summary>
    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        string? field;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            field = (await JsonSerializer.DeserializeAsync<Answer>(body, Json.Options, cancellation))?.Errors?.FirstOrDefault()?.Field;
        }
        catch (JsonException)
        {
            // A 400 is a refusal, whatever it says.
            field = null;
        }

        return field?.Split('.', 2)[0] switch
        {
            null or "" => "rejected",
            "personalizations" => "invalid_recipient",
            var part => "invalid_" + part,
        };
    }

    private TimeSpan? ResetAfter(HttpResponseMessage response) =>
        (int)response.StatusCode == 429 && response.Headers.TryGetValues("X-RateLimit-Reset", out var values)
        && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < 253402300799
        && DateTimeOffset.FromUnixTimeSeconds(seconds) - clock.GetUtcNow() is var wait && wait > TimeSpan.Zero
            ? wait : null;
}
