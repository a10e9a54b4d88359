using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal static class ArrayFunctions
{
    public static readonly Dictionary<string, Function> All = new()
    {
        ["ARRAY_CONCAT"] = new(2, -1, Concat),
        ["ARRAY_CONTAINS"] = new(2, 3, Contains),
        ["ARRAY_CONTAINS_ALL"] = Several(all: true),
        ["ARRAY_CONTAINS_ANY"] = Several(all: false),
        ["ARRAY_LENGTH"] = new(1, 1, a => a[0].Kind == JsonKind.Array ? JsonValue.Of((long)a[0].ArrayLength) : default),
        ["ARRAY_SLICE"] = new(2, 3, Slice),
        ["ARRAY_SUM"] = Numbers(numbers => numbers.Sum(), 0),
        ["ARRAY_AVG"] = Numbers(numbers => numbers.Average(), null),
        ["ARRAY_MEDIAN"] = Numbers(Median, null),
        ["ARRAY_MIN"] = new(1, 1, a => Extreme(a[0], -1)),
        ["ARRAY_MAX"] = new(1, 1, a => Extreme(a[0], 1)),
        ["CHOOSE"] = new(2, -1, a => a[0].TryGetInteger(out var index) && index >= 1 && index < a.Length ? a[(int)index] : default),
        ["OBJECTTOARRAY"] = new(1, 3, ObjectToArray),
        ["SETINTERSECT"] = new(2, 2, a => a[0].Kind == JsonKind.Array && a[1].Kind == JsonKind.Array ? Intersect(a[0], a[1]) : default),
        ["SETUNION"] = new(2, 2, a => a[0].Kind == JsonKind.Array && a[1].Kind == JsonKind.Array
            ? JsonValue.ArrayOf(a[0].EnumerateArray().ToList().Concat(a[1].EnumerateArray().ToList()).Distinct())
            : default),
        ["SETDIFFERENCE"] = new(2, 2, a => a[0].Kind == JsonKind.Array && a[1].Kind == JsonKind.Array
            ? JsonValue.ArrayOf(a[0].EnumerateArray().ToList().Except(a[1].EnumerateArray().ToList()))
            : default),
        ["SETEQUAL"] = new(2, 2, a => a[0].Kind == JsonKind.Array && a[1].Kind == JsonKind.Array
            ? JsonValue.Of(a[0].EnumerateArray().ToList().ToHashSet().SetEquals(a[1].EnumerateArray().ToList()))
            : default),
    };

    private static JsonValue Concat(ReadOnlySpan<JsonValue> a)
    {
        var items = new List<JsonValue>();
        foreach (var array in a)
        {
            if (array.Kind != JsonKind.Array)
            {
                return default;
            }

            items.AddRange(array.EnumerateArray().ToList());
        }

        return JsonValue.ArrayOf(items);
    }

    private static JsonValue Contains(ReadOnlySpan<JsonValue> a)
    {
        if (a[0].Kind != JsonKind.Array || a[1].IsUndefined || (a.Length == 3 && !a[2].IsBoolean))
        {
            return a[0].Kind == JsonKind.Undefined || a[1].IsUndefined || a.Length == 3 ? default : JsonValue.False;
        }

        var partial = a.Length == 3 && a[2].Kind == JsonKind.True;
        foreach (var item in a[0].EnumerateArray())
        {
            if (item.Equals(a[1]) || (partial && IsPart(a[1], item)))
            {
                return JsonValue.True;
            }
        }

        return JsonValue.False;
    }

    /// <summary>Whether an object has at least the properties of another.</summary>
    private static bool IsPart(in JsonValue part, in JsonValue whole)
    {
        if (part.Kind != JsonKind.Object || whole.Kind != JsonKind.Object)
        {
            return part.Equals(whole);
        }

        foreach (var property in part.EnumerateObject())
        {
            if (!whole.TryGetProperty(property.Name.StringUtf8, out var value) || !value.Equals(property.Value))
            {
                return false;
            }
        }

        return true;
    }

    private static Function Several(bool all) => new(2, -1, a =>
    {
        if (a[0].Kind != JsonKind.Array)
        {
            return default;
        }

        var items = a[0].EnumerateArray().ToList().ToHashSet();
        var result = all;
        foreach (var wanted in a[1..])
        {
            if (wanted.IsUndefined)
            {
                return default;
            }

            result = all ? result && items.Contains(wanted) : result || items.Contains(wanted);
        }

        return JsonValue.Of(result);
    });

    private static JsonValue Slice(ReadOnlySpan<JsonValue> a)
    {
        var count = long.MaxValue;
        if (a[0].Kind != JsonKind.Array || !a[1].TryGetInteger(out var start) || (a.Length == 3 && !a[2].TryGetInteger(out count)))
        {
            return default;
        }

        var items = a[0].EnumerateArray().ToList();
        start = start < 0 ? Math.Max(start + items.Count, 0) : Math.Min(start, items.Count);
        return JsonValue.ArrayOf(items.Skip((int)start).Take((int)Math.Clamp(count, 0, items.Count)));
    }

    private static Function Numbers(Func<IReadOnlyList<double>, double> map, double? empty) => new(1, 1, a =>
    {
        if (a[0].Kind != JsonKind.Array)
        {
            return default;
        }

        var numbers = new List<double>();
        foreach (var item in a[0].EnumerateArray())
        {
            if (item.Kind != JsonKind.Number)
            {
                return default;
            }

            numbers.Add(item.Number);
        }

        return numbers.Count > 0 ? JsonValue.Of(map(numbers)) : empty is { } value ? JsonValue.Of(value) : default;
    });

    private static double Median(IReadOnlyList<double> numbers)
    {
        var sorted = numbers.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static JsonValue Extreme(in JsonValue array, int sign)
    {
        JsonValue best = default;
        foreach (var item in array.EnumerateArray())
        {
            if (item.Kind >= JsonKind.Array)
            {
                return default;
            }

            if (best.IsUndefined || JsonValue.Compare(item, best) * sign > 0)
            {
                best = item;
            }
        }

        return best;
    }

    private static JsonValue ObjectToArray(ReadOnlySpan<JsonValue> a)
    {
        var name = a.Length > 1 ? a[1] : JsonValue.Of("k");
        var value = a.Length > 2 ? a[2] : JsonValue.Of("v");
        if (a[0].Kind != JsonKind.Object || name.Kind != JsonKind.String || value.Kind != JsonKind.String)
        {
            return default;
        }

        var items = new List<JsonValue>();
        foreach (var property in a[0].EnumerateObject())
        {
            items.Add(JsonValue.ObjectOf((name, property.Name), (value, property.Value)));
        }

        return JsonValue.ArrayOf(items);
    }

    private static JsonValue Intersect(in JsonValue a, in JsonValue b)
    {
        // The order of the second, as the documentation's examples have it.
        var first = a.EnumerateArray().ToList().ToHashSet();
        return JsonValue.ArrayOf(b.EnumerateArray().ToList().Where(first.Contains).Distinct());
    }
}
