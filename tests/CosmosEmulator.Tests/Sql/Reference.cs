using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>An expression that prints itself as SQL and evaluates itself in the plainest way, without any code of the engine.</summary>
internal abstract record Node
{
    /// <summary>Stands for undefined; JSON null is a C# null.</summary>
    public static readonly object Undefined = new();

    public abstract object? Eval(JsonObject item, JsonNode? element);

    // The casts keep bool, double and string from becoming JsonNodes again, which convert from all of them.
    public static object? Read(JsonNode? node) => node switch
    {
        null => null,
        JsonValue value => value.GetValueKind() switch
        {
            JsonValueKind.True => (object)true,
            JsonValueKind.False => false,
            JsonValueKind.Number => double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture),
            _ => value.GetValue<string>(),
        },
        _ => (object)node,
    };

    public static int Rank(object? value) => value switch
    {
        null => 1,
        false => 2,
        true => 3,
        double => 4,
        string => 5,
        JsonArray => 6,
        JsonObject => 7,
        _ => 0,
    };

    /// <summary>Cosmos's cross-type order.</summary>
    public static int Compare(object? a, object? b) => (a, b) switch
    {
        (double x, double y) => x.CompareTo(y),
        (string x, string y) => string.CompareOrdinal(x, y),
        (JsonArray x, JsonArray y) => x.Zip(y, (i, j) => Compare(Read(i), Read(j))).FirstOrDefault(o => o != 0, x.Count.CompareTo(y.Count)),
        (JsonObject x, JsonObject y) => CompareObjects(x, y),
        _ => Rank(a).CompareTo(Rank(b)),
    };

    private static int CompareObjects(JsonObject a, JsonObject b)
    {
        var left = a.OrderBy(p => p.Key, StringComparer.Ordinal).ToList();
        var right = b.OrderBy(p => p.Key, StringComparer.Ordinal).ToList();
        return left.Zip(right, (x, y) => string.CompareOrdinal(x.Key, y.Key) is not 0 and var names ? names : Compare(Read(x.Value), Read(y.Value)))
            .FirstOrDefault(o => o != 0, left.Count.CompareTo(right.Count));
    }

    public static string Json(object? value) => value switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        double d => d.ToString("R", CultureInfo.InvariantCulture),
        string s => JsonSerializer.Serialize(s),
        JsonNode n => n.ToJsonString(),
        _ => throw new InvalidOperationException("undefined has no JSON"),
    };
}

internal sealed record Constant(object? Value) : Node
{
    public override object? Eval(JsonObject item, JsonNode? element) => Value;

    public override string ToString() => ReferenceEquals(Value, Undefined) ? "undefined" : Json(Value);
}

/// <summary>A path from the item, or the element of the JOIN when there are no names.</summary>
internal sealed record PathOf(params string[] Names) : Node
{
    public override object? Eval(JsonObject item, JsonNode? element)
    {
        if (Names.Length == 0)
        {
            return Read(element);
        }

        JsonNode? at = item;
        foreach (var name in Names)
        {
            if (at is not JsonObject o || !o.TryGetPropertyValue(name, out at))
            {
                return Undefined;
            }
        }

        return Read(at);
    }

    public override string ToString() => Names.Length == 0 ? "t" : "c." + string.Join('.', Names);
}

internal sealed record Operation(string Op, params Node[] Operands) : Node
{
    public override string ToString() => Op switch
    {
        "NOT" => $"(NOT {Operands[0]})",
        "BETWEEN" => $"({Operands[0]} BETWEEN {Operands[1]} AND {Operands[2]})",
        "IN" => $"({Operands[0]} IN ({string.Join(", ", Operands.Skip(1))}))",
        "?:" => $"({Operands[0]} ? {Operands[1]} : {Operands[2]})",
        _ when char.IsLetter(Op[0]) && Op is not ("AND" or "OR") => $"{Op}({string.Join(", ", (object[])Operands)})",
        _ => $"({Operands[0]} {Op} {Operands[1]})",
    };

    public override object? Eval(JsonObject item, JsonNode? element)
    {
        var v = Operands.Select(o => o.Eval(item, element)).ToArray();
        switch (Op)
        {
            case "AND":
                return v.Contains(false) ? false : v.All(x => x is true) ? true : Undefined;
            case "OR":
                return v.Contains(true) ? true : v.All(x => x is false) ? false : Undefined;
            case "NOT":
                return v[0] is bool b ? !b : Undefined;
            case "=":
                return IsUndefined(v[0]) || IsUndefined(v[1]) ? Undefined : Compare(v[0], v[1]) == 0;
            case "!=":
                return IsUndefined(v[0]) || IsUndefined(v[1]) ? Undefined : Compare(v[0], v[1]) != 0;
            case "<" or "<=" or ">" or ">=":
                return Ordered(Op, v[0], v[1]);
            case "BETWEEN":
                return new Operation("AND", new Constant(Ordered(">=", v[0], v[1])), new Constant(Ordered("<=", v[0], v[2]))).Eval(item, element);
            case "IN":
                return IsUndefined(v[0]) ? Undefined : v.Skip(1).Any(x => !IsUndefined(x) && Compare(v[0], x) == 0);
            case "+":
                return v[0] is double x1 && v[1] is double x2 ? x1 + x2 : Undefined;
            case "??":
                return IsUndefined(v[0]) ? v[1] : v[0];
            case "?:":
                return v[0] is true ? v[1] : v[2];
            case "IS_DEFINED":
                return !IsUndefined(v[0]);
            case "IS_NUMBER":
                return v[0] is double;
            case "IS_NULL":
                return v[0] is null;
            case "STARTSWITH":
                return v[0] is string text && v[1] is string prefix ? text.StartsWith(prefix, StringComparison.Ordinal) : Undefined;
            case "ARRAY_CONTAINS":
                return IsUndefined(v[0]) || IsUndefined(v[1]) ? Undefined : v[0] is JsonArray array && array.Any(e => Compare(Read(e), v[1]) == 0);
            default:
                throw new InvalidOperationException(Op);
        }
    }

