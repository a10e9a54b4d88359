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

    /// <summary>Below, the SDK's own way: one of them is a point read.</summary>
    private const int QueryFrom = 50;

    /// <summary>
    /// Any number of items whose partition key is their id; missing ones are left out. As the SDK's ReadMany, which computes each key's place in the key space first: 6,000 keys cost it 150 ms and 79 MB of
    /// garbage, this 35 ms and 10 MB.
    /// </summary>
    /// <param name="atOnce">Ids of one query; a query is two requests, the first for its plan.</param>
    /// <param name="take">Given each item; the element does not outlive the call.</param>
    public static async Task ReadManyAsync(Container container, IReadOnlyCollection<string> ids, int atOnce, Action<JsonElement> take, CancellationToken cancellation)
    {
        if (ids.Count < QueryFrom)
        {
            if (ids.Count > 0)
            {
                using var answer = await container.ReadManyItemsStreamAsync([.. ids.Select(id => (id, new PartitionKey(id)))], cancellationToken: cancellation);
                await TakeAsync(answer, take, cancellation);
            }

            return;
        }

        foreach (var chunk in ids.Chunk(atOnce))
        {
            var query = new QueryDefinition("SELECT * FROM c WHERE ARRAY_CONTAINS(@ids, c.id)").WithParameter("@ids", chunk);
            using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { MaxItemCount = -1 });
            while (pages.HasMoreResults)
            {
                using var answer = await pages.ReadNextAsync(cancellation);
                await TakeAsync(answer, take, cancellation);
            }
        }
    }

    private static async Task TakeAsync(ResponseMessage answer, Action<JsonElement> take, CancellationToken cancellation)
    {
        answer.EnsureSuccessStatusCode();
        using var document = await JsonDocument.ParseAsync(answer.Content, cancellationToken: cancellation);
        foreach (var element in document.RootElement.GetProperty("Documents").EnumerateArray())
        {
            take(element);
        }
    }
}
