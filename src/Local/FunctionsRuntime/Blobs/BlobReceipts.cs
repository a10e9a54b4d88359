using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace XenoCrm.Local.FunctionsRuntime.Blobs;

/// <summary>
/// What became of each version of each blob, for one function: a small blob per version under
/// <c>blobreceipts/{host}/{function}/{etag}/{container}/{blob}</c>, its state in the metadata so that one listing at the
/// start reads them all.
/// </summary>
internal sealed class BlobReceipts(BlobContainerClient host, string hostId, string functionId, string container)
{
    private const string Done = "done";
    private const string Tries = "tries";

    /// <summary>The longest name that Azure takes for a blob.</summary>
    private const int MaxName = 1024;

    private readonly string _prefix = $"blobreceipts/{hostId}/{functionId}/";

    /// <summary>Reads every receipt of the function, as name of the receipt → state.</summary>
    public async Task<Dictionary<string, Receipt>> ReadAll(CancellationToken token)
    {
        await host.CreateIfNotExistsAsync(cancellationToken: token);
        var receipts = new Dictionary<string, Receipt>();
        await foreach (var item in host.GetBlobsAsync(BlobTraits.Metadata, BlobStates.None, _prefix, token))
            receipts[item.Name] = Read(item.Metadata);
        return receipts;
    }

    public async Task<Receipt> Read(string blobName, ETag etag, CancellationToken token)
    {
        try
        {
            var properties = await host.GetBlobClient(NameOf(blobName, etag)).GetPropertiesAsync(cancellationToken: token);
            return Read(properties.Value.Metadata);
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return new Receipt(0, false);
        }
    }

    public Task Write(string blobName, ETag etag, Receipt receipt, CancellationToken token)
        => host.GetBlobClient(NameOf(blobName, etag)).UploadAsync(
            BinaryData.FromString(""),
            new BlobUploadOptions
            {
                Metadata = new Dictionary<string, string> { [Done] = receipt.Done ? "1" : "0", [Tries] = receipt.Tries.ToString() },
            },
            token);

    public string NameOf(string blobName, ETag etag)
    {
        var version = $"{_prefix}{etag.ToString().Trim('"')}/{container}/";
        var name = version + blobName;
        return name.Length <= MaxName ? name : version + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(blobName)));
    }

    private static Receipt Read(IDictionary<string, string>? metadata)
    {
        // Azure keeps the case of metadata names, some servers do not.
        var values = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>(), StringComparer.OrdinalIgnoreCase);
        return new Receipt(
            values.TryGetValue(Tries, out var tries) && int.TryParse(tries, out var count) ? count : 0,
            values.GetValueOrDefault(Done) == "1");
    }
}

/// <summary>How often a version of a blob has failed, and whether it is settled: processed, or given up.</summary>
internal readonly record struct Receipt(int Tries, bool Done);
