using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal enum AggregateKind
{
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

/// <summary>
/// One running aggregate. Undefined values are skipped; SUM and AVG of anything but numbers are undefined, MIN and MAX go by
/// the cross-type order of primitive values and are undefined once an array or object is met.
/// </summary>
internal sealed class Aggregator(AggregateKind kind)
{
    private long _count;
    private double _sum;
    private bool _spoilt;
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
            _ => null,
        };
        kind = found.GetValueOrDefault();
        return found is not null;
    }

    public void Add(in JsonValue value)
    {
        if (value.IsUndefined)
        {
            return;
        }

        _count++;
        switch (kind)
        {
            case AggregateKind.Count:
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

    /// <summary>Adds what another thread has seen of the items behind ours.</summary>
    public void Merge(Aggregator other)
    {
        _count += other._count;
        _sum += other._sum;
        _spoilt |= other._spoilt;
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
        AggregateKind.Count => JsonValue.Of(_count),
        AggregateKind.Sum => _spoilt ? default : JsonValue.Of(_sum),
        AggregateKind.Avg => _spoilt || _count == 0 ? default : JsonValue.Of(_sum / _count),
        _ => _spoilt ? default : _extreme,
    };
}
