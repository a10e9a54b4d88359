using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>A database and its containers. Immutable: a change of the catalog makes a new one.</summary>
internal sealed record Database(uint Number, string Id, byte[] Json, ImmutableDictionary<string, Container> Containers)
{
    public string Rid { get; } = ResourceIds.Database(Number);

    /// <summary>By name, or by resource id as the SDK does for partition key ranges.</summary>
    public Container? Find(string nameOrRid) =>
        Containers.TryGetValue(nameOrRid, out var container) ? container : Containers.Values.FirstOrDefault(c => c.Rid == nameOrRid);
}

/// <summary>
/// The whole account: its catalog of databases and containers, and the writer that makes changes durable
/// (<c>StoreWriter.cs</c>), recovers (<c>StoreRecovery.cs</c>) and compacts (<c>StoreCompaction.cs</c>); <c>StoreIndexes.cs</c>
/// builds indexes of paths.
/// </summary>
internal sealed partial class Store : IDisposable
{
    private readonly EmulatorOptions _options;
    private volatile ImmutableDictionary<string, Database> _catalog = ImmutableDictionary<string, Database>.Empty;

    /// <summary>Numbers given out; the writer's. Containers count over all databases.</summary>
    private uint _lastDatabase, _lastContainer;

    public Store(EmulatorOptions options)
    {
        _options = options;
        if (options.DataDirectory is { } path)
        {
            _directory = new LogDirectory(path, options.LockPatience);
            try
            {
                Recover(_directory);
            }
            catch
            {
                _directory.Dispose();
                throw;
            }
        }

        _writer = new Thread(RunWriter) { Name = "store writer", IsBackground = true };
        _writer.Start();
    }

    public int UnixNow => (int)Math.Max(1_000_000_000, _options.Time.GetUtcNow().ToUnixTimeSeconds()); // _ts has ten digits

    public IEnumerable<Database> Databases => _catalog.Values.OrderBy(d => d.Number);

    public Database? FindDatabase(string nameOrRid) =>
        _catalog.TryGetValue(nameOrRid, out var database) ? database : _catalog.Values.FirstOrDefault(d => d.Rid == nameOrRid);

    public void Report(string message) => _options.Messages.WriteLine(message);

    public bool IsLive(Container container)
    {
        foreach (var (_, database) in _catalog)
        {
            if (database.Number == container.Database)
            {
                return database.Containers.TryGetValue(container.Definition.Id, out var current) && current == container;
            }
        }

        return false;
    }

    public async Task<Database> CreateDatabase(JsonObject body)
    {
        var id = Names.Require(body);
        Database? created = null;
        await Exclusive(log =>
        {
            if (_catalog.ContainsKey(id))
            {
                throw new EmulatorException(409, $"Resource with specified id or name already exists: database '{id}'.");
            }

            var number = _lastDatabase + 1;
            var rid = ResourceIds.Database(number);
            body["id"] = id;
            Stamp(body, rid, $"dbs/{rid}/");
            (body["_colls"], body["_users"]) = ("colls/", "users/");
            created = new Database(number, id, MetadataJson.Bytes(body), ImmutableDictionary<string, Container>.Empty);
            LogRecords.PutDatabase(log, number, created.Json);
            return () =>
            {
                _lastDatabase = number;
                _catalog = _catalog.SetItem(id, created);
            };
        });
        return created!;
    }

    public Task DeleteDatabase(string nameOrRid, string? ifMatch = null) => Exclusive(log =>
    {
        var database = FindDatabase(nameOrRid) ?? throw EmulatorException.NotFound($"database '{nameOrRid}'");
        RequireEtag(database.Json, ifMatch);
        LogRecords.Delete(log, RecordKind.DeleteDatabase, database.Number);
        return () => _catalog = _catalog.Remove(database.Id);
    });

    public async Task<Container> CreateContainer(string databaseName, JsonObject body)
    {
        var id = ContainerDefinition.Parse(body).Id;
        Container? created = null;
        await Exclusive(log =>
        {
            var database = FindDatabase(databaseName) ?? throw EmulatorException.NotFound($"database '{databaseName}'");
            if (database.Containers.ContainsKey(id))
            {
                throw new EmulatorException(409, $"Resource with specified id or name already exists: container '{id}'.");
            }

            var number = _lastContainer + 1;
            var rid = ResourceIds.Container(database.Number, number);
            Stamp(body, rid, $"dbs/{database.Rid}/colls/{rid}/");
            body["indexingPolicy"] ??= JsonNode.Parse("""{"indexingMode":"consistent","automatic":true,"includedPaths":[{"path":"/*"}],"excludedPaths":[{"path":"/\"_etag\"/?"}]}""");
            (body["_docs"], body["_sprocs"], body["_triggers"], body["_udfs"], body["_conflicts"]) = ("docs/", "sprocs/", "triggers/", "udfs/", "conflicts/");
            created = new Container(database.Number, database.Rid, number, MetadataJson.Bytes(body));
            LogRecords.PutContainer(log, database.Number, number, 0, 0, created.Json);
            return () =>
            {
                _lastContainer = number;
                _catalog = _catalog.SetItem(database.Id, database with { Containers = database.Containers.SetItem(id, created) });
            };
        });
        return created!;
    }

    public async Task<Container> ReplaceContainer(string databaseName, string name, JsonObject body, string? ifMatch = null)
    {
        var definition = ContainerDefinition.Parse(body);
        Container? replaced = null;
        await Exclusive(log =>
        {
            var (database, container) = Require(databaseName, name);
            RequireEtag(container.Json, ifMatch);
            if (definition.Id != container.Definition.Id || !definition.KeyPathTexts.SequenceEqual(container.Definition.KeyPathTexts))
            {
                throw new EmulatorException(400, "The id and the partition key of a container cannot be changed.");
            }

            foreach (var (property, value) in MetadataJson.Parse(container.Json))
            {
                if (property.StartsWith('_'))
                {
                    body[property] = value?.DeepClone();
                }
            }

            Stamp(body, container.Rid, container.Self);
            var json = MetadataJson.Bytes(body);
            LogRecords.PutContainer(log, database.Number, container.Number, container.LastLsn, container.LastRid, json);
            return () => (replaced = container).Redefine(json);
        });
        return replaced!;
    }

    public Task DeleteContainer(string databaseName, string name, string? ifMatch = null) => Exclusive(log =>
    {
        var (database, container) = Require(databaseName, name);
        RequireEtag(container.Json, ifMatch);
        LogRecords.Delete(log, RecordKind.DeleteContainer, container.Number);
        return () => _catalog = _catalog.SetItem(database.Id, database with { Containers = database.Containers.Remove(container.Definition.Id) });
    });

    private (Database Database, Container Container) Require(string databaseName, string name)
    {
        var database = FindDatabase(databaseName) ?? throw EmulatorException.NotFound($"database '{databaseName}'");
        return (database, database.Find(name) ?? throw EmulatorException.NotFound($"container '{name}'"));
    }

    private static void RequireEtag(byte[] json, string? ifMatch)
    {
        if (ifMatch is not null and not "*" && ifMatch != (string?)MetadataJson.Parse(json)["_etag"])
        {
            throw new EmulatorException(412, "One of the specified pre-condition is not met: the resource has another etag.");
        }
    }

    private void Stamp(JsonObject body, string rid, string self)
    {
        body["_rid"] = rid;
        body["_self"] = self;
        body["_etag"] = $"\"{Guid.NewGuid()}\"";
        body["_ts"] = UnixNow;
    }
}