    private static bool IsUndefined(object? value) => ReferenceEquals(value, Undefined);

    private static object Ordered(string op, object? a, object? b)
    {
        var comparable = (a is bool && b is bool) || (Rank(a) == Rank(b) && Rank(a) is 1 or 4 or 5);
        if (!comparable)
        {
            return Undefined;
        }

        var order = Compare(a, b);
        return op switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
    }
}

/// <summary>Some element of c.arr fulfils a condition.</summary>
internal sealed record SomeElement(Node Condition) : Node
{
    public override string ToString() => $"EXISTS(SELECT VALUE t FROM t IN c.arr WHERE {Condition})";

    public override object? Eval(JsonObject item, JsonNode? element) => (item["arr"] as JsonArray ?? []).Any(e => Condition.Eval(item, e) is true);
}

internal enum Shape
{
    Value,
    List,
    Distinct,
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Group,
}

internal sealed record RandomQuery(Shape Shape, Node Output, Node? Where, bool Join, PathOf? OrderBy, bool Descending, int? Top, (int Offset, int Limit)? Range)
{
    public string Sql
    {
        get
        {
            var top = Top is { } n ? $"TOP {n} " : "";
            var select = Shape switch
            {
                Shape.Value => $"{top}VALUE {Output}",
                Shape.List => $"{top}c.id, {Output} AS o",
                Shape.Distinct => $"DISTINCT {top}VALUE {Output}",
                Shape.Group => $"{top}c.a, COUNT(1) AS n, MAX({Output}) AS m",
                _ => $"VALUE {Shape.ToString().ToUpperInvariant()}({Output})",
            };
            return $"SELECT {select} FROM c{(Join ? " JOIN t IN c.arr" : "")}"
                + (Where is null ? "" : $" WHERE {Where}")
                + (Shape == Shape.Group ? " GROUP BY c.a" : "")
                + (OrderBy is null ? "" : $" ORDER BY {OrderBy}{(Descending ? " DESC" : "")}")
                + (Range is { } r ? $" OFFSET {r.Offset} LIMIT {r.Limit}" : "");
        }
    }

    public string Answer(IReadOnlyList<JsonObject> items)
    {
        var rows = items.Select((item, rid) => (item, rid))
            .SelectMany(p => Join ? (p.item["arr"] as JsonArray ?? []).Select((e, i) => (p.item, element: e, p.rid, i)) : [(p.item, element: null, p.rid, 0)])
            .Where(p => Where is null || Where.Eval(p.item, p.element) is true)
            .ToList();
        if (OrderBy is not null)
        {
            rows.Sort((x, y) =>
            {
                // Arrays and objects have no order among themselves.
                var (a, b) = (OrderBy.Eval(x.item, null), OrderBy.Eval(y.item, null));
                var order = Node.Rank(a) >= 6 ? Node.Rank(a).CompareTo(Node.Rank(b)) : Node.Compare(a, b);
                order = order != 0 ? order : x.rid.CompareTo(y.rid);
                return order != 0 ? (Descending ? -order : order) : x.i.CompareTo(y.i);
            });
        }

        IEnumerable<string> results = Shape switch
        {
            Shape.List => rows.Select(r => (r.item, value: Output.Eval(r.item, r.element)))
                .Select(r => IsDefined(r.value) ? $"{{\"id\":{Node.Json(Node.Read(r.item["id"]))},\"o\":{Node.Json(r.value)}}}" : $"{{\"id\":{Node.Json(Node.Read(r.item["id"]))}}}"),
            Shape.Value => Values(rows).Select(Node.Json),
            Shape.Distinct => Values(rows).Select(Node.Json).Distinct(),
            Shape.Group => rows.GroupBy(r => new PathOf("a").Eval(r.item, null) is var key && IsDefined(key) ? Node.Json(key) : "").Select(g =>
            {
                var max = Aggregate(Shape.Max, Values([.. g]));
                return "{" + (g.Key.Length > 0 ? $"\"a\":{g.Key}," : "") + $"\"n\":{g.Count()}" + (IsDefined(max) ? $",\"m\":{Node.Json(max)}" : "") + "}";
            }),
            _ => new[] { Aggregate(Shape, Values(rows)) }.Where(IsDefined).Select(Node.Json),
        };
        results = Range is { } range ? results.Skip(range.Offset).Take(range.Limit) : results;
        return $"[{string.Join(",", Top is { } n ? results.Take(n) : results)}]";
    }

    private List<object?> Values(List<(JsonObject Item, JsonNode? Element, int Rid, int I)> rows) =>
        [.. rows.Select(r => Output.Eval(r.Item, r.Element)).Where(IsDefined)];

    private static bool IsDefined(object? value) => !ReferenceEquals(value, Node.Undefined);

    private static object? Aggregate(Shape shape, List<object?> values)
    {
        switch (shape)
        {
            case Shape.Count:
                return (double)values.Count;
            case Shape.Sum:
                return values.All(v => v is double) ? values.Sum(v => (double)v!) : Node.Undefined;
            case Shape.Avg:
                return values.Count > 0 && values.All(v => v is double) ? values.Average(v => (double)v!) : Node.Undefined;
            default:
                if (values.Count == 0 || values.Exists(v => v is JsonNode))
                {
                    return Node.Undefined;
                }

                values.Sort(Node.Compare);
                return shape == Shape.Min ? values[0] : values[^1];
        }
    }
}
