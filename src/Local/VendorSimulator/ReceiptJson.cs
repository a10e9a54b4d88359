using System.Buffers;
using System.Text.Json;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>The body of a post: an array of receipts.</summary>
internal static class ReceiptJson
{
    public static byte[] Write(IReadOnlyList<Receipt> receipts, VendorOptions options, DateTimeOffset at)
    {
        var buffer = new ArrayBufferWriter<byte>(receipts.Count * 220);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartArray();
        foreach (var receipt in receipts)
        {
            var outcome = new Outcome(receipt.Key, options);
            var vendorMessageId = Outcome.VendorMessageId(receipt.Key);
            var status = receipt.Kind == ReceiptKind.Sent ? "sent" : outcome.Status;
            json.WriteStartObject();
            json.WriteString("messageId"u8, receipt.Id);
            json.WriteString("status"u8, status);
            json.WriteString("at"u8, at);
            // The same event has the same id however often it is posted.
            json.WriteString("eventId"u8, $"{vendorMessageId}.{status}");
            json.WriteString("vendorMessageId"u8, vendorMessageId);
            if (receipt.Kind != ReceiptKind.Sent && outcome.Reason(receipt.Email) is { } reason)
                json.WriteString("reason"u8, reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
