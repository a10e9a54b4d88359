using System.Globalization;
using System.Text.Json.Serialization;

namespace XenoCrm.Delivery;

/// <summary>What is read of a status callback; it has more fields.</summary>
public sealed record TwilioCallback(
    [property: JsonPropertyName("MessageSid")] string? MessageSid,
    [property: JsonPropertyName("MessageStatus")] string? MessageStatus,
    [property: JsonPropertyName("ErrorCode")] string? ErrorCode);

/// <summary>Turns a status callback of Twilio's into a receipt.</summary>
public static class TwilioStatus
{
    /// <summary>In the query of the callback's address: Twilio calls what it was given, and signs all of it.</summary>
    public const string MessageIdParameter = "message";

    /// <param name="messageId">From the address.</param>
    /// <param name="now">A callback has no time of its own.</param>
    /// <returns>Null when the callback is about no message of ours, or says nothing that a receipt can.</returns>
    public static Receipt? Read(string messageId, TwilioCallback callback, DateTimeOffset now)
    {
        int? code = int.TryParse(callback.ErrorCode, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        var status = callback.MessageStatus ?? "";
        if (messageId.Length is 0 or > 200 || Map(status, code) is not { } mapped)
        {
            return null;
        }

        return new()
        {
            MessageId = messageId,
            Status = mapped,
            At = now,
            Untimed = true,
            EventId = callback.MessageSid is { Length: <= 64 } sid ? $"{sid}.{status}" : null,
            Reason = mapped is ReceiptStatus.Failed or ReceiptStatus.Bounced ? code is null ? status : TwilioCodes.Reason(code) : null,
        };
    }

    private static ReceiptStatus? Map(string status, int? code) => status switch
    {
        "accepted" or "scheduled" or "queued" or "sending" => ReceiptStatus.Accepted,
        "sent" => ReceiptStatus.Sent,
        "delivered" => ReceiptStatus.Delivered,
        "undelivered" or "failed" => TwilioCodes.IsBounce(code) ? ReceiptStatus.Bounced : ReceiptStatus.Failed,
        "canceled" => ReceiptStatus.Failed,
        "read" => ReceiptStatus.Opened,
        _ => null,
    };
}
