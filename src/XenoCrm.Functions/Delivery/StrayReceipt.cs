using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>A receipt that belongs to no message we know of. Kept for a month, so that someone can find out why.</summary>
public sealed record StrayReceipt : IWorkspaceItem
{
    public const string KindName = "stray-receipt";

    public required string Id { get; init; }
    public string Kind => KindName;
    public required Receipt Receipt { get; init; }

    /// <summary>Seconds.</summary>
    [JsonPropertyName("ttl")]
    public int TimeToLive { get; init; } = 30 * 24 * 3600;
}

public sealed class StrayReceiptStore(WorkspaceStore<StrayReceipt> store, CosmosDatabase database)
{
    private readonly Container container = database.Container(Workspace.ContainerName);

    /// <summary>Each once, however often it is reported.</summary>
    public async Task KeepAsync(IEnumerable<Receipt> receipts, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(receipts, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (receipt, token) =>
            await store.TryCreateAsync(new() { Id = Id(receipt), Receipt = receipt }, token));

    public async Task<int> CountAsync(CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryIterator<int>(
            "SELECT VALUE COUNT(1) FROM c", requestOptions: new() { PartitionKey = new PartitionKey(StrayReceipt.KindName) });
        var count = 0;
        while (pages.HasMoreResults)
        {
            count += (await pages.ReadNextAsync(cancellation)).Sum();
        }

        return count;
    }

    private static string Id(Receipt receipt) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{receipt.MessageId}\n{receipt.Status}\n{receipt.EventId}")).AsSpan(0, 16));
}
