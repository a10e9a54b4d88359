using System.Text.Json;
using XenoCrm.Local.CosmosEmulator.Json;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Items;

/// <summary>
/// An item as a request brought it: checked, without white space and without system properties of its own, ready to be
/// stored. One pass over the bytes, no tree.
/// </summary>
internal sealed class ItemBody
{
    public const int MaxSize = 2 * 1024 * 1024;

    /// <summary>The service's limit of nesting.</summary>
    private const int MaxDepth = 128;

    [ThreadStatic]
    private static byte[]? s_buffer;

    private ItemBody(byte[] json, string id, PartitionKey key, int ttl, int values) =>
        (Json, Id, Key, Ttl, Values) = (json, id, key, ttl, values);

    /// <summary>With blanks where the system properties go.</summary>
    public byte[] Json { get; }

    public string Id { get; }

    public PartitionKey Key { get; }

    /// <summary>As in <see cref="ItemVersion.Ttl"/>.</summary>
    public int Ttl { get; }

    /// <summary>Number of scalar values: what "/*" indexes, for the request charge.</summary>
    public int Values { get; }

    /// <exception cref="EmulatorException">The service would refuse the item: 400 or 413.</exception>
    public static ItemBody Parse(ReadOnlySpan<byte> utf8, Container container)
    {
        if (utf8.Length > MaxSize)
        {
            throw new EmulatorException(413, $"Request size is too large: the item has {utf8.Length} bytes, at most {MaxSize} are allowed.");
        }

        if (!System.Text.Unicode.Utf8.IsValid(utf8))
        {
            throw new EmulatorException(400, "The input content is not valid UTF-8."); // the reader below does not look inside strings
        }

        var buffer = s_buffer;
        if (buffer is null || buffer.Length < utf8.Length + 2)
        {
            buffer = s_buffer = new byte[Math.Max(16 * 1024, utf8.Length + 2)];
        }

        var (length, values, hasTtl) = Compact(utf8, buffer);
        var item = JsonValue.OfObject(buffer.AsMemory(0, length));
        var id = ReadId(item);
        if (Names.ProblemWithItemId(id) is { } problem)
        {
            throw new EmulatorException(400, problem);
        }

        var key = PartitionKey.Of(item, container.Definition.KeyPaths)
            ?? throw new EmulatorException(400, "A partition key value must be a string, a number, a boolean or null.", 1001);
        var body = buffer.AsSpan(0, length);
        var result = new ItemBody(container.Layout.Prepare(body), id, key, hasTtl ? ReadTtl(item) : ItemVersion.NoTtl, values);
        if (buffer.Length > 256 * 1024)
        {
            s_buffer = null; // one large item must not cost each thread its size for ever
        }

        return result;
    }

    private static string ReadId(JsonValue item)
    {
        if (!item.TryGetProperty("id"u8, out var id))
        {
            throw new EmulatorException(400, "The input content is invalid because the required properties - 'id; ' - are missing");
        }

        return id.AsString() ?? throw new EmulatorException(400, "The id must be a string.");
    }

    private static int ReadTtl(JsonValue item)
    {
        if (!item.TryGetProperty("ttl"u8, out var ttl) || ttl.Kind == JsonKind.Null)
        {
            return ItemVersion.NoTtl;
        }

        return ttl.TryGetInteger(out var seconds) && seconds is -1 or (> 0 and <= int.MaxValue)
            ? (int)seconds
            : throw new EmulatorException(400, "The input ttl is invalid: it must be -1 or a positive 32-bit integer.");
    }

    private static (int Length, int Values, bool HasTtl) Compact(ReadOnlySpan<byte> utf8, Span<byte> to)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        var at = 0;
        var values = 0;
        bool comma = false, hasTtl = false;
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new EmulatorException(400, "The item is not a JSON object.");
            }

            to[at++] = (byte)'{';
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        if (reader.CurrentDepth == 1)
                        {
                            if (IsSystem(reader.ValueSpan))
                            {
                                reader.Skip();
                                continue;
                            }

                            hasTtl |= reader.ValueTextEquals("ttl"u8);
                        }

                        at = Separate(to, at, comma);
                        at = Quote(to, at, reader.ValueSpan);
                        to[at++] = (byte)':';
                        comma = false;
                        continue;
                    case JsonTokenType.EndObject or JsonTokenType.EndArray:
                        to[at++] = reader.TokenType == JsonTokenType.EndObject ? (byte)'}' : (byte)']';
                        comma = true;
                        continue;
                }

                at = Separate(to, at, comma);
                comma = true;
                switch (reader.TokenType)
                {
                    case JsonTokenType.StartObject or JsonTokenType.StartArray:
                        to[at++] = reader.TokenType == JsonTokenType.StartObject ? (byte)'{' : (byte)'[';
                        comma = false;
                        break;
                    case JsonTokenType.String:
                        at = Quote(to, at, reader.ValueSpan);
                        values++;
                        break;
                    default:
                        reader.ValueSpan.CopyTo(to[at..]);
                        at += reader.ValueSpan.Length;
                        values++;
                        break;
                }
            }
        }
        catch (JsonException error)
        {
            throw new EmulatorException(400, $"The input content is invalid: {error.Message}");
        }

        return (at, values, hasTtl);
    }

    private static int Separate(Span<byte> to, int at, bool comma)
    {
        if (comma)
        {
            to[at++] = (byte)',';
        }

        return at;
    }

    private static int Quote(Span<byte> to, int at, ReadOnlySpan<byte> raw)
    {
        to[at++] = (byte)'"';
        raw.CopyTo(to[at..]);
        at += raw.Length;
        to[at++] = (byte)'"';
        return at;
    }

    private static bool IsSystem(ReadOnlySpan<byte> name) =>
        !name.IsEmpty && name[0] == (byte)'_'
        && (name.SequenceEqual("_rid"u8) || name.SequenceEqual("_self"u8) || name.SequenceEqual("_etag"u8)
            || name.SequenceEqual("_ts"u8) || name.SequenceEqual("_attachments"u8) || name.SequenceEqual("_lsn"u8));
}
