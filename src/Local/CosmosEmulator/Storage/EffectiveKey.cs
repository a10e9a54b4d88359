using System.Buffers.Binary;
using System.Numerics;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// The effective partition key: what the SDK hashes a key to when it asks for a range of keys (the prefix of a hierarchical
/// key, a part of a feed range). Per component MurmurHash3 (x64, 128 bits), most significant byte first, the two top bits
/// cleared; the components one behind the other. Upper-case hex, compared as text.
/// </summary>
internal static class EffectiveKey
{
    private const byte NumberTag = 4, StringTag = 5;

    public static string Of(PartitionKey key)
    {
        var encoded = key.Encoded;
        Span<byte> hashes = stackalloc byte[16 * key.Count];
        var count = 0;
        for (var at = 0; at < encoded.Length; count++)
        {
            at += Component(encoded[at..], hashes[(16 * count)..]);
        }

        return Convert.ToHexString(hashes);
    }

    /// <summary>Hashes the first component; the answer is its encoded length.</summary>
    private static int Component(ReadOnlySpan<byte> encoded, Span<byte> hash)
    {
        // The hashed form: the wire's type byte, then the value; strings end with FF.
        switch (encoded[0])
        {
            case NumberTag:
                Hash([5, .. encoded[1..9]], hash);
                return 9;
            case StringTag:
                var length = BinaryPrimitives.ReadInt32LittleEndian(encoded[1..]);
                Hash([8, .. encoded.Slice(5, length), 0xFF], hash);
                return 5 + length;
            default:
                Hash(encoded[..1], hash); // undefined, null, false and true have the same numbers as here
                return 1;
        }
    }

    private static void Hash(ReadOnlySpan<byte> data, Span<byte> to)
    {
        const ulong c1 = 0x87c3_7b91_1142_53d5, c2 = 0x4cf5_ad43_2745_937f;
        ulong h1 = 0, h2 = 0;
        var rest = data;
        for (; rest.Length >= 16; rest = rest[16..])
        {
            var k1 = BinaryPrimitives.ReadUInt64LittleEndian(rest);
            var k2 = BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]);
            h1 ^= BitOperations.RotateLeft(k1 * c1, 31) * c2;
            h1 = ((BitOperations.RotateLeft(h1, 27) + h2) * 5) + 0x52dc_e729;
            h2 ^= BitOperations.RotateLeft(k2 * c2, 33) * c1;
            h2 = ((BitOperations.RotateLeft(h2, 31) + h1) * 5) + 0x3849_5ab5;
        }

        Span<byte> tail = stackalloc byte[16];
        tail.Clear();
        rest.CopyTo(tail);
        h2 ^= BitOperations.RotateLeft(BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]) * c2, 33) * c1;
        h1 ^= BitOperations.RotateLeft(BinaryPrimitives.ReadUInt64LittleEndian(tail) * c1, 31) * c2;
        h1 ^= (ulong)data.Length;
        h2 ^= (ulong)data.Length;
        h1 += h2;
        h2 += h1;
        h1 = Mix(h1);
        h2 = Mix(h2);
        h1 += h2;
        h2 += h1;
        BinaryPrimitives.WriteUInt64BigEndian(to, h2);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], h1);
        to[0] &= 0x3F;
    }

    private static ulong Mix(ulong k)
    {
        k = (k ^ (k >> 33)) * 0xff51_afd7_ed55_8ccd;
        k = (k ^ (k >> 33)) * 0xc4ce_b9fe_1a85_ec53;
        return k ^ (k >> 33);
    }
}
