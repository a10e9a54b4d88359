using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// The items of a container and their orders. Everything that changes is changed by the store's writer thread; readers use
/// <see cref="View"/>.
/// </summary>
internal sealed class Container
{
    private readonly CowTree<Item, KeyOrder> _byKey = new();
    private readonly CowTree<Item, IdOrder> _byId = new();
    private readonly CowTree<Item, PartitionOrder> _byPartition = new();
    private readonly CowTree<Item, RidOrder> _byRid = new();
    private readonly CowTree<Change, ChangeOrder> _changes = new();
    private readonly List<PathIndex> _indexes = [];
    private readonly List<List<(Item Item, ItemVersion? Before, ItemVersion? After)>> _watchers = [];
    private volatile ContainerView _view;

    public Container(uint database, string databaseRid, uint number, byte[] json)
    {
        (Database, Number) = (database, number);
        Rid = ResourceIds.Container(database, number);
        Self = $"dbs/{databaseRid}/colls/{Rid}/";
        Layout = new ItemLayout(this);
        Json = json;
        Definition = ContainerDefinition.Parse(MetadataJson.Parse(json));
        _view = Capture();
    }

    public uint Database { get; }

    /// <summary>Unique over all containers that ever were in the store.</summary>
    public uint Number { get; }

    public string Rid { get; }

    public string Self { get; }

    public ItemLayout Layout { get; }

    /// <summary>The definition as it was given, with its system properties.</summary>
    public byte[] Json { get; private set; }

    public ContainerDefinition Definition { get; private set; }

    /// <summary>A consistent state of the container for readers.</summary>
    public ContainerView View => _view;

    /// <summary>Numbers given out; the writer's. They never go back, so that tokens held by clients stay in the past.</summary>
    public long LastLsn { get; set; }

    public long LastRid { get; set; }

    /// <summary>Bytes the items would take in a snapshot; the writer's.</summary>
    public long LiveBytes { get; private set; }

    public void Redefine(byte[] json)
    {
        Json = json;
        Definition = ContainerDefinition.Parse(MetadataJson.Parse(json));
        _indexes.RemoveAll(index => !Definition.Indexing.IsIncluded(index.Path));
        Publish();
    }

    /// <summary>Applies a committed change: no before is a create, no after is a delete.</summary>
    public void Apply(Item item, ItemVersion? before, ItemVersion? after)
    {
        if (before is null)
        {
            _byKey.Add(item);
            _byId.Add(item);
            _byPartition.Add(item);
            _byRid.Add(item);
            item.Current = after!;
        }
        else
        {
            _changes.Remove(new Change(before.Lsn, item));
            if (after is null)
            {
                _byKey.Remove(item);
                _byId.Remove(item);
                _byPartition.Remove(item);
                _byRid.Remove(item);
            }
            else
            {
                after.Previous = before;
                item.Current = after;
            }
        }

        if (after is not null)
        {
            _changes.Add(new Change(after.Lsn, item));
        }

        foreach (var index in _indexes)
        {
            index.Update(item, before, after);
        }

        foreach (var watcher in _watchers)
        {
            watcher.Add((item, before, after));
        }

        LiveBytes += Cost(item, after) - Cost(item, before);
    }

    /// <summary>Fills an empty container with recovered items.</summary>
    public void Load(IReadOnlyCollection<Item> items)
    {
        var sorted = items.ToArray();
        LiveBytes = sorted.Sum(item => Cost(item, item.Current));
        Parallel.Invoke(
            () => _byKey.Build(Sorted(sorted, default(KeyOrder))),
            () => _byId.Build(Sorted(sorted, default(IdOrder))),
            () => _byPartition.Build(Sorted(sorted, default(PartitionOrder))),
            () => _byRid.Build(Sorted(sorted, default(RidOrder))),
            () => _changes.Build(Sorted([.. sorted.Select(item => new Change(item.Current.Lsn, item))], default(ChangeOrder))));
        Publish();

        static T[] Sorted<T, TOrder>(T[] items, TOrder order) where TOrder : IComparer<T>
        {
            // A log has most items in the order of their rids and changes already, a snapshot all of them.
            var copy = items.AsSpan().ToArray();
            for (var i = 1; i < copy.Length; i++)
            {
                if (order.Compare(copy[i - 1], copy[i]) > 0)
                {
                    Array.Sort(copy, order);
                    break;
                }
            }

            return copy;
        }
    }

    /// <summary>Notes all changes from now on, for an index that is being built.</summary>
    public List<(Item Item, ItemVersion? Before, ItemVersion? After)> Watch()
    {
        var changes = new List<(Item, ItemVersion?, ItemVersion?)>();
        _watchers.Add(changes);
        return changes;
    }

    /// <summary>Adds an index that is up to date, and ends its watch.</summary>
    public void AddIndex(PathIndex index, List<(Item Item, ItemVersion? Before, ItemVersion? After)> watched)
    {
        _watchers.Remove(watched);
        if (!_indexes.Exists(other => other.Path == index.Path) && Definition.Indexing.IsIncluded(index.Path))
        {
            _indexes.Add(index);
            Publish();
        }
    }

    /// <summary>Shows the current state to readers.</summary>
    public void Publish() => _view = Capture();

    private ContainerView Capture() => new(
        this, Definition, LastLsn, _byKey.Publish(), _byId.Publish(), _byPartition.Publish(), _byRid.Publish(), _changes.Publish(),
        [.. _indexes.Select(index => (index.Path, index.Publish()))]);

    private static long Cost(Item item, ItemVersion? version) =>
        version is null ? 0 : LogRecords.PutOverhead + version.Json.Length + item.Id.Length + item.Key.Encoded.Length;
}

internal static class MetadataJson
{
    /// <summary>The default encoder writes the quotes of an etag as \u0022.</summary>
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonObject Parse(byte[] json) => (JsonObject)JsonNode.Parse(json)!;

    public static string Id(byte[] json) => (string)Parse(json)["id"]!;

    public static string Text(JsonObject json) => json.ToJsonString(Relaxed);

    public static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(Text(json));
}
