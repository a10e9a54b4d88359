using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using XenoCrm.Local.CosmosEmulator.Items;

namespace XenoCrm.Local.CosmosEmulator.Batch;

/// <summary>One operation of a batch as it stands in the request; its body points into it.</summary>
internal sealed class BatchOperation
{
    public int Kind { get; set; } = -1;

    public string? PartitionKey { get; set; }

    public string? Id { get; set; }

    public ReadOnlyMemory<byte> Body { get; set; }

    public string? IfMatch { get; set; }

    public string? IfNoneMatch { get; set; }

    public bool Minimal { get; set; }
}

/// <summary>
/// The two HybridRow schemas of batch requests and results, little-endian, variable integers in LEB128:
/// <code>
/// stream  = segment record*
/// segment = 81 F0D8FF7F 01 length(int32, of the whole segment)
/// record  = 81 F1D8FF7F rowLength(int32) crc32(uint32) row
/// row     = 81 schema(uint32) presence(byte) fixed fields, variable fields (length, bytes), sparse fields (type, token, value)
/// </code>
/// </summary>
internal static class HybridRow
{
    private const byte RowVersion = 0x81;
    private const uint SegmentSchema = 0x7FFF_D8F0, RecordSchema = 0x7FFF_D8F1, OperationSchema = 0x7FE1_5470, ResultSchema = 0x7FE1_5471;
    private const byte FalseType = 2, TrueType = 3, Int32Type = 7, UInt32Type = 11, Float64Type = 16, Utf8Type = 20, BinaryType = 21;

    /// <exception cref="EmulatorException">The bytes are not such a stream.</exception>
    public static List<BatchOperation> ReadOperations(ReadOnlyMemory<byte> stream)
    {
        var operations = new List<BatchOperation>();
        try
        {
            var at = 0;
            Expect(stream.Span, ref at, SegmentSchema);
            at = BinaryPrimitives.ReadInt32LittleEndian(stream.Span[(at + 1)..]);
            if (at < 10)
            {
                throw Malformed();
            }

            while (at < stream.Length)
            {
                Expect(stream.Span, ref at, RecordSchema);
                var length = BinaryPrimitives.ReadInt32LittleEndian(stream.Span[at..]);
                var crc = BinaryPrimitives.ReadUInt32LittleEndian(stream.Span[(at + 4)..]);
                var row = stream.Slice(at + 8, length);
                if (Crc32.Of(row.Span) != crc)
                {
                    throw new EmulatorException(400, "A record of the batch has a wrong checksum.");
                }

                operations.Add(ReadOperation(row));
                at += 8 + length;
            }
        }
        catch (ArgumentException)
        {
            throw Malformed(); // a length that leads outside
        }
        catch (IndexOutOfRangeException)
        {
            throw Malformed();
        }

        return operations;
    }

    private static BatchOperation ReadOperation(ReadOnlyMemory<byte> row)
    {
        var span = row.Span;
        var at = 0;
        Expect(span, ref at, OperationSchema);
        var presence = span[at++];
        var operation = new BatchOperation { Kind = BinaryPrimitives.ReadInt32LittleEndian(span[at..]) };
        at += 8; // the fixed fields, operation type and resource type, have their place whether present or not
        for (var column = 2; column < 7; column++)
        {
            if ((presence & (1 << column)) == 0)
            {
                continue;
            }

            var length = ReadVarUInt(span, ref at);
            var value = row.Slice(at, length);
            at += length;
            switch (column)
            {
                case 2: operation.PartitionKey = Encoding.UTF8.GetString(value.Span); break;
                case 4: operation.Id = Encoding.UTF8.GetString(value.Span); break;
                case 6: operation.Body = value; break;
            }
        }

        while (at < span.Length)
        {
            ReadSparse(span, ref at, operation);
        }

        return operation;
    }

    private static void ReadSparse(ReadOnlySpan<byte> span, ref int at, BatchOperation operation)
    {
        var type = span[at++];
        var token = ReadVarUInt(span, ref at);
        switch (type)
        {
            case FalseType or TrueType:
                if (token == 12)
                {
                    operation.Minimal = type == TrueType;
                }

                break;
            case Int32Type or UInt32Type:
                at += 4;
                break;
            case Float64Type:
                at += 8;
                break;
            case Utf8Type or BinaryType:
                var length = ReadVarUInt(span, ref at);
                if (type == Utf8Type && token is 8 or 9 or 10)
                {
                    var text = Encoding.UTF8.GetString(span.Slice(at, length));
                    operation.IfMatch = token == 9 ? text : operation.IfMatch;
                    operation.IfNoneMatch = token == 10 ? text : operation.IfNoneMatch;
                }

                at += length;
                break;
            default:
                throw Malformed();
        }
    }

