using System.Text.Json;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Platform.Cosmos;

/// <summary>Reads query pages from their stream: items with their ETags, and no second pass by the SDK's serialiser.</summary>
public static class CosmosPages
{
    public static async Task<List<Versioned<T>>> ReadAsync<T>(FeedIterator pages, CancellationToken cancellation)
    {
        using var answer = await pages.ReadNextAsync(cancellation);
        return await ReadAsync<T>(answer, cancellation);
    }

    public static async Task<List<Versioned<T>>> ReadAsync<T>(ResponseMessage answer, CancellationToken cancellation)
    {
        answer.EnsureSuccessStatusCode();
        using var document = await JsonDocument.ParseAsync(answer.Content, cancellationToken: cancellation);
        var documents = document.RootElement.GetProperty("Documents");
        var items = new List<Versioned<T>>(documents.GetArrayLength());
        foreach (var element in documents.EnumerateArray())
        {
            var etag = element.ValueKind == JsonValueKind.Object && element.TryGetProperty("_etag", out var tag) ? tag.GetString()! : "";
            items.Add(new(element.Deserialize<T>(Json.Options)!, etag));
        }

        return items;
    }
}
