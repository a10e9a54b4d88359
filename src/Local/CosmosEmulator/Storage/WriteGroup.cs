using XenoCrm.Local.CosmosEmulator.Items;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// The writes of one group commit. They are checked one after the other against the committed state plus what the group
/// itself has staged, and encoded; readers see nothing of it before the log has it. If the log fails, the group is dropped
/// and nothing needs to be undone but the numbers given out.
/// </summary>
internal sealed class WriteGroup(Store store)
{
    private readonly record struct Key(Container Container, PartitionKey Partition, string Id);

    private readonly record struct StagedChange(Container Container, Item Item, ItemVersion? Before, ItemVersion? After);

    private readonly Dictionary<Key, (Item? Item, ItemVersion? Version)> _staged = [];
    private readonly List<StagedChange> _changes = [];
    private readonly List<ItemRequest> _requests = [];
    private readonly Dictionary<Container, (long Lsn, long Rid)> _numbers = [];
    private int _now;

    public LogBuffer Log { get; } = new();

    public bool IsEmpty => _requests.Count == 0 && _changes.Count == 0;

    public void Begin()
    {
        Log.Truncate(0);
        _staged.Clear();
        _changes.Clear();
        _requests.Clear();
        _numbers.Clear();
        _now = store.UnixNow;
    }

    public void Stage(ItemRequest request)
    {
        _requests.Add(request);
        var container = request.Container;
        if (!store.IsLive(container))
        {
            foreach (var operation in request.Operations)
            {
                operation.Fail(404, "Resource Not Found: the container does not exist any more.");
            }

            return;
        }

        _numbers.TryAdd(container, (container.LastLsn, container.LastRid));
        if (request.Atomic)
        {
            StageAtomic(request);
            return;
        }

        var stopped = false;
        foreach (var operation in request.Operations)
        {
            if (stopped)
            {
                operation.Fail(424, "An operation before this one failed.");
                continue;
            }

            var (frame, changes) = (Log.BeginFrame(), _changes.Count);
            TryStage(container, operation);
            EndFrame(frame, changes);
            stopped = request.StopAtFailure && operation.Status >= 400;
        }
    }

    private void StageAtomic(ItemRequest request)
    {
        var container = request.Container;
        var (frame, changes) = (Log.BeginFrame(), _changes.Count);
        var (lsn, rid) = (container.LastLsn, container.LastRid);
        foreach (var operation in request.Operations)
        {
            TryStage(container, operation);
            if (Log.Length - frame > LogRecords.MaxPayload)
            {
                operation.Fail(413, "Request size is too large: the batch changes more than can be written as one.");
            }

            if (operation.Status >= 300)
            {
                FailOthers(request, operation);
                Undo(changes);
                (container.LastLsn, container.LastRid) = (lsn, rid);
                break;
            }
        }

        EndFrame(frame, changes);
    }

    private void EndFrame(int frame, int changesBefore)
    {
        if (_changes.Count == changesBefore)
        {
            Log.Truncate(frame);
        }
        else
        {
            Log.EndFrame(frame);
        }
    }

    private void TryStage(Container container, ItemOperation operation)
    {
        if (operation.Status != 0)
        {
            return; // refused before it came here
        }

        try
        {
            Stage(container, operation);
        }
        catch (EmulatorException refused)
        {
            operation.Fail(refused.Status, refused.Message, refused.SubStatus);
        }
        catch (Exception error)
        {
            // Nothing is recorded before everything that can fail is done; the writer must outlive a bug in, say, a patch.
            store.Report($"{operation.Kind} failed: {error}");
            operation.Fail(500, $"The emulator failed: {error.Message}");
        }
    }

    /// <summary>Stages the removal of items that have expired.</summary>
    public void StagePurge(Container container, IEnumerable<Item> expired)
    {
        var (frame, changes) = (Log.BeginFrame(), _changes.Count);
        _numbers.TryAdd(container, (container.LastLsn, container.LastRid));
        foreach (var item in expired)
        {
            Record(container, item, item.Current, null);
        }

        EndFrame(frame, changes);
    }

    /// <summary>Shows the group to readers and answers its requests: the log has it.</summary>
    public void Apply(Action<ItemVersion> replaced)
    {
        foreach (var change in _changes)
        {
            change.Container.Apply(change.Item, change.Before, change.After);
            if (change is { Before: not null, After: not null })
            {
                replaced(change.After);
            }
        }

        foreach (var container in _numbers.Keys)
        {
            container.Publish();
        }

        Store.Answer([.. _requests], null);
    }

    /// <summary>The log could not take the group.</summary>
    public void Fail(Exception error)
    {
        foreach (var (container, (lsn, rid)) in _numbers)
        {
            (container.LastLsn, container.LastRid) = (lsn, rid);
        }

        Store.Answer([.. _requests], error);
    }

