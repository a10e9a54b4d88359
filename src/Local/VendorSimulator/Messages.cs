using System.Text.Json;
using System.Text.Json.Serialization;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>The part of a message that decides whether the vendor takes it; the content is not kept.</summary>
internal readonly record struct MessageRequest(string Id, string Channel, string To, bool HasContent)
{
    public bool IsEmail => Channel == "email";

    /// <summary>Why the vendor refuses the message for good, or null.</summary>
    public string? Problem()
    {
        if (!HasContent)
            return "no_content";
        if (IsEmail)
        {
            var at = To.IndexOf('@', StringComparison.Ordinal);
            return at > 0 && at == To.LastIndexOf('@') && at < To.Length - 1 && !To.AsSpan().ContainsAny(" \t\r\n") ? null : "invalid_recipient";
        }
        if (Channel == "push")
            return To.Length > 0 ? null : "invalid_recipient";
        return To.Length is >= 8 and <= 16 && To[0] == '+' && !To.AsSpan(1).ContainsAnyExceptInRange('0', '9') ? null : "invalid_recipient";
    }

    private static readonly string[] Channels = ["email", "sms", "whatsapp", "push"];

    /// <exception cref="FormatException">The body breaks the protocol: nothing of the request is taken.</exception>
    public static (List<MessageRequest> Messages, string? ReceiptUrl) ReadRequest(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty("messages", out var array) || array.ValueKind != JsonValueKind.Array)
            throw new FormatException("The body must be an object with an array 'messages'.");
        var count = array.GetArrayLength();
        if (count is 0 or > 1000)
            throw new FormatException($"'messages' must hold 1 to 1000 messages, not {count}.");
        var messages = new List<MessageRequest>(count);
        foreach (var item in array.EnumerateArray())
        {
            var at = $"messages[{messages.Count}]";
            var id = Text(item, "id") ?? throw new FormatException($"{at} has no 'id'.");
            if (id.Length is 0 or > 256)
                throw new FormatException($"{at}: 'id' must have 1 to 256 characters.");
            var channel = Text(item, "channel");
            if (!Channels.Contains(channel))
                throw new FormatException($"{at}: 'channel' must be one of {string.Join(", ", Channels)}.");
            var hasContent = item.TryGetProperty("text", out _) || item.TryGetProperty("html", out _) || item.TryGetProperty("subject", out _);
            messages.Add(new MessageRequest(id, channel!, Text(item, "to") ?? "", hasContent));
        }
        var receiptUrl = Text(body, "receiptUrl");
        if (receiptUrl is not null && (receiptUrl.Length > 2000 || !Uri.TryCreate(receiptUrl, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")))
            throw new FormatException("'receiptUrl' must be an absolute http or https address.");
        return (messages, receiptUrl);
    }

    private static string? Text(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

internal sealed record MessageResult(string Id, string Status, string VendorMessageId, string? Reason, bool? Retryable, bool Repeated);

internal sealed record MessageResults(IReadOnlyList<MessageResult> Results);

/// <param name="Status">accepted (under way), delivered, failed or rejected.</param>
internal sealed record MessageStatus(string Id, string VendorMessageId, string Status, string? Reason, int Asked, int Carried, bool ReceiptAcknowledged);

/// <summary>The vendor's side of a run.</summary>
/// <param name="Distinct">Message ids ever seen.</param>
/// <param name="Carried">Times a message was taken on the way.</param>
/// <param name="Asked">Times a message was asked for, repeats included.</param>
/// <param name="Repeated">Messages carried more than once.</param>
/// <param name="ReceiptsPending">Carried messages whose final receipt has not been acknowledged.</param>
public sealed record VendorAudit(
    long Distinct, long Carried, long Asked, long Repeated, IReadOnlyDictionary<string, long> ByStatus,
    long ReceiptsPosted, long ReceiptsAcknowledged, long ReceiptsPending);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MessageResults))]
[JsonSerializable(typeof(MessageStatus))]
[JsonSerializable(typeof(VendorAudit))]
[JsonSerializable(typeof(string))]
internal sealed partial class VendorJson : JsonSerializerContext;
