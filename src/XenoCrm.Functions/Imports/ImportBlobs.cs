using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>The files to import: container <c>imports</c>, folders <c>customers/</c> and <c>orders/</c>.</summary>
public sealed class ImportBlobs(BlobServiceClient service, TimeProvider clock)
{
    public const string ContainerName = "imports";

    /// <summary>What is asked for at once: large, because a slow reader must not hold a connection open.</summary>
    private const int ReadBytes = 1024 * 1024;

    private readonly BlobContainerClient container = service.GetBlobContainerClient(ContainerName);

    /// <summary>Null when the blob is gone.</summary>
    public async Task<BlobProperties?> PropertiesAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await container.GetBlobClient(name).GetPropertiesAsync(cancellationToken: cancellation);
        }
        catch (RequestFailedException exception) when (exception.Status == 404)
        {
            return null;
        }
    }

    /// <summary>Reads one version of a blob; another version, or none, is a problem.</summary>
    public OpenCsv Open(string name, string etag) => async (offset, cancellation) =>
    {
        try
        {
            var options = new BlobOpenReadOptions(allowModifications: false)
            {
                Position = offset,
                BufferSize = ReadBytes,
                Conditions = new() { IfMatch = new ETag(etag) },
            };
            return new Versioned(await container.GetBlobClient(name).OpenReadAsync(options, cancellation));
        }
        catch (RequestFailedException exception) when (Versioned.ProblemOf(exception) is { } problem)
        {
            // A blob that does not exist has no ETag that could match either: 412, not 404.
            throw (await PropertiesAsync(name, cancellation) is null ? new FileGone() : problem).ToException();
        }
    };

    /// <summary>An address that a file can be put to, once, without any other credential.</summary>
    public async Task<(Uri Address, DateTimeOffset ExpiresAt)> UploadAddressAsync(string name, TimeSpan time, CancellationToken cancellation)
    {
        var blob = container.GetBlobClient(name);
        var expires = clock.GetUtcNow() + time;
        var sas = new BlobSasBuilder(BlobSasPermissions.Create | BlobSasPermissions.Write, expires)
        {
            BlobContainerName = ContainerName,
            BlobName = name,
            Resource = "b",
        };
        if (blob.CanGenerateSasUri)
        {
            return (blob.GenerateSasUri(sas), expires);
        }

        // With a managed identity there is no account key: the identity vouches with a key of its own.
        var start = clock.GetUtcNow().AddMinutes(-5);
        var key = await service.GetUserDelegationKeyAsync(start, expires, cancellation);
        return (new BlobUriBuilder(blob.Uri) { Sas = sas.ToSasQueryParameters(key.Value, service.AccountName) }.ToUri(), expires);
    }

    /// <summary>The job of a version of a blob: a UUIDv7 of when it was written, with the hash of name and ETag for its random part.</summary>
    public static string JobId(string name, string etag, DateTimeOffset writtenAt)
    {
        var bytes = Guid.CreateVersion7(writtenAt).ToByteArray(bigEndian: true);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{name}\n{etag}"));
        bytes[6] = (byte)(0x70 | (hash[0] & 0x0F));
        bytes[7] = hash[1];
        bytes[8] = (byte)(0x80 | (hash[2] & 0x3F));
        hash.AsSpan(3, 7).CopyTo(bytes.AsSpan(9));
        return new Guid(bytes, bigEndian: true).ToString("N");
    }

    /// <summary>The stream of one version: what fails because of another version is a problem, not a fault of the storage.</summary>
    private sealed class Versioned(Stream inner) : Stream
    {
        public static Problem? ProblemOf(RequestFailedException exception) => exception.Status switch
        {
            412 or 409 => new FileChanged(),
            404 => new FileGone(),
            _ => null,
        };

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken);
            }
            catch (RequestFailedException exception) when (ProblemOf(exception) is { } problem)
            {
                throw problem.ToException();
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");
        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
