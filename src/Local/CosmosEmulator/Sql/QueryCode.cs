using System.Buffers;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <param name="Value">The collection; for a subquery null.</param>
/// <param name="IsItem">The item itself: already in its slot.</param>
internal sealed record SourceCode(Eval? Value, int Slot, bool Iterate, bool IsItem, QueryCode? Subquery);

/// <param name="CountsItems">The only result is how many items pass WHERE.</param>
internal sealed record GroupCode(
    IReadOnlyList<(Eval Value, int Slot)> Keys,
    IReadOnlyList<(AggregateKind Kind, Eval Argument, int Slot)> Aggregates,
    bool CountsItems);

/// <param name="Path">The property path, from the item.</param>
internal sealed record OrderCode(Eval Value, IReadOnlyList<string> Path, bool Descending, int At);

/// <summary>A compiled query, the outermost one or a subquery.</summary>
internal sealed class QueryCode
{
    public required IReadOnlyList<SourceCode> Sources { get; init; }

    public required Test? Where { get; init; }

    /// <summary>What WHERE says about the items worth reading; only of the outermost query.</summary>
    public required Access? Access { get; init; }

    /// <summary>What indexes alone can tell about WHERE; of aggregate queries.</summary>
    public required IndexTest? IndexTest { get; init; }

    /// <summary>How many conditions WHERE joins with AND.</summary>
    public required int Conditions { get; init; }

    /// <summary>The output is the item as it is stored: SELECT *, SELECT VALUE c.</summary>
    public required bool Star { get; init; }

    /// <summary>SELECT VALUE, else the list.</summary>
    public required Eval? SelectValue { get; init; }

    public required IReadOnlyList<(JsonValue Name, Eval Value)> SelectList { get; init; }

    public required GroupCode? Group { get; init; }

    public required bool Distinct { get; init; }

    public required Eval? Top { get; init; }

    public required Eval? Offset { get; init; }

    public required Eval? Limit { get; init; }

    public required IReadOnlyList<OrderCode> OrderBy { get; init; }

    /// <summary>Calls back for every combination of the sources that passes WHERE, until the answer is false.</summary>
    public bool Each(Row row, Func<bool> found) => Each(row, 0, found);

    private bool Each(Row row, int index, Func<bool> found)
    {
        if (index == Sources.Count)
        {
            return (Where is not null && Where(row) != Truth.True) || found();
        }

        var source = Sources[index];
        if (source.IsItem)
        {
            return Each(row, index + 1, found);
        }

        if (source.Subquery is { } subquery)
        {
            foreach (var value in subquery.Values(row))
            {
                if (!(source.Iterate ? EachElement(row, index, value, found) : Bind(row, index, value, found)))
                {
                    return false;
                }
            }

            return true;
        }

        var collection = source.Value!(row);
        return source.Iterate ? EachElement(row, index, collection, found)
            : collection.IsUndefined || Bind(row, index, collection, found);
    }

    private bool EachElement(Row row, int index, JsonValue collection, Func<bool> found)
    {
        foreach (var element in collection.EnumerateArray())
        {
            if (!Bind(row, index, element, found))
            {
                return false;
            }
        }

        return true;
    }

    private bool Bind(Row row, int index, JsonValue value, Func<bool> found)
    {
        row.Slots[Sources[index].Slot] = value;
        return Each(row, index + 1, found);
    }

    /// <summary>Writes the output for the row as it stands; false when it is undefined.</summary>
    public bool Write(Row row, IBufferWriter<byte> to)
    {
        if (Star)
        {
            row.Slots[Row.Root].WriteTo(to);
            return true;
        }

        if (SelectValue is not null)
        {
            var value = SelectValue(row);
            value.WriteTo(to);
            return !value.IsUndefined;
        }

        to.Write("{"u8);
        var first = true;
        foreach (var (name, eval) in SelectList)
        {
            var value = eval(row);
            if (value.IsUndefined)
            {
                continue;
            }

            if (!first)
            {
                to.Write(","u8);
            }

            first = false;
            name.WriteTo(to);
            to.Write(":"u8);
            value.WriteTo(to);
        }

        to.Write("}"u8);
        return true;
    }

    public JsonValue Output(Row row)
    {
        if (Star)
        {
            return row.Slots[Row.Root];
        }

        if (SelectValue is not null)
        {
            return SelectValue(row);
        }

        var to = new ArrayBufferWriter<byte>();
        Write(row, to);
        return JsonValue.OfWritten(to);
    }

    /// <summary>All results of a subquery for the row as it stands; at most <paramref name="limit"/>.</summary>
    public List<JsonValue> Values(Row row, int limit = int.MaxValue)
    {
        var results = new List<JsonValue>();
        limit = Math.Min(limit, Count(Top, row) ?? int.MaxValue);
        var seen = Distinct ? new HashSet<JsonValue>() : null;
        bool Take(JsonValue value)
        {
            if (!value.IsUndefined && seen?.Add(value) != false)
            {
                results.Add(value);
            }

            return results.Count < limit;
        }

        if (limit <= 0)
        {
            return results;
        }

        if (Group is null)
        {
            Each(row, () => Take(Output(row)));
            return results;
        }

        var groups = new GroupTable(Group);
        Each(row, () =>
        {
            groups.Add(row, 0);
            return true;
        });
        foreach (var group in groups.Finish())
        {
            groups.Put(group, row);
            if (!Take(Output(row)))
            {
                break;
            }
        }

        return results;
    }

    /// <summary>The value of TOP, OFFSET or LIMIT; null when the query has none.</summary>
    public static int? Count(Eval? eval, Row row)
    {
        if (eval is null)
        {
            return null;
        }

        var value = eval(row);
        return value.TryGetInteger(out var count) && count is >= 0 and <= int.MaxValue
            ? (int)count
            : throw new SqlException($"TOP, OFFSET and LIMIT take a whole number that is not negative, not {value}.");
    }
}
