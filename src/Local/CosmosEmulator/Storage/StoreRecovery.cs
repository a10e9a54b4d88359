using System.Collections.Immutable;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// Start: the newest snapshot, then the logs from its number on. Records say what is, not what changed, so a snapshot that
/// was taken while writes went on needs only the log that began with it to be exact.
/// </summary>
internal sealed partial class Store
{
    private sealed class Recovering
    {
        public uint Database;
        public byte[] Json = [];
        public long LastLsn;
        public long LastRid;
        public readonly Dictionary<long, Item> Items = [];
        public readonly Dictionary<PartitionKey, PartitionKey> Keys = [];
    }

    private void Recover(LogDirectory directory)
    {
        foreach (var unfinished in Directory.EnumerateFiles(directory.Path, "*.tmp"))
        {
            File.Delete(unfinished);
        }

        var databases = new SortedDictionary<uint, byte[]>();
        var containers = new SortedDictionary<uint, Recovering>();
        var first = directory.Snapshots() is [.., var snapshot] ? snapshot : 0;
        if (first > 0)
        {
            using var reader = new LogReader(directory.Snapshot(first));
            Replay(reader, databases, containers);
            if (reader.Position != reader.FileLength)
            {
                throw Damaged(directory.Snapshot(first), reader.Position);
            }

            _snapshotBytes = reader.FileLength;
        }

        var logs = directory.Logs().Where(n => n >= first).ToList();
        for (var i = 0; i < logs.Count; i++)
        {
            if (logs[i] != Math.Max(first, 1) + i)
            {
                throw new InvalidDataException($"The data directory {directory.Path} lacks log {Math.Max(first, 1) + i}.");
            }

            ReplayLog(directory, logs[i], isLast: i == logs.Count - 1, databases, containers);
        }

        directory.RemoveBefore(first);
        _logNumber = logs.Count > 0 ? logs[^1] : Math.Max(first, 1);
        Load(databases, containers);
        _log = new LogFile(directory.Log(_logNumber), logs.Count > 0 ? new FileInfo(directory.Log(_logNumber)).Length : 0, _options.FlushToDisk);
    }

    private void ReplayLog(LogDirectory directory, long number, bool isLast, SortedDictionary<uint, byte[]> databases, SortedDictionary<uint, Recovering> containers)
    {
        var path = directory.Log(number);
        using var reader = new LogReader(path);
        Replay(reader, databases, containers);
        _sealedLogBytes += isLast ? 0 : reader.Position;
        if (reader.Position == reader.FileLength)
        {
            return;
        }

        // Only the file that was being written when the process ended can have a torn end.
        if (!isLast)
        {
            throw Damaged(path, reader.Position);
        }

        if (reader.HasFrameBehind())
        {
            // No torn write looks like this: keep what is cut off, it may be worth something to somebody.
            var aside = directory.File($"damaged-{number:d8}-{reader.Position}");
            File.Copy(path, aside, overwrite: true);
            _options.Messages.WriteLine($"{path} is damaged at byte {reader.Position}. The store continues with what lies before; the whole file was kept as {aside}.");
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.SetLength(file, reader.Position);
        if (_options.FlushToDisk)
        {
            RandomAccess.FlushToDisk(file);
        }
    }

    private static InvalidDataException Damaged(string path, long position) => new(
        $"{path} is damaged at byte {position}, and it is not the end of a log that was being written. Restore it from a copy, or start with another data directory.");

    private void Replay(LogReader reader, SortedDictionary<uint, byte[]> databases, SortedDictionary<uint, Recovering> containers)
    {
        while (reader.TryRead(out var payload))
        {
            var from = new SpanReader(payload);
            while (!from.IsEmpty)
            {
                Replay(ref from, databases, containers);
            }
        }
    }

    private void Replay(ref SpanReader from, SortedDictionary<uint, byte[]> databases, SortedDictionary<uint, Recovering> containers)
    {
        var kind = (RecordKind)from.Byte();
        var number = from.UInt32();
        switch (kind)
        {
            case RecordKind.Counters:
                _lastDatabase = Math.Max(_lastDatabase, number);
                _lastContainer = Math.Max(_lastContainer, from.UInt32());
                break;
            case RecordKind.PutDatabase:
                databases[number] = from.Bytes().ToArray();
                _lastDatabase = Math.Max(_lastDatabase, number);
                break;
            case RecordKind.DeleteDatabase:
                databases.Remove(number);
                break;
            case RecordKind.PutContainer:
                ReplayContainer(ref from, number, containers);
                break;
            case RecordKind.DeleteContainer:
                containers.Remove(number);
                break;
            case RecordKind.PutItem:
                ReplayPut(ref from, containers.GetValueOrDefault(number));
                break;
            case RecordKind.DeleteItem:
                var (rid, lsn) = (from.Int64(), from.Int64());
                if (containers.TryGetValue(number, out var container))
                {
                    container.Items.Remove(rid);
                    container.LastLsn = Math.Max(container.LastLsn, lsn);
                }

                break;
            default:
                throw new InvalidDataException($"The log has a record of an unknown kind ({(byte)kind}): it was written by a newer version.");
        }
    }

    private void ReplayContainer(ref SpanReader from, uint database, SortedDictionary<uint, Recovering> containers)
    {
        var number = from.UInt32();
        if (!containers.TryGetValue(number, out var container))
        {
            containers[number] = container = new Recovering { Database = database };
        }

        container.LastLsn = Math.Max(container.LastLsn, from.Int64());
        container.LastRid = Math.Max(container.LastRid, from.Int64());
        container.Json = from.Bytes().ToArray();
        _lastContainer = Math.Max(_lastContainer, number);
    }

    private static void ReplayPut(ref SpanReader from, Recovering? container)
    {
        var (rid, lsn, timestamp, ttl) = (from.Int64(), from.Int64(), from.Int32(), from.Int32());
        var encodedKey = from.Bytes();
        var id = from.Bytes();
        var json = from.Bytes();
        if (container is null)
        {
            return;
        }

        if (!container.Items.TryGetValue(rid, out var item))
        {
            var key = PartitionKey.FromEncoded(encodedKey);
            if (!container.Keys.TryAdd(key, key))
            {
                key = container.Keys[key];
            }

            container.Items[rid] = item = new Item(Encoding.UTF8.GetString(id), key, rid);
        }

        item.Current = new ItemVersion(json.ToArray(), lsn, timestamp, ttl);
        container.LastLsn = Math.Max(container.LastLsn, lsn);
        container.LastRid = Math.Max(container.LastRid, rid);
    }

    private void Load(SortedDictionary<uint, byte[]> databases, SortedDictionary<uint, Recovering> containers)
    {
        var catalog = ImmutableDictionary.CreateBuilder<string, Database>();
        foreach (var (number, json) in databases)
        {
            var database = new Database(number, MetadataJson.Id(json), json, ImmutableDictionary<string, Container>.Empty);
            var loaded = ImmutableDictionary.CreateBuilder<string, Container>();
            foreach (var (containerNumber, recovered) in containers.Where(c => c.Value.Database == number))
            {
                var container = new Container(number, database.Rid, containerNumber, recovered.Json)
                {
                    LastLsn = recovered.LastLsn,
                    LastRid = recovered.LastRid,
                };
                container.Load(recovered.Items.Values);
                loaded[container.Definition.Id] = container;
            }

            catalog[database.Id] = database with { Containers = loaded.ToImmutable() };
        }

        _catalog = catalog.ToImmutable();
    }
}
