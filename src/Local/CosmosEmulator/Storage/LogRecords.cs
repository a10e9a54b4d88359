using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Storage;

internal enum RecordKind : byte
{
    PutDatabase = 1,
    DeleteDatabase = 2,
    PutContainer = 3,
    DeleteContainer = 4,
    PutItem = 5,
    DeleteItem = 6,

    /// <summary>Numbers given out so far by the store: database and container numbers are never used twice.</summary>
    Counters = 7,
}

/// <summary>
/// Bytes for the log. They are written in frames: magic, payload length, CRC-32C of length and payload, payload. A frame is
/// the unit of atomicity: after a crash it is there as a whole or not at all.
/// </summary>
internal sealed class LogBuffer
{
    private byte[] _bytes = new byte[64 * 1024];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Truncate(int length)
    {
        Length = length;
        if (length == 0 && _bytes.Length > 32 * 1024 * 1024)
        {
            _bytes = new byte[64 * 1024]; // do not keep what one enormous group needed
        }
    }

    public Span<byte> Take(int length)
    {
        if (_bytes.Length - Length < length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + length));
        }

        var span = _bytes.AsSpan(Length, length);
        Length += length;
        return span;
    }

    /// <summary>Starts a frame; the answer goes to <see cref="EndFrame"/>.</summary>
    public int BeginFrame()
    {
        var start = Length;
        Take(LogRecords.FrameHeader);
        return start;
    }

    public void EndFrame(int start) => LogRecords.Seal(_bytes.AsSpan(start, Length - start));
}

/// <summary>The encoding of the log's records.</summary>
internal static class LogRecords
{
    public const int FrameHeader = 12;
    public const uint Magic = 0x474C_4358; // "XCLG"
    public const int MaxPayload = 64 * 1024 * 1024;

    /// <summary>Bytes of a PutItem besides its key, id and JSON.</summary>
    public const int PutOverhead = 1 + 4 + 8 + 8 + 4 + 4 + 4 + 4 + 4;

    public static void Seal(Span<byte> frame)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(frame[4..], frame.Length - FrameHeader);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[8..], Checksum(frame[4..8], frame[FrameHeader..]));
    }

    /// <summary>CRC-32C, eight bytes per instruction.</summary>
    public static uint Checksum(ReadOnlySpan<byte> length, ReadOnlySpan<byte> payload)
    {
        var crc = BitOperations.Crc32C(~0u, BinaryPrimitives.ReadUInt32LittleEndian(length));
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(payload))
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (var b in payload[(payload.Length & ~7)..])
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }

    public static void PutItem(LogBuffer to, uint container, Item item, ItemVersion version)
    {
        var key = item.Key.Encoded;
        var idLength = Encoding.UTF8.GetByteCount(item.Id);
        var span = new SpanWriter(to.Take(PutOverhead + key.Length + idLength + version.Json.Length));
        span.Byte((byte)RecordKind.PutItem);
        span.UInt32(container);
        span.Int64(item.Rid);
        span.Int64(version.Lsn);
        span.Int32(version.Timestamp);
        span.Int32(version.Ttl);
        span.Bytes(key);
        span.Int32(idLength);
        Encoding.UTF8.GetBytes(item.Id, span.Take(idLength));
        span.Bytes(version.Json);
    }

    public static void DeleteItem(LogBuffer to, uint container, long rid, long lsn)
    {
        var span = new SpanWriter(to.Take(1 + 4 + 8 + 8));
        span.Byte((byte)RecordKind.DeleteItem);
        span.UInt32(container);
        span.Int64(rid);
        span.Int64(lsn);
    }

    public static void PutDatabase(LogBuffer to, uint number, ReadOnlySpan<byte> json)
    {
        var span = new SpanWriter(to.Take(1 + 4 + 4 + json.Length));
        span.Byte((byte)RecordKind.PutDatabase);
        span.UInt32(number);
        span.Bytes(json);
    }

    public static void PutContainer(LogBuffer to, uint database, uint number, long lastLsn, long lastRid, ReadOnlySpan<byte> json)
    {
        var span = new SpanWriter(to.Take(1 + 4 + 4 + 8 + 8 + 4 + json.Length));
        span.Byte((byte)RecordKind.PutContainer);
        span.UInt32(database);
        span.UInt32(number);
        span.Int64(lastLsn);
        span.Int64(lastRid);
        span.Bytes(json);
    }

    public static void Delete(LogBuffer to, RecordKind kind, uint number)
    {
        var span = new SpanWriter(to.Take(1 + 4));
        span.Byte((byte)kind);
        span.UInt32(number);
    }

    public static void Counters(LogBuffer to, uint lastDatabase, uint lastContainer)
    {
        var span = new SpanWriter(to.Take(1 + 4 + 4));
        span.Byte((byte)RecordKind.Counters);
        span.UInt32(lastDatabase);
        span.UInt32(lastContainer);
    }
}

internal ref struct SpanWriter(Span<byte> to)
{
    private Span<byte> _rest = to;

    public Span<byte> Take(int length)
    {
        var part = _rest[..length];
        _rest = _rest[length..];
        return part;
    }

    public void Byte(byte value) => Take(1)[0] = value;

    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(4), value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        value.CopyTo(Take(value.Length));
    }
}

internal ref struct SpanReader(ReadOnlySpan<byte> from)
{
    private ReadOnlySpan<byte> _rest = from;

    public readonly bool IsEmpty => _rest.IsEmpty;

    public ReadOnlySpan<byte> Take(int length)
    {
        var part = _rest[..length];
        _rest = _rest[length..];
        return part;
    }

    public byte Byte() => Take(1)[0];

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public ReadOnlySpan<byte> Bytes() => Take(Int32());
}
