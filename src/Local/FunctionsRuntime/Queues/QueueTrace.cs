using System.Diagnostics;
using System.Text.Json;

namespace XenoCrm.Local.FunctionsRuntime.Queues;

/// <summary>
/// The trace that a message belongs to. Storage queues carry no headers, so a sender puts it into the JSON object itself:
/// <c>traceparent</c> and <c>tracestate</c>, or the Functions host's <c>$AzureWebJobsParentId</c>.
/// </summary>
internal static class QueueTrace
{
    public static ActivityContext Of(ReadOnlySpan<byte> message)
    {
        if (message.IndexOf("traceparent"u8) < 0 && message.IndexOf("$AzureWebJobsParentId"u8) < 0)
            return default;
        string? parent = null;
        string? state = null;
        try
        {
            var reader = new Utf8JsonReader(message);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return default;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isParent = reader.ValueTextEquals("traceparent"u8) || reader.ValueTextEquals("$AzureWebJobsParentId"u8);
                var isState = reader.ValueTextEquals("tracestate"u8);
                reader.Read();
                if (reader.TokenType == JsonTokenType.String && isParent)
                    parent = reader.GetString();
                else if (reader.TokenType == JsonTokenType.String && isState)
                    state = reader.GetString();
                else
                    reader.Skip();
            }
        }
        catch (JsonException)
        {
            return default;
        }
        return ActivityContext.TryParse(parent, state, isRemote: true, out var context) ? context : default;
    }
}
