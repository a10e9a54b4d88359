using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Campaigns;

/// <summary>A campaign without its contents, which are most of it.</summary>
public sealed record CampaignHead(
    string Id, string Name, Channel Channel, string SegmentId, CampaignState State, DateTimeOffset LaunchedAt, DateTimeOffset? EndedAt, string? SeriesId);

/// <summary>For figures over many campaigns.</summary>
public sealed class CampaignHeads(CosmosDatabase database)
{
    private readonly Container container = database.Container(Workspace.ContainerName);

    private sealed record StateRow(CampaignState State, double Count);

    private sealed record NameRow(string Id, string Name);

    /// <summary>Those launched from one moment to before another.</summary>
    public Task<List<CampaignHead>> LaunchedAsync(DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) => QueryAsync<CampaignHead>(
        new QueryDefinition(
            "SELECT c.id, c.name, c.channel, c.segmentId, c.state, c.launchedAt, c.endedAt, c.seriesId FROM c WHERE c.createdAt < @to AND c.launchedAt >= @from AND c.launchedAt < @to")
            .WithParameter("@from", UtcTimeConverter.Write(from)).WithParameter("@to", UtcTimeConverter.Write(to)),
        cancellation);

    public async Task<IReadOnlyDictionary<CampaignState, int>> CountByStateAsync(CancellationToken cancellation) =>
        (await QueryAsync<StateRow>(new("SELECT c.state AS state, COUNT(1) AS count FROM c GROUP BY c.state"), cancellation))
            .GroupBy(r => r.State).ToDictionary(r => r.Key, r => (int)r.Sum(n => n.Count));

    /// <summary>By id; those that are gone are not in it.</summary>
    public async Task<IReadOnlyDictionary<string, string>> NamesAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation) => ids.Count == 0
        ? new Dictionary<string, string>()
        : (await QueryAsync<NameRow>(new QueryDefinition("SELECT c.id, c.name FROM c WHERE ARRAY_CONTAINS(@ids, c.id)").WithParameter("@ids", ids), cancellation)).ToDictionary(r => r.Id, r => r.Name);

    private async Task<List<T>> QueryAsync<T>(QueryDefinition query, CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { PartitionKey = new PartitionKey(Campaign.KindName), MaxItemCount = 1000 });
        var rows = new List<T>();
        while (pages.HasMoreResults)
        {
            rows.AddRange((await CosmosPages.ReadAsync<T>(pages, cancellation)).Select(r => r.Value));
        }

        return rows;
    }
}
