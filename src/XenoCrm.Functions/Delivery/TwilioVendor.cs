using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

public sealed class TwilioOptions
{
    public const string Section = "Vendors:Twilio";

    public string BaseAddress { get; set; } = "https://api.twilio.com/";

    /// <summary><c>AC…</c></summary>
    public string AccountSid { get; set; } = "";

    /// <summary>Signs in, and is what Twilio signs its callbacks with.</summary>
    public string AuthToken { get; set; } = "";

    /// <summary>The number or alphanumeric sender of SMS for campaigns that name none.</summary>
    public string? From { get; set; }

    /// <summary>The number that WhatsApp messages come from.</summary>
    public string? WhatsAppFrom { get; set; }

    /// <summary><c>MG…</c>: a messaging service that chooses the sender; used where no sender is given.</summary>
    public string? MessagingServiceSid { get; set; }

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Requests that one instance has under way at once. Twilio limits them by account, and answers 429 beyond.</summary>
    public int MaxRequests { get; set; } = 25;

    /// <summary>Over all campaigns and instances; null: as many as it takes. One SMS sender carries from 1 (a long code) to 100 (a short code) a second.</summary>
    public double? MessagesPerSecond { get; set; }
}

/// <summary>
/// Twilio, SMS and WhatsApp: <c>POST /2010-04-01/Accounts/{sid}/Messages.json</c>, one message per request. What becomes of it
/// comes to <see cref="VendorWebhookFunctions.TwilioRoute"/>, with the message's id in the query of that address.
/// </summary>
/// <remarks>There are no idempotency keys, so a message whose answer was lost is unknown until a callback speaks of it.</remarks>
public sealed class TwilioVendor(IHttpClientFactory clients, IOptions<TwilioOptions> options, IConfiguration configuration) : IVendor
{
    private const string WhatsAppPrefix = "whatsapp:";

    private readonly TwilioOptions settings = options.Value;
    private readonly string origin = (configuration["PublicBaseAddress"] ?? "").TrimEnd('/');

    public string Name => "twilio";

    public bool Idempotent => false;

    public int MaxMessages => 1;

    public int MaxRequests => Math.Max(1, settings.MaxRequests);

    public double? MessagesPerSecond => settings.MessagesPerSecond;

    public string? FaultFor(Channel channel) =>
        channel is not (Channel.Sms or Channel.WhatsApp) ? "it carries SMS and WhatsApp only."
        : settings.AccountSid.Length == 0 ? "Vendors__Twilio__AccountSid is missing."
        : settings.AuthToken.Length == 0 ? "Vendors__Twilio__AuthToken is missing."
        : channel == Channel.Sms && string.IsNullOrEmpty(settings.From) && string.IsNullOrEmpty(settings.MessagingServiceSid)
            ? "Vendors__Twilio__From or Vendors__Twilio__MessagingServiceSid is missing."
        : channel == Channel.WhatsApp && string.IsNullOrEmpty(settings.WhatsAppFrom) && string.IsNullOrEmpty(settings.MessagingServiceSid)
            ? "Vendors__Twilio__WhatsAppFrom or Vendors__Twilio__MessagingServiceSid is missing."
        : !VendorHttp.IsAddress(settings.BaseAddress) ? "Vendors__Twilio__BaseAddress must be the vendor's address."
        : !VendorHttp.IsAddress(origin) ? "PublicBaseAddress must be the address that vendors reach this service at."
        : settings.MaxRequests < 1 ? "Vendors__Twilio__MaxRequests must be at least 1."
        : settings.MessagesPerSecond <= 0 ? "Vendors__Twilio__MessagesPerSecond must be above 0."
        : null;

    public Task<IReadOnlyList<VendorResult>> SendAsync(IReadOnlyList<VendorMessage> messages, CancellationToken cancellation) =>
        VendorHttp.AskAsync<IReadOnlyList<VendorResult>>(settings.Timeout, async limit =>
        {
            var address = $"{settings.BaseAddress.TrimEnd('/')}/2010-04-01/Accounts/{Uri.EscapeDataString(settings.AccountSid)}/Messages.json";
            using var request = new HttpRequestMessage(HttpMethod.Post, address);
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{settings.AccountSid}:{settings.AuthToken}")));
            request.Content = new FormUrlEncodedContent(Fields(messages[0]));
            using var client = clients.CreateClient(VendorHttp.ClientName);
            using var response = await client.SendAsync(request, limit);
            return [response.IsSuccessStatusCode ? VendorResult.Accepted : await RefusalAsync(response, limit)];
        }, cancellation);

    private IEnumerable<KeyValuePair<string, string>> Fields(VendorMessage message)
    {
        var whatsApp = message.Channel == Channel.WhatsApp;
        yield return new("To", (whatsApp ? WhatsAppPrefix : "") + message.To);
        if ((message.From ?? (whatsApp ? settings.WhatsAppFrom : settings.From)) is { Length: > 0 } from)
        {
            yield return new("From", whatsApp && !from.StartsWith(WhatsAppPrefix, StringComparison.Ordinal) ? WhatsAppPrefix + from : from);
        }
        else
        {
            yield return new("MessagingServiceSid", settings.MessagingServiceSid ?? "");
        }

        var content = message.Render();
        if (content.ContentSid is { } template)
        {
            yield return new("ContentSid", template);
            if (content.ContentVariables is { } variables)
            {
                yield return new("ContentVariables", JsonSerializer.Serialize(variables));
            }
        }
        else
        {
            yield return new("Body", content.Text ?? "");
        }

        yield return new("StatusCallback", $"{origin}/{VendorWebhookFunctions.TwilioRoute}?{TwilioStatus.MessageIdParameter}={Uri.EscapeDataString(message.Id)}");
    }

    private sealed record Answer([property: JsonPropertyName("code")] int? Code);

    private static async Task<VendorResult> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        int? code = null;
        if ((int)response.StatusCode < 500)
        {
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(cancellation);
                code = (await JsonSerializer.DeserializeAsync<Answer>(body, Json.Options, cancellation))?.Code;
            }
            catch (JsonException)
            {
                // The status alone has to say it.
            }
        }

        return (int)response.StatusCode == 400 && !TwilioCodes.IsAboutTheAccount(code)
            ? TwilioCodes.IsTransient(code) ? new(VendorAnswer.Deferred, TwilioCodes.Reason(code)) : new(VendorAnswer.Rejected, TwilioCodes.Reason(code))
            : throw VendorHttp.Refused(response);
    }
}
