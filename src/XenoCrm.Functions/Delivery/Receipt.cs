using System.Text.Json;
using System.Text.Json.Serialization;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Delivery;

public enum ReceiptStatus
{
    Accepted,
    Sent,
    Delivered,
    Failed,
    Bounced,
    Complained,
    Opened,
    Clicked,
    Unsubscribed,
}

/// <summary>What a vendor reports of a message, whichever vendor it is. Stored in queue messages, hence the short names.</summary>
public sealed record Receipt
{
    [JsonPropertyName("m")]
    public required string MessageId { get; init; }

    [JsonPropertyName("s")]
    public required ReceiptStatus Status { get; init; }

    [JsonPropertyName("t")]
    public required DateTimeOffset At { get; init; }

    /// <summary>The vendor's id of the event.</summary>
    [JsonPropertyName("e")]
    public string? EventId { get; init; }

    [JsonPropertyName("r")]
    public string? Reason { get; init; }

    /// <summary>Which link was clicked (<see cref="MessageEvent.LinkOf"/>).</summary>
    [JsonPropertyName("l")]
    public string? Link { get; init; }

    /// <summary>Who opened or clicked, where we saw it ourselves; null: the vendor says so.</summary>
    [JsonPropertyName("a")]
    public string? Agent { get; init; }

    /// <summary>The vendor says that it was no person.</summary>
    [JsonPropertyName("x"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Machine { get; init; }

    /// <summary>The vendor does not say when: a repeat has another <see cref="At"/>.</summary>
    [JsonPropertyName("z"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Untimed { get; init; }

    /// <summary>As the ledger takes it.</summary>
    /// <param name="at">Milliseconds since the batch was created.</param>
    public Report ToReport(long at) => Status switch
    {
        ReceiptStatus.Accepted or ReceiptStatus.Sent => new(MessageStatus.Sent, at, Accepted: true),
        ReceiptStatus.Failed => new(MessageStatus.Failed, at, Reason ?? "failed", Accepted: true),
        ReceiptStatus.Bounced => new(MessageStatus.Bounced, at, Reason ?? "bounced", Accepted: true),

        // Who opens, clicks, complains or unsubscribes has got the message, whether or not a "delivered" ever comes.
        ReceiptStatus.Opened => new(MessageStatus.Delivered, at, Accepted: true, Event: new(MessageEventKind.Opened, at, Agent, null, Machine)),
        ReceiptStatus.Clicked => new(MessageStatus.Delivered, at, Accepted: true, Event: new(MessageEventKind.Clicked, at, Agent, Link, Machine)),
        ReceiptStatus.Complained => new(MessageStatus.Delivered, at, Accepted: true, Event: new(MessageEventKind.Complained, at)),
        ReceiptStatus.Unsubscribed => new(MessageStatus.Delivered, at, Accepted: true, Event: new(MessageEventKind.Unsubscribed, at)),
        _ => new(MessageStatus.Delivered, at, Accepted: true),
    };
}

/// <summary>A receipt as posted to the webhook.</summary>
public sealed record ReceiptInput(
    string? MessageId, ReceiptStatus? Status, DateTimeOffset? At, string? EventId, string? VendorMessageId, string? Reason, string? Url);

/// <summary>Reads the body of a webhook: one receipt or an array.</summary>
public static class ReceiptReader
{
    public const int MaxReceipts = 1000;

    // Not strict: a vendor may add members, and its receipts must not be refused for it.
    private static readonly JsonSerializerOptions Options = Json.Options;

    /// <exception cref="ProblemException">The body is no receipts, with pointers to what is wrong; nothing of it is taken then.</exception>
    public static IReadOnlyList<Receipt> Read(ReadOnlySpan<byte> body)
    {
        ReceiptInput?[] inputs;
        try
        {
            var start = body.TrimStart(" \t\r\n"u8);
            inputs = start.Length > 0 && start[0] == (byte)'['
                ? JsonSerializer.Deserialize<ReceiptInput?[]>(body, Options)!
                : [JsonSerializer.Deserialize<ReceiptInput>(body, Options)];
        }
        catch (JsonException exception)
        {
            throw (exception.Path is { Length: > 1 } path && path != "$"
                ? RequestInvalid.At("/" + path[1..].Replace("[", "").Replace(']', '/').Replace(".", "").Trim('/'), "The value is not of the type or set expected.")
                : (Problem)new JsonMalformed($"Line {exception.LineNumber + 1}, byte {exception.BytePositionInLine}.")).ToException();
        }

        if (inputs.Length > MaxReceipts)
        {
            throw RequestInvalid.At("", $"At most {MaxReceipts} receipts are taken at a time.").ToException();
        }

        var receipts = new Receipt[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            receipts[i] = Check(inputs[i], inputs.Length == 1 ? "" : $"/{i}");
        }

        return receipts;
    }

    private static Receipt Check(ReceiptInput? input, string pointer)
    {
        if (input is null)
        {
            throw RequestInvalid.At(pointer, "A receipt is expected.").ToException();
        }

        return new()
        {
            MessageId = Text(input.MessageId, "messageId", 200) ?? throw Missing("messageId"),
            Status = input.Status ?? throw Missing("status"),
            At = input.At ?? throw Missing("at"),
            EventId = Text(input.EventId, "eventId", 200),
            Reason = Text(input.Reason, "reason", 200),
            Link = Text(input.Url, "url", 2000) is { } url ? MessageEvent.LinkOf(url) : null,
        };

        string? Text(string? value, string name, int max) => value is null or { Length: 0 } ? null
            : value.Length <= max ? value
            : throw RequestInvalid.At($"{pointer}/{name}", $"At most {max} characters.").ToException();

        ProblemException Missing(string name) => RequestInvalid.At($"{pointer}/{name}", "The value is missing.").ToException();
    }
}
