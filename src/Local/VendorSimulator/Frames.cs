using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>What the vendor was asked for one message, and what it did.</summary>
[Flags]
internal enum Ask : byte
{
    /// <summary>Asked before: answered from the record.</summary>
    Repeat = 0,
    /// <summary>The first time this id was seen.</summary>
    First = 1,
    /// <summary>Taken on the way to the recipient.</summary>
    Carried = 2,
    /// <summary>Refused for good.</summary>
    Rejected = 4,
    Email = 8,
}

internal readonly record struct AskEntry(Ask Ask, ReadOnlyMemory<byte> Id);

/// <summary>The payloads of the log: the seed (first frame), the asks of one request, the receipts acknowledged by one answer.</summary>
internal static class Frames
{
    public const byte Seed = 1, Asks = 2, Acknowledged = 3;

    public static byte[] WriteSeed(int seed)
    {
        var frame = new byte[5];
        frame[0] = Seed;
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(1), seed);
        return frame;
    }

    public static int ReadSeed(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadInt32LittleEndian(frame[1..]);

    public static void WriteAsks(ArrayBufferWriter<byte> to, long atMs, string? receiptUrl, IReadOnlyList<AskEntry> entries)
    {
        var url = Encoding.UTF8.GetBytes(receiptUrl ?? "");
        var head = to.GetSpan(1 + 8 + 2 + 4 + url.Length);
        head[0] = Asks;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], atMs);
        BinaryPrimitives.WriteUInt16LittleEndian(head[9..], checked((ushort)url.Length));
        BinaryPrimitives.WriteInt32LittleEndian(head[11..], entries.Count);
        url.CopyTo(head[15..]);
        to.Advance(15 + url.Length);
        foreach (var (ask, id) in entries)
        {
            var span = to.GetSpan(3 + id.Length);
            span[0] = (byte)ask;
            BinaryPrimitives.WriteUInt16LittleEndian(span[1..], checked((ushort)id.Length));
            id.Span.CopyTo(span[3..]);
            to.Advance(3 + id.Length);
        }
    }

    public static (long AtMs, string? ReceiptUrl, List<AskEntry> Entries) ReadAsks(byte[] frame)
    {
        var atMs = BinaryPrimitives.ReadInt64LittleEndian(frame.AsSpan(1));
        var urlLength = BinaryPrimitives.ReadUInt16LittleEndian(frame.AsSpan(9));
        var entries = new List<AskEntry>(BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(11)));
        var url = urlLength == 0 ? null : Encoding.UTF8.GetString(frame, 15, urlLength);
        for (var at = 15 + urlLength; at < frame.Length;)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(frame.AsSpan(at + 1));
            entries.Add(new AskEntry((Ask)frame[at], frame.AsMemory(at + 3, length)));
            at += 3 + length;
        }
        return (atMs, url, entries);
    }

    public static byte[] WriteAcknowledged(IReadOnlyList<Receipt> receipts)
    {
        var frame = new byte[1 + receipts.Count * 16];
        frame[0] = Acknowledged;
        for (var i = 0; i < receipts.Count; i++)
            BinaryPrimitives.WriteUInt128LittleEndian(frame.AsSpan(1 + i * 16), receipts[i].Key);
        return frame;
    }

    public static ReadOnlySpan<UInt128> ReadAcknowledged(ReadOnlySpan<byte> frame) =>
        MemoryMarshal.Cast<byte, UInt128>(frame[1..]);
}
