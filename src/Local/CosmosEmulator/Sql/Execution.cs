using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>One page of one query. Rows come in the order their items were stored unless ORDER BY says otherwise.</summary>
internal sealed partial class Execution
{
    private readonly CompiledQuery _query;
    private readonly QueryCode _code;
    private readonly IQuerySource _source;
    private readonly Row _row;
    private readonly Planner _planner;
    private readonly Continuation? _from;
    private readonly Page _page;
    private readonly HashSet<JsonValue>? _seen;

    // Rows still to skip and to return, over all pages.
    private readonly int? _limit;
    private int _offsetLeft;
    private int _returned;

    public Execution(CompiledQuery query, IQuerySource source, Row row, int maxItems, Continuation? from)
    {
        _query = query;
        _code = query.Code;
        _source = source;
        _row = row;
        _planner = new Planner(source, row);
        _from = from;
        _page = new Page(maxItems);
        _limit = QueryCode.Count(_code.Top ?? _code.Limit, row);
        _offsetLeft = from?.OffsetLeft ?? QueryCode.Count(_code.Offset, row) ?? 0;
        _returned = from?.Returned ?? 0;
        _seen = _code.Distinct ? [] : null;
    }

    public QueryPage Run()
    {
        var next = _limit == 0 ? null
            : _code.Group is not null ? Grouped()
            : _code.Sources.Count == 0 ? Constant()
            : _code.OrderBy.Count > 0 ? Ordered()
            : Plain();
        return new(_page.Documents(), next?.Encode(_query.Fingerprint), _page.ItemsRead, _page.BytesRead);
    }

    private bool IsDone => _returned >= (_limit ?? int.MaxValue);

    private Continuation? Constant()
    {
        if (_code.Where is null || _code.Where(_row) == Truth.True)
        {
            Emit(_row);
        }

        return null;
    }

    /// <summary>Takes the row as it stands to the page, or skips it: a duplicate, one of OFFSET, one without output.</summary>
    private void Emit(Row row)
    {
        if (_seen is not null)
        {
            var value = _code.Output(row);
            if (value.IsUndefined || !_seen.Add(value))
            {
                return;
            }
        }

        if (_offsetLeft > 0)
        {
            // A row without output does not count.
            _offsetLeft -= _seen is null && _code.SelectValue is not null && _code.SelectValue(row).IsUndefined ? 0 : 1;
            return;
        }

        _returned += _page.Add(_code, row) ? 1 : 0;
    }

    private void Read(StoredItem item)
    {
        _page.ItemsRead++;
        _page.BytesRead += item.Json.Length;
    }

    /// <summary>
    /// Whether candidates beat a scan for one page. Those that must be sorted by rid are read whole for every page, while a
    /// scan ends when the page is full: for a wide range it reads fewer items.
    /// </summary>
    private bool IsCheaper(Candidates candidates)
    {
        const long Doubt = 4;
        var total = (long)_source.EstimatedCount;
        var scan = candidates.ByRid || _seen is not null ? total : Math.Min(total, Doubt * _page.Limit * total / Math.Max(1, candidates.Estimate));
        return candidates.Estimate < scan;
    }

    private Continuation? Plain()
    {
        // DISTINCT must know all rows before: it starts again, and returns only what follows the last page.
        var replay = _seen is not null && _from is not null;
        var start = _from is null || replay ? 0 : _from.Rows < 0 ? _from.Rid + 1 : _from.Rid;
        var candidates = _planner.Choose(_code.Access);
        var items = candidates is not null && IsCheaper(candidates) ? candidates.InOrder(start) : _source.Scan(start - 1);
        long rid = 0;
        int rows = 0, done = 0;
        var more = false;

        bool Found()
        {
            rows++;
            if (rows <= done)
            {
                Replay();
                return true;
            }

            if (_page.IsFull)
            {
                more = true;
                rows--;
                return false;
            }

            _query.Rest.Extract(_row.Slots[Row.Root].ToUtf8(), _row);
            Emit(_row);
            return !IsDone;
        }

        void Replay()
        {
            if (replay)
            {
                _query.Rest.Extract(_row.Slots[Row.Root].ToUtf8(), _row);
                _seen!.Add(_code.Output(_row));
            }
        }

        foreach (var item in items)
        {
            // One more item is known to exist, not that it matches: the last page may be empty, as in the service.
            if (_page.IsFull)
            {
                return new(rid, -1, [], _offsetLeft, _returned);
            }

            Read(item);
            rid = item.Rid;
            rows = 0;
            done = _from is null || rid > _from.Rid ? 0 : rid < _from.Rid || _from.Rows < 0 ? int.MaxValue : _from.Rows;
            if (_row.Load(item, _query.Filter))
            {
                _code.Each(_row, Found);
            }

            if (IsDone)
            {
                return null;
            }

            if (more)
            {
                return new(rid, rows, [], _offsetLeft, _returned);
            }
        }

        return null;
    }
}
