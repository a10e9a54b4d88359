using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>
/// The results of a query in FROM, as items of the query around it: <c>SELECT COUNT(1) FROM (SELECT DISTINCT c.city FROM
/// c)</c>. It is computed again for every page, like all that needs everything before it.
/// </summary>
internal sealed class DerivedSource(IReadOnlyList<JsonValue> values) : IQuerySource
{
    public int EstimatedCount => values.Count;

    public IEnumerable<StoredItem> Scan(long afterRid) =>
        values.Skip((int)Math.Max(0, afterRid)).Select((value, i) => new StoredItem(Math.Max(0, afterRid) + i + 1, value.ToUtf8()));

    // More than was asked for is allowed.
    public IEnumerable<StoredItem> ById(IReadOnlyList<string> ids) => Scan(0);

    public IEnumerable<StoredItem> ByIdRange(string? from, bool fromInclusive, string? to, bool toInclusive, bool descending)
    {
        var ordered = Scan(0).OrderBy(i => JsonValue.Parse(i.Json)["id"u8]).ThenBy(i => i.Rid);
        return descending ? ordered.Reverse() : ordered;
    }

    public IIndex? FindIndex(string path) => null;

    public bool HasCompositeIndex(IReadOnlyList<(string Path, bool Descending)> paths) => true;

    public bool IsIncluded(string path) => true;

    public RidSet? NewRidSet() => null;

    public IEnumerable<StoredItem> Items(RidSet set) => Scan(0).Where(i => set.Contains(i.Rid));

    public int? ExactCount => values.Count;
}
