using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using XenoCrm.Local.CosmosEmulator.Items;

namespace XenoCrm.Local.CosmosEmulator.Batch;

/// <summary>
/// Batches as the JavaScript SDK, which has no HybridRow codec, writes them:
/// <c>[{"operationType":"Create","partitionKey":"[\"p\"]","id","resourceBody","ifMatch","ifNoneMatch"}]</c>, answered with
/// <c>[{"statusCode","subStatusCode","eTag","requestCharge","resourceBody"}]</c>.
/// </summary>
internal static class JsonBatch
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>HybridRow begins with 0x81, which no JSON text does.</summary>
    public static bool Is(ReadOnlySpan<byte> body)
    {
        var start = body.TrimStart(" \t\r\n"u8);
        return !start.IsEmpty && start[0] == (byte)'[';
    }

    /// <exception cref="EmulatorException">400: it is not such an array.</exception>
    public static List<BatchOperation> ReadOperations(ReadOnlyMemory<byte> body)
    {
        var operations = new List<BatchOperation>();
        var reader = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = 1000 });
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                operations.Add(reader.TokenType == JsonTokenType.StartObject ? ReadOperation(ref reader, body) : throw Malformed("an operation is not an object"));
            }

            if (reader.Read())
            {
                throw Malformed("something follows it");
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Malformed(error.Message);
        }

        return operations;
    }

    public static void WriteResults(IBufferWriter<byte> to, IReadOnlyList<ItemOperation> operations)
    {
        using var writer = new Utf8JsonWriter(to, Relaxed);
        writer.WriteStartArray();
        foreach (var operation in operations)
        {
            writer.WriteStartObject();
            writer.WriteNumber("statusCode"u8, operation.Status);
            if (operation.SubStatus != 0)
            {
                writer.WriteNumber("subStatusCode"u8, operation.SubStatus);
            }

            writer.WriteNumber("requestCharge"u8, operation.Charge);
            if (operation.Etag is { } etag)
            {
                writer.WriteString("eTag"u8, etag);
            }

            if (operation.Message is { } message)
            {
                writer.WriteString("message"u8, message);
            }

            if (operation.Answer is { } answer)
            {
                writer.WritePropertyName("resourceBody"u8);
                writer.WriteRawValue(answer, skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static BatchOperation ReadOperation(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body)
    {
        var operation = new BatchOperation();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "operationType":
                    var type = reader.GetString();
                    operation.Kind = Enum.TryParse<OperationKind>(type, ignoreCase: true, out var kind) && Enum.IsDefined(kind)
                        ? (int)kind
                        : throw Malformed($"the operation type '{type}' is not supported");
                    break;
                case "partitionKey":
                    operation.PartitionKey = reader.GetString();
                    break;
                case "id":
                    operation.Id = reader.GetString();
                    break;
                case "ifMatch":
                    operation.IfMatch = reader.GetString();
                    break;
                case "ifNoneMatch":
                    operation.IfNoneMatch = reader.GetString();
                    break;
                case "resourceBody":
                    var start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    operation.Body = body[start..(int)reader.BytesConsumed];
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return operation.Kind >= 0 ? operation : throw Malformed("an operation has no operationType");
    }

    private static EmulatorException Malformed(string reason) => new(400, $"The batch is not a valid JSON array of operations: {reason}.");
}
