using System.Buffers.Binary;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>Reads the frames of a log or a snapshot from its start to the first one that is not intact.</summary>
internal sealed class LogReader : IDisposable
{
    private readonly FileStream _file;
    private byte[] _buffer;
    private int _start, _end;

    public LogReader(string path)
    {
        _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        FileLength = _file.Length;
        _buffer = new byte[(int)Math.Clamp(FileLength, 4096, 4 * 1024 * 1024)];
    }

    public long FileLength { get; }

    /// <summary>Bytes of intact frames read so far.</summary>
    public long Position { get; private set; }

    public bool TryRead(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!Fill(LogRecords.FrameHeader))
        {
            return false;
        }

        var header = _buffer.AsSpan(_start, LogRecords.FrameHeader);
        var length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LogRecords.Magic || length is < 0 or > LogRecords.MaxPayload
            || !Fill(LogRecords.FrameHeader + length))
        {
            return false;
        }

        header = _buffer.AsSpan(_start, LogRecords.FrameHeader);
        payload = _buffer.AsSpan(_start + LogRecords.FrameHeader, length);
        if (LogRecords.Checksum(header[4..8], payload) != BinaryPrimitives.ReadUInt32LittleEndian(header[8..]))
        {
            return false;
        }

        _start += LogRecords.FrameHeader + length;
        Position += LogRecords.FrameHeader + length;
        return true;
    }

    /// <summary>Whether an intact frame lies behind the current position: then this is damage, not the torn end of a write.</summary>
    public bool HasFrameBehind()
    {
        var tail = new byte[(int)Math.Min(FileLength - Position, int.MaxValue / 2)];
        using var file = File.OpenHandle(_file.Name);
        var read = RandomAccess.Read(file, tail, Position);
        Span<byte> magic = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, LogRecords.Magic);
        for (var at = 1; at + LogRecords.FrameHeader <= read; at++)
        {
            var next = tail.AsSpan(at, read - at).IndexOf(magic);
            if (next < 0)
            {
                return false;
            }

            at += next;
            var frame = tail.AsSpan(at, read - at);
            if (frame.Length >= LogRecords.FrameHeader && BinaryPrimitives.ReadInt32LittleEndian(frame[4..]) is >= 0 and var length
                && length <= frame.Length - LogRecords.FrameHeader
                && LogRecords.Checksum(frame[4..8], frame.Slice(LogRecords.FrameHeader, length)) == BinaryPrimitives.ReadUInt32LittleEndian(frame[8..]))
            {
                return true;
            }
        }

        return false;
    }

    private bool Fill(int needed)
    {
        if (_end - _start >= needed)
        {
            return true;
        }

        if (_start + needed > _buffer.Length)
        {
            var target = needed > _buffer.Length ? new byte[needed] : _buffer;
            Buffer.BlockCopy(_buffer, _start, target, 0, _end - _start);
            (_buffer, _end, _start) = (target, _end - _start, 0);
        }

        while (_end - _start < needed)
        {
            var read = _file.Read(_buffer, _end, _buffer.Length - _end);
            if (read == 0)
            {
                return false;
            }

            _end += read;
        }

        return true;
    }

    public void Dispose() => _file.Dispose();
}
