using Azure.Storage.Blobs;

namespace XenoCrm.Local.FunctionsRuntime.Blobs;

/// <summary>
/// Reads a blob from the first read on. A blob that changes while it is read fails the read (the SDK asks for the same
/// ETag each time), so a function never sees half of one version and half of another.
/// </summary>
internal sealed class LazyBlobStream(BlobClient blob) : Stream
{
    private Stream? _inner;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => Open().Length;

    public override long Position
    {
        get => _inner?.Position ?? 0;
        set => Open().Position = value;
    }

    public override int Read(byte[] buffer, int offset, int count) => Open().Read(buffer, offset, count);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _inner ??= await blob.OpenReadAsync(cancellationToken: cancellationToken);
        return await _inner.ReadAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Open().Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException("A blob that a function reads cannot be written through its stream.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("A blob that a function reads cannot be written through its stream.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _inner?.Dispose();
        base.Dispose(disposing);
    }

    private Stream Open() => _inner ??= blob.OpenRead();
}