    public static void WriteResults(ArrayBufferWriter<byte> to, IReadOnlyList<ItemOperation> results)
    {
        var segment = to.GetSpan(10);
        segment[0] = RowVersion;
        BinaryPrimitives.WriteUInt32LittleEndian(segment[1..], SegmentSchema);
        segment[5] = 1;
        BinaryPrimitives.WriteInt32LittleEndian(segment[6..], 10);
        to.Advance(10);
        foreach (var result in results)
        {
            WriteResult(to, result);
        }
    }

    private static void WriteResult(ArrayBufferWriter<byte> to, ItemOperation result)
    {
        const int recordHeader = 13;
        var body = result.Answer;
        var etag = result.Etag;
        var span = to.GetSpan(recordHeader + 64 + (etag?.Length ?? 0) + (body?.Length ?? 0));
        var row = span[recordHeader..];
        row[0] = RowVersion;
        BinaryPrimitives.WriteUInt32LittleEndian(row[1..], ResultSchema);
        row[5] = (byte)(3 | (etag is null ? 0 : 4) | (body is null ? 0 : 8));
        BinaryPrimitives.WriteInt32LittleEndian(row[6..], result.Status);
        BinaryPrimitives.WriteInt32LittleEndian(row[10..], result.SubStatus);
        var at = 14;
        if (etag is not null)
        {
            WriteVarUInt(row, ref at, etag.Length);
            at += Encoding.ASCII.GetBytes(etag, row[at..]);
        }

        if (body is not null)
        {
            WriteVarUInt(row, ref at, body.Length);
            body.CopyTo(row[at..]);
            at += body.Length;
        }

        row[at++] = Float64Type;
        row[at++] = 6;
        BinaryPrimitives.WriteDoubleLittleEndian(row[at..], result.Charge);
        at += 8;

        span[0] = RowVersion;
        BinaryPrimitives.WriteUInt32LittleEndian(span[1..], RecordSchema);
        BinaryPrimitives.WriteInt32LittleEndian(span[5..], at);
        BinaryPrimitives.WriteUInt32LittleEndian(span[9..], Crc32.Of(row[..at]));
        to.Advance(recordHeader + at);
    }

    private static void Expect(ReadOnlySpan<byte> span, ref int at, uint schema)
    {
        if (span[at] != RowVersion || BinaryPrimitives.ReadUInt32LittleEndian(span[(at + 1)..]) != schema)
        {
            throw Malformed();
        }

        at += 5;
    }

    private static int ReadVarUInt(ReadOnlySpan<byte> span, ref int at)
    {
        uint value = 0;
        for (var shift = 0; shift < 32; shift += 7)
        {
            var b = span[at++];
            value |= (uint)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value <= int.MaxValue ? (int)value : throw Malformed();
            }
        }

        throw Malformed();
    }

    private static void WriteVarUInt(Span<byte> to, ref int at, int value)
    {
        var rest = (uint)value;
        for (; rest >= 0x80; rest >>= 7)
        {
            to[at++] = (byte)(rest | 0x80);
        }

        to[at++] = (byte)rest;
    }

    private static EmulatorException Malformed() => new(400, "The batch is not a valid HybridRow stream.");
}

/// <summary>CRC-32 as zip has it, eight bytes a step: System.IO.Hashing is not a package every registry has.</summary>
internal static class Crc32
{
    private static readonly uint[][] Tables = MakeTables();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        var (t0, t1, t2, t3) = (Tables[0], Tables[1], Tables[2], Tables[3]);
        var (t4, t5, t6, t7) = (Tables[4], Tables[5], Tables[6], Tables[7]);
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var (low, high) = (BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc, BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
            crc = t7[low & 0xFF] ^ t6[(low >> 8) & 0xFF] ^ t5[(low >> 16) & 0xFF] ^ t4[low >> 24]
                ^ t3[high & 0xFF] ^ t2[(high >> 8) & 0xFF] ^ t1[(high >> 16) & 0xFF] ^ t0[high >> 24];
        }

        foreach (var b in bytes)
        {
            crc = (crc >> 8) ^ t0[(crc ^ b) & 0xFF];
        }

        return ~crc;
    }

    private static uint[][] MakeTables()
    {
        var tables = new uint[8][];
        for (var t = 0; t < 8; t++)
        {
            tables[t] = new uint[256];
            for (var i = 0u; i < 256; i++)
            {
                var value = t == 0 ? i : tables[t - 1][i];
                for (var bit = 0; t == 0 && bit < 8; bit++)
                {
                    value = (value >> 1) ^ ((value & 1) * 0xEDB8_8320);
                }

                tables[t][i] = t == 0 ? value : (value >> 8) ^ tables[0][value & 0xFF];
            }
        }

        return tables;
    }
}
