using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// The values of a partition key, compared as values: the wire prints one number in several ways. Each component is
/// encoded with its length, so a prefix of the components is a prefix of the bytes.
/// </summary>
internal sealed class PartitionKey : IEquatable<PartitionKey>, IComparable<PartitionKey>
{
    private const int MaxStringBytes = 2048;
    private const byte UndefinedTag = 0, NullTag = 1, FalseTag = 2, TrueTag = 3, NumberTag = 4, StringTag = 5;

    private readonly byte[] _encoded;

    private PartitionKey(byte[] encoded) => _encoded = encoded;

    public ReadOnlySpan<byte> Encoded => _encoded;

    public static PartitionKey FromEncoded(ReadOnlySpan<byte> encoded) => new(encoded.ToArray());

    /// <summary>The number of components.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            for (var at = 0; at < _encoded.Length; count++)
            {
                at += _encoded[at] switch
                {
                    NumberTag => 9,
                    StringTag => 5 + BinaryPrimitives.ReadInt32LittleEndian(_encoded.AsSpan(at + 1)),
                    _ => 1,
                };
            }

            return count;
        }
    }

    public bool StartsWith(PartitionKey prefix) => _encoded.AsSpan().StartsWith(prefix._encoded);

    public int CompareTo(PartitionKey? other) => other is null ? 1 : _encoded.AsSpan().SequenceCompareTo(other._encoded);

    public bool Equals(PartitionKey? other) => other is not null && _encoded.AsSpan().SequenceEqual(other._encoded);

    public override bool Equals(object? obj) => Equals(obj as PartitionKey);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_encoded);
        return hash.ToHashCode();
    }

    /// <summary>The key an item has by its container's paths; null when a value is an array or an object.</summary>
    public static PartitionKey? Of(JsonValue item, IReadOnlyList<byte[][]> paths)
    {
        var to = new ArrayBufferWriter<byte>(48);
        foreach (var path in paths)
        {
            var value = item;
            foreach (var name in path)
            {
                value = value[name];
            }

            switch (value.Kind)
            {
                case JsonKind.Undefined: to.Write([UndefinedTag]); break;
                case JsonKind.Null: to.Write([NullTag]); break;
                case JsonKind.False: to.Write([FalseTag]); break;
                case JsonKind.True: to.Write([TrueTag]); break;
                case JsonKind.Number: WriteNumber(to, value.Number); break;
                case JsonKind.String: WriteString(to, value.StringUtf8); break;
                default: return null;
            }
        }

        return new PartitionKey(to.WrittenSpan.ToArray());
    }

    /// <summary>The key of the header <c>x-ms-documentdb-partitionkey</c> or of a batch operation: a JSON array.</summary>
    /// <exception cref="EmulatorException">It is not such an array.</exception>
    public static PartitionKey Parse(ReadOnlySpan<byte> json)
    {
        var to = new ArrayBufferWriter<byte>(48);
        var reader = new Utf8JsonReader(json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                throw Invalid();
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.Null: to.Write([NullTag]); break;
                    case JsonTokenType.False: to.Write([FalseTag]); break;
                    case JsonTokenType.True: to.Write([TrueTag]); break;
                    case JsonTokenType.Number: WriteNumber(to, reader.GetDouble()); break;
                    case JsonTokenType.String:
                        WriteString(to, reader.ValueIsEscaped ? JsonText.Unescape(reader.ValueSpan) : reader.ValueSpan);
                        break;
                    case JsonTokenType.StartObject:
                        to.Write([UndefinedTag]);
                        reader.Skip();
                        break;
                    default: throw Invalid();
                }
            }
        }
        catch (JsonException)
        {
            throw Invalid();
        }

        return new PartitionKey(to.WrittenSpan.ToArray());
    }

    public static PartitionKey Parse(string header) => Parse(Encoding.UTF8.GetBytes(header));

    private static EmulatorException Invalid() => new(400, "The partition key is not a JSON array of scalar values.");

    private static void WriteNumber(ArrayBufferWriter<byte> to, double value)
    {
        var span = to.GetSpan(9);
        span[0] = NumberTag;
        BinaryPrimitives.WriteDoubleLittleEndian(span[1..], value == 0 ? 0 : value); // -0.0 is 0
        to.Advance(9);
    }

    private static void WriteString(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxStringBytes)
        {
            throw new EmulatorException(400, $"A partition key value may have {MaxStringBytes} bytes, this one has {utf8.Length}.");
        }

        var span = to.GetSpan(5 + utf8.Length);
        span[0] = StringTag;
        BinaryPrimitives.WriteInt32LittleEndian(span[1..], utf8.Length);
        utf8.CopyTo(span[5..]);
        to.Advance(5 + utf8.Length);
    }
}
