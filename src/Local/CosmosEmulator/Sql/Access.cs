using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

// What WHERE says about the items worth reading, found once when the query is compiled. The values come with the parameters.

internal abstract record Access;

/// <summary>Every condition holds: the narrowest is used.</summary>
internal sealed record AllOf(IReadOnlyList<Access> Parts) : Access;

/// <summary>One of the conditions holds: the items of all of them.</summary>
internal sealed record AnyOf(IReadOnlyList<Access> Parts) : Access;

internal enum RangeKind
{
    Equal,
    In,
    Above,
    AtLeast,
    Below,
    AtMost,
    Prefix,
}

/// <param name="Path">As in an indexing policy, <c>/a/?</c> or <c>/tags/[]/?</c>.</param>
/// <param name="IsList">The one value is an array of the values.</param>
internal sealed record PathCondition(string Path, RangeKind Kind, IReadOnlyList<Eval> Values, bool IsList = false) : Access
{
    public const string Id = "/id/?";
}

/// <summary>An interval of the cross-type order; a missing bound is open.</summary>
public readonly record struct Interval(JsonValue? Lower, bool LowerInclusive, JsonValue? Upper, bool UpperInclusive)
{
    public static readonly Interval Everything = new(null, true, null, true);

    public static Interval Point(JsonValue value) => new(value, true, value, true);

    public bool IsPoint => Lower is { } lower && Upper is { } upper && lower.Equals(upper);

    public Interval? Intersect(Interval other)
    {
        var (lower, lowerInclusive) = (Lower, LowerInclusive);
        if (other.Lower is { } theirs && (lower is not { } ours || Above(theirs, other.LowerInclusive, ours, lowerInclusive)))
        {
            (lower, lowerInclusive) = (theirs, other.LowerInclusive);
        }

        var (upper, upperInclusive) = (Upper, UpperInclusive);
        if (other.Upper is { } theirUpper && (upper is not { } ourUpper || Below(theirUpper, other.UpperInclusive, ourUpper, upperInclusive)))
        {
            (upper, upperInclusive) = (theirUpper, other.UpperInclusive);
        }

        if (lower is { } l && upper is { } u)
        {
            var order = JsonValue.Compare(l, u);
            if (order > 0 || (order == 0 && !(lowerInclusive && upperInclusive)))
            {
                return null;
            }
        }

        return new(lower, lowerInclusive, upper, upperInclusive);
    }

    private static bool Above(JsonValue a, bool aInclusive, JsonValue b, bool bInclusive) =>
        JsonValue.Compare(a, b) is var order && (order > 0 || (order == 0 && !aInclusive && bInclusive));

    private static bool Below(JsonValue a, bool aInclusive, JsonValue b, bool bInclusive) =>
        JsonValue.Compare(a, b) is var order && (order < 0 || (order == 0 && !aInclusive && bInclusive));

    /// <summary>The values that fulfil a condition; several for IN, none when nothing can.</summary>
    internal static List<Interval> Of(RangeKind kind, IReadOnlyList<JsonValue> values)
    {
        if (kind is RangeKind.Equal or RangeKind.In)
        {
            return [.. values.Where(v => !v.IsUndefined).Distinct().Select(Point)];
        }

        var value = values[0];
        if (kind == RangeKind.Prefix)
        {
            return value.AsString() is { } prefix ? [new(value, true, AfterPrefix(prefix), false)] : [];
        }

        // A comparison only holds within one type: its bounds end the range.
        var (first, last, lastInclusive) = value.Kind switch
        {
            JsonKind.Null => (JsonValue.Null, JsonValue.Null, true),
            JsonKind.False or JsonKind.True => (JsonValue.False, JsonValue.True, true),
            JsonKind.Number => (JsonValue.Of(double.MinValue), JsonValue.Of(""), false),
            JsonKind.String => (JsonValue.Of(""), EmptyArray, false),
            _ => (default, default, false),
        };
        return first.IsUndefined ? [] : kind switch
        {
            RangeKind.Above => [new(value, false, last, lastInclusive)],
            RangeKind.AtLeast => [new(value, true, last, lastInclusive)],
            RangeKind.Below => [new(first, true, value, false)],
            _ => [new(first, true, value, true)],
        };
    }

    private static JsonValue EmptyArray => JsonValue.ArrayOf([]);

    /// <summary>The first string, by UTF-16 code unit, behind all that start with a prefix.</summary>
    private static JsonValue AfterPrefix(string prefix)
    {
        for (var i = prefix.Length - 1; i >= 0; i--)
        {
            var next = prefix[i] + 1;
            if (next > char.MaxValue)
            {
                continue;
            }

            // Half a surrogate pair has no UTF-8 form. The first string behind U+D7FF.. is U+10000, behind a cut pair's high
            // half it is U+E000 at the latest: a little more than needed is read then.
            var head = prefix[..i];
            if (char.IsSurrogate(prefix[i]))
            {
                head = char.IsLowSurrogate(prefix[i]) && i > 0 ? prefix[..(i - 1)] : head;
                return JsonValue.Of(head + '\uE000');
            }

            return JsonValue.Of(char.IsSurrogate((char)next) ? head + "\U00010000" : head + (char)next);
        }

        return EmptyArray;
    }
}
