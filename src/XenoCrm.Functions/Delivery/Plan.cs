using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>How far the audience of a campaign is frozen. Its id is the campaign's.</summary>
public sealed record Plan : IWorkspaceItem
{
    public const string KindName = "plan";

    public required string Id { get; init; }
    public string Kind => KindName;

    /// <summary>The segment's rule as it was at the launch, with its clock: an edit of the segment does not shift a running campaign.</summary>
    public required string Where { get; init; }
    public required IReadOnlyDictionary<string, JsonElement> Parameters { get; init; }

    /// <summary>Batches that exist and whose runs are enqueued.</summary>
    public int Batches { get; init; }

    /// <summary>Recipients in them.</summary>
    public int Audience { get; init; }

    /// <summary>The customers that the next batches consist of, decided before the first of them is written: see <see cref="Planner"/>.</summary>
    public IReadOnlyList<string> Page { get; init; } = [];

    public bool Done { get; init; }

    /// <summary>Request units that freezing the audience was charged so far.</summary>
    public double Units { get; init; }

    public CustomerFilter Filter => new(Where, Parameters.ToDictionary(p => p.Key, p => (object?)p.Value));
}
