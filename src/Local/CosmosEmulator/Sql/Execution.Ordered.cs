using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal sealed partial class Execution
{
    // Without anything to judge WHERE by, one item in ten is taken to match.
    private const int UnknownSelectivity = 10;

    /// <summary>A row to be sorted: its keys, its item, and the variables when there are more than the item itself.</summary>
    private sealed record Sorted(JsonValue[] Keys, StoredItem Item, int Number, JsonValue[]? Slots);

    // Rows up to here were returned: the end of the last page, or of what was sorted so far.
    private Continuation? _after;

    private Continuation? Ordered()
    {
        _after = _from;
        CheckOrder();
        if (_code.OrderBy.Count == 1 && _seen is null && Walk() is { } items)
        {
            return Walked(items);
        }

        var candidates = _planner.Choose(_code.Access);
        return SortedRows(candidates is not null && candidates.Estimate < _source.EstimatedCount ? candidates : null);
    }

    private void CheckOrder()
    {
        foreach (var order in _code.OrderBy)
        {
            var path = PathTree.PolicyPath(order.Path) + "/?";
            if (path is not (PathCondition.Id or "/_ts/?") && !_source.IsIncluded(path))
            {
                throw new SqlException("The index path corresponding to the specified order-by item is excluded.", order.At, code: "SC2207");
            }
        }

        if (_code.OrderBy.Count > 1
            && !_source.HasCompositeIndex([.. _code.OrderBy.Select(o => (PathTree.PolicyPath(o.Path), o.Descending))]))
        {
            throw new SqlException(
                "The order by query does not have a corresponding composite index that it can be served from.", _code.OrderBy[0].At, code: "SC2208");
        }
    }

    private JsonValue[] Keys()
    {
        var keys = new JsonValue[_code.OrderBy.Count];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = _code.OrderBy[i].Value(_row).Decoded();
        }

        return keys;
    }

    private int Compare(IReadOnlyList<JsonValue> a, long aRid, int aNumber, IReadOnlyList<JsonValue> b, long bRid, int bNumber)
    {
        for (var i = 0; i < a.Count; i++)
        {
            // Arrays and objects have no order among themselves: an index does not keep one either.
            var order = a[i].Kind == b[i].Kind && a[i].Kind >= JsonKind.Array ? 0 : JsonValue.Compare(a[i], b[i]);
            if (order != 0)
            {
                return _code.OrderBy[i].Descending ? -order : order;
            }
        }

        // Equal keys come as an index walk gives them, so that both ways may serve the pages of one query.
        var rids = aRid.CompareTo(bRid);
        return rids != 0 ? (_code.OrderBy[0].Descending ? -rids : rids) : aNumber.CompareTo(bNumber);
    }

    private bool IsBehindStart(IReadOnlyList<JsonValue> keys, long rid, int number) =>
        _after is null || Compare(keys, rid, number, _after.Keys, _after.Rid, _after.Rows) > 0;

    /// <summary>The items in sorted order from an index, when reading them until the page is full costs less than sorting.</summary>
    private IEnumerable<StoredItem>? Walk()
    {
        var order = _code.OrderBy[0];
        var path = PathTree.PolicyPath(order.Path) + "/?";
        if (_planner.Bounds(_code.Access, path) is not { } interval)
        {
            return [];
        }

        if (_from is { Keys: [var last] })
        {
            var rest = order.Descending ? new Interval(null, true, last, true) : new Interval(last, true, null, true);
            if (interval.Intersect(rest) is not { } left)
            {
                return [];
            }

            interval = left;
        }

        if (path == PathCondition.Id)
        {
            return IsWalkCheaper(path, _source.EstimatedCount, _source.EstimatedCount) ? Planner.ById(_source, interval, order.Descending) : null;
        }

        return _source.EstimatedCount > Planner.FewItems && _source.FindIndex(path) is { } index
            && IsWalkCheaper(
                path, index.EstimateCount(interval.Lower, interval.LowerInclusive, interval.Upper, interval.UpperInclusive), index.EstimateCount(null, true, null, true))
            ? index.Range(interval.Lower, interval.LowerInclusive, interval.Upper, interval.UpperInclusive, order.Descending)
            : null;
    }

    /// <summary>
    /// A walk reads as many items as it takes until enough of them fulfil the conditions on other paths; the alternative
    /// reads all that fulfil those, and sorts them.
    /// </summary>
    /// <param name="walked">All entries of what is walked: an index has those of every partition, also for a query of one.</param>
    private bool IsWalkCheaper(string path, long range, long walked)
    {
        var count = Math.Max(1L, _source.EstimatedCount);
        var (others, own) = Planner.Split(_code.Access, path);
        var candidates = _planner.Choose(others);
        var matching = Math.Min(count, candidates?.Estimate ?? (_code.Conditions > own ? count / UnknownSelectivity : count));
        var reading = Math.Min(candidates?.Estimate ?? count, count);
        var wanted = Math.Min(_page.Limit, _limit - _returned ?? int.MaxValue) + (long)_offsetLeft;
        return Math.Min(range, wanted * Math.Max(walked, count) / Math.Max(1, matching)) <= reading;
    }

    private Continuation? Walked(IEnumerable<StoredItem> items)
    {
        Sorted? last = null;
        foreach (var item in items)
        {
            var more = false;
            var number = 0;
            Read(item);
            if (!_row.Load(item, _query.Filter))
            {
                continue;
            }

            _code.Each(_row, () =>
            {
                // Keys come from the item as it is now: an index may lag behind it, a page must not go back.
                var keys = Keys();
                if (IsBehindStart(keys, item.Rid, number))
                {
                    if (_page.IsFull)
                    {
                        more = true;
                        return false;
                    }

                    _query.Rest.Extract(item.Json, _row);
                    Emit(_row);
                    last = new(keys, item, number, null);
                }

                number++;
                return !IsDone;
            });
            if (IsDone)
            {
                return null;
            }

            if (more)
            {
                return After(last!);
            }
        }

        return null;
    }

    private Continuation After(Sorted row) => new(row.Item.Rid, row.Number, row.Keys, _offsetLeft, _returned);

    private Continuation? SortedRows(Candidates? candidates)
    {
        while (true)
        {
            var rows = Collect(candidates?.InOrder(0) ?? _source.Scan(0), out var cut);
            var last = _after;
            foreach (var row in rows)
            {
                if (_page.IsFull)
                {
                    return last;
                }

                Restore(row);
                if (_seen is not null && !IsBehindStart(row.Keys, row.Item.Rid, row.Number))
                {
                    _seen.Add(_code.Output(_row));
                    continue;
                }

                Emit(_row);
                last = After(row);
                if (IsDone)
                {
                    return null;
                }
            }

            if (!cut)
            {
                return null;
            }

            // Rows without a value were dropped (SELECT VALUE), so those sorted did not fill the page.
            _after = last;
        }
    }

    private void Restore(Sorted row)
    {
        if (row.Slots is not null)
        {
            row.Slots.CopyTo(_row.Slots, 0);
        }
        else
        {
            _row.Load(row.Item, _query.Filter);
        }

        _query.Rest.Extract(row.Item.Json, _row);
    }

    /// <summary>The first rows in order: as many as the page can take (all when DISTINCT may drop any of them).</summary>
    private List<Sorted> Collect(IEnumerable<StoredItem> items, out bool cut)
    {
        var dropped = false;
        var wanted = _seen is not null ? int.MaxValue
            : (int)Math.Min(int.MaxValue, (long)_offsetLeft + Math.Min(_page.Limit, _limit - _returned ?? int.MaxValue) + 1);
        var comparer = Comparer<Sorted>.Create((a, b) => Compare(a.Keys, a.Item.Rid, a.Number, b.Keys, b.Item.Rid, b.Number));
        var reverse = Comparer<Sorted>.Create((a, b) => comparer.Compare(b, a));

        // The worst row kept is on top, and goes when a better one comes.
        var best = new PriorityQueue<Sorted, Sorted>(reverse);
        var single = _code.Sources.Count == 1;
        foreach (var item in items)
        {
            Read(item);
            if (!_row.Load(item, _query.Filter))
            {
                continue;
            }

            var number = 0;
            _code.Each(_row, () =>
            {
                var keys = Keys();
                if (_seen is not null || IsBehindStart(keys, item.Rid, number))
                {
                    var row = new Sorted(keys, item, number, single ? null : (JsonValue[])_row.Slots.Clone());
                    if (best.Count < wanted)
                    {
                        best.Enqueue(row, row);
                    }
                    else
                    {
                        dropped = true;
                        if (comparer.Compare(row, best.Peek()) < 0)
                        {
                            best.DequeueEnqueue(row, row);
                        }
                    }
                }

                number++;
                return true;
            });
        }

        cut = dropped;
        var rows = best.UnorderedItems.Select(i => i.Element).ToList();
        rows.Sort(comparer);
        return rows;
    }
}
