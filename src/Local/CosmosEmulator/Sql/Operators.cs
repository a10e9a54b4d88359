using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>The operators on values. Undefined goes through; so does an operand of the wrong type.</summary>
internal static class Operators
{
    public static Truth Equal(in JsonValue a, in JsonValue b) =>
        a.IsUndefined || b.IsUndefined ? Truth.Undefined : a.Equals(b) ? Truth.True : Truth.False;

    public static Truth Not(Truth truth) => truth switch
    {
        Truth.True => Truth.False,
        Truth.False => Truth.True,
        _ => Truth.Undefined,
    };

    /// <summary>Order exists within null, booleans, numbers and strings; anything else is undefined.</summary>
    public static bool TryCompare(in JsonValue a, in JsonValue b, out int order)
    {
        var comparable = a.Kind == b.Kind
            ? a.Kind is not (JsonKind.Undefined or JsonKind.Array or JsonKind.Object)
            : a.IsBoolean && b.IsBoolean;
        order = comparable ? JsonValue.Compare(a, b) : 0;
        return comparable;
    }

    public static Truth Order(BinaryOp op, in JsonValue a, in JsonValue b)
    {
        if (!TryCompare(a, b, out var order))
        {
            return Truth.Undefined;
        }

        var holds = op switch
        {
            BinaryOp.Less => order < 0,
            BinaryOp.LessOrEqual => order <= 0,
            BinaryOp.Greater => order > 0,
            _ => order >= 0,
        };
        return holds ? Truth.True : Truth.False;
    }

    public static JsonValue Arithmetic(BinaryOp op, in JsonValue a, in JsonValue b)
    {
        if (op == BinaryOp.Concat)
        {
            return Concat(a, b);
        }

        if (a.Kind != JsonKind.Number || b.Kind != JsonKind.Number)
        {
            return default;
        }

        double x = a.Number, y = b.Number;
        return op switch
        {
            BinaryOp.Add => JsonValue.Of(x + y),
            BinaryOp.Subtract => JsonValue.Of(x - y),
            BinaryOp.Multiply => JsonValue.Of(x * y),
            BinaryOp.Divide => JsonValue.Of(x / y),
            BinaryOp.Modulo => JsonValue.Of(x % y),
            BinaryOp.BitAnd => JsonValue.Of((long)(ToInt32(x) & ToInt32(y))),
            BinaryOp.BitOr => JsonValue.Of((long)(ToInt32(x) | ToInt32(y))),
            BinaryOp.BitXor => JsonValue.Of((long)(ToInt32(x) ^ ToInt32(y))),
            BinaryOp.ShiftLeft => JsonValue.Of((long)(ToInt32(x) << (ToInt32(y) & 31))),
            BinaryOp.ShiftRight => JsonValue.Of((long)(ToInt32(x) >> (ToInt32(y) & 31))),
            _ => JsonValue.Of((long)((uint)ToInt32(x) >> (ToInt32(y) & 31))),
        };
    }

    public static JsonValue Unary(UnaryOp op, in JsonValue value) => value.Kind != JsonKind.Number ? default : op switch
    {
        UnaryOp.Minus => JsonValue.Of(-value.Number),
        UnaryOp.BitNot => JsonValue.Of((long)~ToInt32(value.Number)),
        _ => value,
    };

    /// <summary>Bitwise operators work on 32 bits, as in JavaScript.</summary>
    private static int ToInt32(double value)
    {
        var modulo = Math.Truncate(value) % 4294967296.0;
        return unchecked((int)(uint)(long)modulo);
    }

    public static JsonValue Concat(in JsonValue a, in JsonValue b)
    {
        if (a.Kind != JsonKind.String || b.Kind != JsonKind.String)
        {
            return default;
        }

        var left = a.StringUtf8;
        var right = b.StringUtf8;
        var joined = new byte[left.Length + right.Length];
        left.CopyTo(joined);
        right.CopyTo(joined.AsSpan(left.Length));
        return JsonValue.OfUtf8(joined);
    }

    /// <summary><c>value[index]</c>: a string index into an object, a number into an array.</summary>
    public static JsonValue Member(in JsonValue of, in JsonValue index) => (of.Kind, index.Kind) switch
    {
        (JsonKind.Object, JsonKind.String) => of[index.StringUtf8],
        (JsonKind.Array, JsonKind.Number) when index.TryGetInteger(out var at) && at is >= 0 and <= int.MaxValue => of[(int)at],
        _ => default,
    };
}
