namespace XenoCrm.Local.CosmosEmulator.Sql;

internal sealed partial class Execution
{
    // Enough items to outweigh handing a chunk to another thread, few enough to balance the threads.
    private const int ChunkSize = 2048;

    /// <summary>
    /// Aggregates read everything and answer in one page: the service gives no continuation for GROUP BY. Many items are
    /// evaluated in parallel; chunks are merged in order, so that sums of doubles do not depend on the threads.
    /// </summary>
    private Continuation? Grouped()
    {
        var groups = _code.Sources.Count == 0 ? OfNoSource() : OfItems();
        foreach (var group in groups.Finish())
        {
            if (IsDone)
            {
                break;
            }

            groups.Put(group, _row);
            Emit(_row);
        }

        return null;
    }

    private GroupTable OfNoSource()
    {
        var groups = new GroupTable(_code.Group!);
        if (_code.Where is null || _code.Where(_row) == Truth.True)
        {
            groups.Add(_row, 0);
        }

        return groups;
    }

    private GroupTable OfItems()
    {
        var groups = new GroupTable(_code.Group!);
        var candidates = _planner.Choose(_code.Access) is { } some && some.Estimate < _source.EstimatedCount ? some : null;
        var reading = candidates?.Estimate ?? _source.EstimatedCount;
        var found = reading > Planner.FewItems ? new IndexSearch(_source, _planner, _row).Find(_code.IndexTest, reading) : null;
        if (found is { IsExact: true } && _code.Group!.CountsItems && _source.ExactCount is { } all)
        {
            return AddItems(found.AreOthers ? all - found.Set.Count : found.Set.Count);
        }

        var items = found is { AreOthers: true } ? _source.Scan(0).Where(i => !found.Set.Contains(i.Rid))
            : found is not null ? _source.Items(found.Set)
            : candidates?.InOrder(0) ?? _source.Scan(0);
        if (found is { IsExact: true } && _code.Group!.CountsItems)
        {
            return AddItems(items.LongCount()); // those that have not expired
        }

        using var chunks = items.Chunk(ChunkSize).GetEnumerator();
        if (!chunks.MoveNext())
        {
            return groups;
        }

        Add(groups, _row, chunks.Current);
        if (chunks.Current.Length < ChunkSize)
        {
            return groups;
        }

        var rest = Rest(chunks).AsParallel().AsOrdered()
            .WithMergeOptions(ParallelMergeOptions.NotBuffered)
            .Select(chunk =>
            {
                var part = new GroupTable(_code.Group!);
                Add(part, _row.Fresh(), chunk);
                return part;
            });
        try
        {
            foreach (var part in rest)
            {
                groups.Merge(part);
            }
        }
        catch (AggregateException e) when (e.InnerException is SqlException error)
        {
            throw new SqlException(error.Message, error.Position, error.End, error.Code);
        }

        return groups;

        GroupTable AddItems(long count)
        {
            groups.AddItems(count);
            _page.ItemsRead += (int)count;
            return groups;
        }
    }

    private static IEnumerable<StoredItem[]> Rest(IEnumerator<StoredItem[]> chunks)
    {
        while (chunks.MoveNext())
        {
            yield return chunks.Current;
        }
    }

    private void Add(GroupTable groups, Row row, StoredItem[] items)
    {
        long rid = 0, bytes = 0;
        var add = () =>
        {
            groups.Add(row, rid);
            return true;
        };
        foreach (var item in items)
        {
            rid = item.Rid;
            bytes += item.Json.Length;
            if (row.Load(item, _query.Filter))
            {
                _code.Each(row, add);
            }
        }

        lock (_page)
        {
            _page.ItemsRead += items.Length;
            _page.BytesRead += bytes;
        }
    }
}
