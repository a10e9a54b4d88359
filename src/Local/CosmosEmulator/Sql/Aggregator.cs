using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal enum AggregateKind
{
    Count,
    Sum,
    Avg,
    Min,
    Max,
    CountIf,
    MakeList,
    MakeSet,
}

/// <summary>
/// One running aggregate. Undefined values are skipped; SUM and AVG of anything but numbers are undefined, MIN and MAX go by
/// the cross-type order of primitive values and are undefined once an array or object is met. COUNTIF counts what is true;
/// MAKELIST gathers values in the order of the items, MAKESET each value once.
/// </summary>
internal sealed class Aggregator(AggregateKind kind)
{
    private long _count;
    private double _sum;
    private bool _spoilt;
    private readonly List<JsonValue>? _list = kind is AggregateKind.MakeList or AggregateKind.MakeSet ? [] : null;
    private readonly HashSet<JsonValue>? _set = kind == AggregateKind.MakeSet ? [] : null;
    private JsonValue _extreme;

    public static bool TryKind(string name, out AggregateKind kind)
    {
        AggregateKind? found = name.ToUpperInvariant() switch
        {
            "COUNT" => AggregateKind.Count,
            "SUM" => AggregateKind.Sum,
            "AVG" => AggregateKind.Avg,
            "MIN" => AggregateKind.Min,
            "MAX" => AggregateKind.Max,
            "COUNTIF" => AggregateKind.CountIf,
            "MAKELIST" => AggregateKind.MakeList,
            "MAKESET" => AggregateKind.MakeSet,
            _ => null,
        };
        kind = found.GetValueOrDefault();
        return found is not null;
    }

    public void Add(in JsonValue value)
    {
        if (value.IsUndefined || (kind == AggregateKind.CountIf && value.Kind != JsonKind.True))
        {
            return;
        }

        _count++;
        switch (kind)
        {
            case AggregateKind.Count or AggregateKind.CountIf:
                break;
            case AggregateKind.MakeList or AggregateKind.MakeSet:
                Gather(value);
                break;
            case AggregateKind.Sum or AggregateKind.Avg:
                _spoilt |= value.Kind != JsonKind.Number;
                _sum += value.Number;
                break;
            case AggregateKind.Min:
                _spoilt |= value.Kind >= JsonKind.Array;
                if (_extreme.IsUndefined || JsonValue.Compare(value, _extreme) < 0)
                {
                    _extreme = value.Detached();
                }

                break;
            default:
                _spoilt |= value.Kind >= JsonKind.Array;
                if (_extreme.IsUndefined || JsonValue.Compare(value, _extreme) > 0)
                {
                    _extreme = value.Detached();
                }

                break;
        }
    }

    /// <summary>Counts rows without looking at them.</summary>
    public void AddRows(long rows) => _count += rows;

    /// <summary>Adds what another thread has seen of the items behind ours.</summary>
    public void Merge(Aggregator other)
    {
        _count += other._count;
        _sum += other._sum;
        _spoilt |= other._spoilt;
        foreach (var value in other._list ?? [])
        {
            Gather(value);
        }

        if (!other._extreme.IsUndefined
            && (_extreme.IsUndefined
                || (kind == AggregateKind.Min
                    ? JsonValue.Compare(other._extreme, _extreme) < 0
                    : JsonValue.Compare(other._extreme, _extreme) > 0)))
        {
            _extreme = other._extreme;
        }
    }

    public JsonValue Result => kind switch
    {
        AggregateKind.Count or AggregateKind.CountIf => JsonValue.Of(_count),
        AggregateKind.MakeList or AggregateKind.MakeSet => JsonValue.ArrayOf(_list!),
        AggregateKind.Sum => _spoilt ? default : JsonValue.Of(_sum),
        AggregateKind.Avg => _spoilt || _count == 0 ? default : JsonValue.Of(_sum / _count),
        _ => _spoilt ? default : _extreme,
    };

    private void Gather(in JsonValue value)
    {
        if (_set is null || !_set.Contains(value))
        {
            var kept = value.Detached();
            _set?.Add(kept);
            _list!.Add(kept);
        }
    }
}
