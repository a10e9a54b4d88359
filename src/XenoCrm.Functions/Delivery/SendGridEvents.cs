using System.Text.Json;
using System.Text.Json.Serialization;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Delivery;

/// <summary>What is read of an event; it has more.</summary>
public sealed record SendGridEvent(
    [property: JsonPropertyName(SendGridEvents.MessageIdArgument)] string? MessageId,
    string? Event,
    long? Timestamp,
    string? Type,
    string? Reason,
    string? Url,
    [property: JsonPropertyName("useragent")] string? UserAgent,
    [property: JsonPropertyName("bounce_classification")] string? BounceClassification,
    [property: JsonPropertyName("sg_event_id")] string? EventId,
    [property: JsonPropertyName("sg_machine_open")] bool? MachineOpen);

/// <summary>Turns SendGrid's events into receipts.</summary>
public static class SendGridEvents
{
    /// <summary>The custom argument that carries the message's id; SendGrid adds it to each of the message's events.</summary>
    public const string MessageIdArgument = "xeno_message_id";

    private const int MaxEventId = 200;
    private const long MaxSeconds = 253402300799;

    /// <param name="body">An array of events.</param>
    /// <param name="now">Stands in where an event has no time.</param>
    /// <returns>Of the events that speak of our messages; an account may be shared with other applications.</returns>
    /// <exception cref="ProblemException">400: not an array in JSON.</exception>
    public static IReadOnlyList<Receipt> Read(ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind != JsonValueKind.Array)
            {
                throw RequestInvalid.At("", "An array of events is expected.").ToException();
            }

            return [.. json.RootElement.EnumerateArray().Select(e => Map(Event(e), now)).OfType<Receipt>()];
        }
        catch (JsonException exception)
        {
            throw new JsonMalformed($"Line {exception.LineNumber + 1}, byte {exception.BytePositionInLine}.").ToException();
        }
    }

    /// <returns>Null for one of another form: the others in the post must not be lost with it.</returns>
    private static SendGridEvent? Event(JsonElement json)
    {
        try
        {
            return json.Deserialize<SendGridEvent>(Json.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Receipt? Map(SendGridEvent? e, DateTimeOffset now)
    {
        if (e is not { MessageId.Length: > 0 and <= 200 } || Describe(e) is not var (status, reason))
        {
            return null;
        }

        return new()
        {
            MessageId = e.MessageId,
            Status = status,
            At = e.Timestamp is > 0 and <= MaxSeconds ? DateTimeOffset.FromUnixTimeSeconds(e.Timestamp.Value) : now,
            EventId = Cut(e.EventId, MaxEventId),
            Reason = reason,
            Link = status == ReceiptStatus.Clicked && e.Url is { Length: > 0 } url ? MessageEvent.LinkOf(url) : null,
            Agent = status is ReceiptStatus.Opened or ReceiptStatus.Clicked ? Cut(e.UserAgent, MessageEvent.MaxAgent) : null,
            Machine = e.MachineOpen == true,
        };
    }

    /// <remarks>
    /// A reason is one of a few words: the text that SendGrid passes on is the receiving server's, different each time, and
    /// often holds the address.
    /// </remarks>
    private static (ReceiptStatus Status, string? Reason)? Describe(SendGridEvent e) => e.Event switch
    {
        // It has the message, and that is all; a deferred one it keeps trying for three days.
        "processed" or "deferred" => (ReceiptStatus.Accepted, null),
        "delivered" => (ReceiptStatus.Delivered, null),

        // "Blocked" is a refusal of this message, or for now; the address as such is in order.
        "bounce" when e.Type == "blocked" => (ReceiptStatus.Failed, Word(e.BounceClassification) ?? "blocked"),
        "bounce" => (ReceiptStatus.Bounced, Word(e.BounceClassification) ?? "bounced"),
        "dropped" => e.Reason switch
        {
            "Bounced Address" => (ReceiptStatus.Bounced, "bounced_before"),
            "Invalid" => (ReceiptStatus.Failed, "invalid_recipient"),
            "Unsubscribed Address" => (ReceiptStatus.Failed, "unsubscribed_at_vendor"),
            "Spam Reporting Address" => (ReceiptStatus.Failed, "complained_before"),
            _ => (ReceiptStatus.Failed, "dropped"),
        },
        "open" => (ReceiptStatus.Opened, null),
        "click" => (ReceiptStatus.Clicked, null),
        "spamreport" => (ReceiptStatus.Complained, null),
        "unsubscribe" or "group_unsubscribe" => (ReceiptStatus.Unsubscribed, null),
        _ => null,
    };

    /// <summary><c>Invalid Address</c> → <c>invalid_address</c>.</summary>
    private static string? Word(string? classification) =>
        classification is { Length: > 0 and <= 60 } && classification.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '/' or '-' or '_')
            ? string.Join('_', classification.ToLowerInvariant().Split([' ', '/', '-'], StringSplitOptions.RemoveEmptyEntries))
            : null;

    private static string? Cut(string? text, int max) => text?.Length > max ? text[..max] : text;
}
