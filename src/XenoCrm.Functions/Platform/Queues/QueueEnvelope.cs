using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace XenoCrm.Platform.Queues;

/// <summary>
/// What a message says of itself beside its payload: the trace it belongs to and when it is due. Queues of the storage
/// carry no headers, so both are members of the JSON object itself; a payload that is no object has neither.
/// </summary>
/// <param name="DueAt">Null: at once.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct QueueEnvelope(ActivityContext Trace, DateTimeOffset? DueAt)
{
    /// <summary>What <see cref="Wrap"/> adds, at most.</summary>
    public const int MaxBytes = 256;

    private const string TraceName = "traceparent";
    private const string DueName = "dueAt";

    public static ReadOnlyMemory<byte> Wrap(ReadOnlyMemory<byte> json, Activity? activity, DateTimeOffset? dueAt)
    {
        var span = json.Span;
        if (span.Length < 3 || span[0] != (byte)'{' || span.IndexOf("\"traceparent\""u8) >= 0)
        {
            return json;
        }

        var head = new StringBuilder("{");
        if (activity is { IdFormat: ActivityIdFormat.W3C, Id: { } id })
        {
            head.Append(CultureInfo.InvariantCulture, $"\"{TraceName}\":\"{id}\",");
        }

        if (dueAt is { } due)
        {
            head.Append(CultureInfo.InvariantCulture, $"\"{DueName}\":\"{UtcTimeConverter.Write(due)}\",");
        }

        return head.Length == 1 ? json : (byte[])[.. Encoding.UTF8.GetBytes(head.ToString()), .. span[1..]];
    }

    /// <summary>Of a message, whatever it is.</summary>
    public static QueueEnvelope Of(ReadOnlySpan<byte> message)
    {
        string? trace = null;
        DateTimeOffset? due = null;
        try
        {
            var reader = new Utf8JsonReader(message);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return default;
            }

            // They come first: the payload is not read.
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isTrace = reader.ValueTextEquals(TraceName);
                var isDue = reader.ValueTextEquals(DueName);
                if (!isTrace && !isDue)
                {
                    break;
                }

                reader.Read();
                if (reader.TokenType == JsonTokenType.String && isTrace)
                {
                    trace = reader.GetString();
                }
                else if (reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var at))
                {
                    due = at;
                }
                else
                {
                    reader.Skip();
                }
            }
        }
        catch (JsonException)
        {
            return default;
        }

        return new(ActivityContext.TryParse(trace, null, isRemote: true, out var context) ? context : default, due);
    }
}
