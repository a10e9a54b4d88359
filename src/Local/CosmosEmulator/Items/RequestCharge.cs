using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Items;

/// <summary>
/// An estimate of request units with the documented shape: a read costs 1 RU per KB, a write about five times as much and
/// more for each indexed value (an update: for each that goes or comes), a query by what it touches. The constants are fitted to the published examples (1 KB item:
/// read 1, create 5 to 6, replace 10; a query that returns one item 2.3 to 2.8); use them to compare, not to budget.
/// </summary>
internal static class RequestCharge
{
    private const double PerIndexedValue = 0.12, WriteBase = 4.5, WritePerKilobyte = 0.5, UpdateFactor = 1.9;

    public static double Read(int bytes) => Math.Max(1, Math.Round(bytes / 1024.0, 2));

    /// <summary>What a miss costs: a read of nothing.</summary>
    public const double Miss = 1;

    /// <param name="values">Scalar values of the item.</param>
    public static double Create(IndexingPolicy indexing, int bytes, int values)
    {
        var indexed = indexing.IncludesEverything ? values : Math.Min(values, indexing.IncludedPaths);
        return Math.Round(WriteBase + (WritePerKilobyte * bytes / 1024.0) + (PerIndexedValue * indexed), 2);
    }

    public static double Update(Container container, ItemVersion before, ItemVersion after)
    {
        var changes = IndexTerms.CountChanges(container.Definition.Indexing, container.Layout.BodyOf(before), container.Layout.BodyOf(after));
        return Math.Round((UpdateFactor * (WriteBase + (WritePerKilobyte * after.Json.Length / 1024.0))) + (PerIndexedValue * changes), 2);
    }

    public static double Delete(int bytes) => Math.Round(WriteBase + (WritePerKilobyte * bytes / 1024.0), 2);

    public static double Query(int itemsRead, long bytesRead, long bytesReturned) =>
        Math.Round(2.25 + (0.01 * itemsRead) + (0.04 * bytesRead / 1024.0) + (0.02 * bytesReturned / 1024.0), 2);

    public static double Feed(long bytes) => Math.Max(1, Math.Round(bytes / 1024.0 * 0.1, 2) + 1);
}
