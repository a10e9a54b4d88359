namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>One consistent state of a container: all its orders at one LSN.</summary>
internal sealed class ContainerView(
    Container container,
    ContainerDefinition definition,
    long lsn,
    CowTree<Item, KeyOrder>.Snapshot byKey,
    CowTree<Item, IdOrder>.Snapshot byId,
    CowTree<Item, PartitionOrder>.Snapshot byPartition,
    CowTree<Item, RidOrder>.Snapshot byRid,
    CowTree<Change, ChangeOrder>.Snapshot changes,
    (string Path, CowTree<IndexEntry, IndexOrder>.Snapshot Entries)[] indexes)
{
    public Container Container { get; } = container;

    public ContainerDefinition Definition { get; } = definition;

    public long Lsn { get; } = lsn;

    public CowTree<Item, KeyOrder>.Snapshot ByKey { get; } = byKey;

    public CowTree<Item, IdOrder>.Snapshot ById { get; } = byId;

    public CowTree<Item, PartitionOrder>.Snapshot ByPartition { get; } = byPartition;

    public CowTree<Item, RidOrder>.Snapshot ByRid { get; } = byRid;

    public CowTree<Change, ChangeOrder>.Snapshot Changes { get; } = changes;

    public IEnumerable<string> IndexPaths => indexes.Select(i => i.Path);

    public CowTree<IndexEntry, IndexOrder>.Snapshot? Index(string path)
    {
        foreach (var index in indexes)
        {
            if (index.Path == path)
            {
                return index.Entries;
            }
        }

        return null;
    }

    /// <summary>The item's newest version, unless there is none or it has expired.</summary>
    public ItemVersion? Find(PartitionKey key, string id, long now)
    {
        if (!ByKey.TryFind(new KeyBound(key, id), out var item))
        {
            return null;
        }

        var version = item.Current;
        return version.IsExpired(Definition.DefaultTtl, now) ? null : version;
    }
}
