using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// Resource ids as the SDK parses them: base64 with '-' for '/'. Database 4 bytes, container 8 (the database's, then 4 with
/// the top bit set), item 16 (the container's, then 8 with a zero high nibble in the last byte): they nest, because the SDK
/// cuts the database's out of the container's.
/// </summary>
internal static class ResourceIds
{
    public const int ItemLength = 24;

    public static string Database(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        WriteDatabase(bytes, number);
        return Text(bytes);
    }

    public static string Container(uint database, uint number)
    {
        Span<byte> bytes = stackalloc byte[8];
        WriteContainer(bytes, database, number);
        return Text(bytes);
    }

    /// <summary>Writes the 24 characters of an item's id.</summary>
    public static void WriteItem(Span<byte> to, uint database, uint container, long item)
    {
        Span<byte> bytes = stackalloc byte[16];
        WriteContainer(bytes, database, container);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], item); // below 2^56, so the last byte is 0
        Base64.EncodeToUtf8(bytes, to, out _, out _);
        to[..ItemLength].Replace((byte)'/', (byte)'-');
    }

    private static void WriteDatabase(Span<byte> to, uint number) =>
        BinaryPrimitives.WriteUInt32BigEndian(to, 0x4000_0000 | number); // the first byte must not be zero

    private static void WriteContainer(Span<byte> to, uint database, uint number)
    {
        WriteDatabase(to, database);
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], 0x8000_0000 | number);
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        Span<byte> text = stackalloc byte[Base64.GetMaxEncodedToUtf8Length(bytes.Length)];
        Base64.EncodeToUtf8(bytes, text, out _, out var written);
        text = text[..written];
        text.Replace((byte)'/', (byte)'-');
        return Encoding.ASCII.GetString(text);
    }
}
