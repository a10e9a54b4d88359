using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>
/// The vendor's record on disk: frames of length, CRC-32C and payload, appended with one write each. What has been
/// written survives the death of the process; a torn last frame, which nobody was answered for, is cut off on start.
/// Not safe for several threads: <see cref="MessageBook"/> holds its lock around every call but <see cref="Read"/>.
/// </summary>
internal sealed class MessageLog : IDisposable
{
    private const int HeaderLength = 8;
    private const int MaxPayload = 64 * 1024 * 1024;

    private readonly SafeFileHandle _file;
    private readonly string _path;
    private long _length;

    /// <param name="onFrame">Called with every whole frame that is already there, oldest first.</param>
    public MessageLog(string folder, Action<byte[]> onFrame)
    {
        Directory.CreateDirectory(folder);
        _path = Path.Combine(folder, "messages.log");
        // No other process may write; readers (the audit) open it again.
        _file = File.OpenHandle(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        foreach (var frame in Read(long.MaxValue))
        {
            onFrame(frame);
            _length += HeaderLength + frame.Length;
        }
        RandomAccess.SetLength(_file, _length);
    }

    public long Length => Volatile.Read(ref _length);

    /// <summary>Appends a frame. When this throws, the next frame overwrites whatever was half written.</summary>
    public void Append(ReadOnlySpan<byte> payload)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(HeaderLength + payload.Length);
        try
        {
            BinaryPrimitives.WriteInt32LittleEndian(buffer, payload.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(4), Checksum(payload));
            payload.CopyTo(buffer.AsSpan(HeaderLength));
            RandomAccess.Write(_file, buffer.AsSpan(0, HeaderLength + payload.Length), _length);
            Volatile.Write(ref _length, _length + HeaderLength + payload.Length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The whole frames up to a length of the file, oldest first; safe beside an append.</summary>
    public IEnumerable<byte[]> Read(long upTo)
    {
        using var stream = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20);
        var header = new byte[HeaderLength];
        while (stream.Position < upTo && stream.ReadAtLeast(header, HeaderLength, throwOnEndOfStream: false) == HeaderLength)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(header);
            if (length is <= 0 or > MaxPayload)
                yield break;
            var payload = new byte[length];
            if (stream.ReadAtLeast(payload, length, throwOnEndOfStream: false) < length)
                yield break;
            if (Checksum(payload) != BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4)))
                yield break;
            yield return payload;
        }
    }

    public void Dispose() => _file.Dispose();

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
