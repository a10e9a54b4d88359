using System.IO.Compression;
using System.Text.Json;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

/// <summary>
/// A queue message of receipts: an object, so that it can carry its trace. Messages that are still waiting from before that
/// was so, and what people put there by hand, are bare arrays.
/// </summary>
/// <param name="Receipts">Null: they are packed.</param>
/// <param name="Packed">The array of receipts, deflated. They resemble each other: 250 of them are 26 to 33 KB, and 3 to 8 KB so.</param>
public sealed record ReceiptMessage(IReadOnlyList<Receipt>? Receipts, byte[]? Packed)
{
    /// <summary>What <see cref="Of"/> adds at most to receipts that it does not pack.</summary>
    public const int WrapBytes = 16;

    /// <summary>Receipts of so many bytes are packed: of one or two there is nothing to gain, and a person can read them.</summary>
    private const int PackFrom = 1024;

    /// <param name="array">The JSON of the receipts.</param>
    public static byte[] Of(ReadOnlySpan<byte> array)
    {
        if (array.Length >= PackFrom && Pack(array) is var packed && packed.Length < array.Length)
        {
            return packed;
        }

        return [.. "{\"receipts\":"u8, .. array, (byte)'}'];
    }

    /// <exception cref="JsonException">It is neither.</exception>
    public static IReadOnlyList<Receipt> Read(string message)
    {
        if (message.AsSpan().TrimStart() is ['[', ..])
        {
            return JsonSerializer.Deserialize<Receipt[]>(message, Json.Options)!;
        }

        var read = JsonSerializer.Deserialize<ReceiptMessage>(message, Json.Options);
        return read?.Receipts ?? (read?.Packed is { } packed ? Unpack(packed) : null) ?? throw new JsonException("The message holds no receipts.");
    }

    private static byte[] Pack(ReadOnlySpan<byte> array)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflate.Write(array);
        }

        return JsonSerializer.SerializeToUtf8Bytes(new { packed = packed.GetBuffer().AsMemory(0, (int)packed.Length) }, Json.Options);
    }

    private static Receipt[]? Unpack(byte[] packed)
    {
        try
        {
            using var inflate = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress);
            return JsonSerializer.Deserialize<Receipt[]>(inflate, Json.Options);
        }
        catch (InvalidDataException exception)
        {
            throw new JsonException("The receipts cannot be unpacked.", exception);
        }
    }
}