    private static void FailOthers(ItemRequest request, ItemOperation culprit)
    {
        foreach (var operation in request.Operations)
        {
            if (operation != culprit)
            {
                operation.Charge = operation.Charge;
                (operation.Updated, operation.Version, operation.Etag) = (null, null, null);
                operation.Fail(424, "Another operation of the batch failed.");
            }
        }
    }

    private void Undo(int from)
    {
        for (var i = _changes.Count - 1; i >= from; i--)
        {
            var change = _changes[i];
            _staged[new Key(change.Container, change.Item.Key, change.Item.Id)] = (change.Item, change.Before);
        }

        _changes.RemoveRange(from, _changes.Count - from);
    }

    private void Stage(Container container, ItemOperation operation)
    {
        var (item, version) = Lookup(container, operation);
        var expired = version is not null && version.IsExpired(container.Definition.DefaultTtl, _now);
        var current = expired ? null : version;
        if (current is null)
        {
            operation.Charge = RequestCharge.Miss;
            if (operation.Kind is not (OperationKind.Create or OperationKind.Upsert))
            {
                operation.Fail(404, "Resource Not Found: no item has this id and partition key.");
                return;
            }

            if (expired)
            {
                Record(container, item!, version, null);
            }

            // Items of one partition share the object that holds its key.
            var key = container.View.ByPartition.TryFind(new PartitionProbe(operation.Key), out var sibling) ? sibling.Key : operation.Key;
            Write(container, operation, new Item(operation.Id, key, ++container.LastRid), null, operation.Body!);
            return;
        }

        operation.Etag = container.Layout.Etag(current);
        switch (operation.Kind)
        {
            case OperationKind.Create:
                operation.Charge = RequestCharge.Read(current.Json.Length);
                operation.Fail(409, "Resource with specified id or name already exists.");
                return;
            case OperationKind.Read:
                operation.Charge = RequestCharge.Read(current.Json.Length);
                operation.Version = current;
                operation.Status = operation.IfNoneMatch == "*" || operation.IfNoneMatch == operation.Etag || operation.IfMatch == operation.Etag ? 304 : 200;
                return;
        }

        // As the SDK documents it: If-Match means nothing to an upsert that creates, If-None-Match counts only for one that replaces.
        if ((operation.IfMatch is { } wanted && wanted != "*" && wanted != operation.Etag)
            || (operation is { Kind: OperationKind.Upsert, IfNoneMatch: { } unwanted } && (unwanted == "*" || unwanted == operation.Etag)))
        {
            operation.Charge = RequestCharge.Read(current.Json.Length);
            operation.Fail(412, "One of the specified pre-condition is not met: the item has another etag.");
            return;
        }

        switch (operation.Kind)
        {
            case OperationKind.Delete:
                Record(container, item!, current, null);
                operation.Charge = RequestCharge.Delete(current.Json.Length);
                operation.Status = 204;
                return;
            case OperationKind.Patch:
                Write(container, operation, item!, current, operation.Patch!.Apply(container, operation, current));
                return;
            default:
                Write(container, operation, item!, current, operation.Body!);
                return;
        }
    }

    private (Item? Item, ItemVersion? Version) Lookup(Container container, ItemOperation operation)
    {
        if (_staged.TryGetValue(new Key(container, operation.Key, operation.Id), out var staged))
        {
            return staged;
        }

        return container.View.ByKey.TryFind(new KeyBound(operation.Key, operation.Id), out var item) ? (item, item.Current) : default;
    }

    private void Write(Container container, ItemOperation operation, Item item, ItemVersion? before, ItemBody body)
    {
        var version = new ItemVersion(body.Json, container.LastLsn + 1, _now, body.Ttl);
        container.Layout.Fill(version.Json, item.Rid, version.Lsn, version.Timestamp);
        Record(container, item, before, version);
        operation.Version = version;
        operation.Etag = container.Layout.Etag(version);
        if (before is null)
        {
            operation.Charge = RequestCharge.Create(container.Definition.Indexing, version.Json.Length, body.Values);
        }
        else
        {
            operation.Updated = (container, before);
        }

        operation.Status = before is null ? 201 : 200;
    }

    private void Record(Container container, Item item, ItemVersion? before, ItemVersion? after)
    {
        var lsn = container.LastLsn + 1;
        if (after is not null)
        {
            LogRecords.PutItem(Log, container.Number, item, after);
        }
        else
        {
            LogRecords.DeleteItem(Log, container.Number, item.Rid, lsn);
        }

        _changes.Add(new StagedChange(container, item, before, after));
        _staged[new Key(container, item.Key, item.Id)] = (item, after);
        container.LastLsn = lsn;
    }
}
