namespace XenoCrm.Local.CosmosEmulator.Json;

public readonly partial struct JsonValue
{
    /// <summary>
    /// Cosmos's cross-type order: undefined, null, false, true, numbers, strings by UTF-16 code unit, arrays, objects.
    /// Arrays compare element by element, objects by their sorted properties, so that 0 means deep equality.
    /// </summary>
    public static int Compare(JsonValue a, JsonValue b)
    {
        if (a._kind != b._kind)
        {
            return a._kind < b._kind ? -1 : 1;
        }

        return a._kind switch
        {
            JsonKind.Number => a.Number.CompareTo(b.Number),
            JsonKind.String => JsonText.Compare(a.StringUtf8, b.StringUtf8),
            JsonKind.Array => CompareArrays(a, b),
            JsonKind.Object => CompareObjects(a, b),
            _ => 0,
        };
    }

    public int CompareTo(JsonValue other) => Compare(this, other);

    private static int CompareArrays(JsonValue a, JsonValue b)
    {
        var left = a.EnumerateArray();
        var right = b.EnumerateArray();
        while (true)
        {
            bool more = left.MoveNext(), moreRight = right.MoveNext();
            if (!more || !moreRight)
            {
                return more.CompareTo(moreRight);
            }

            var order = Compare(left.Current, right.Current);
            if (order != 0)
            {
                return order;
            }
        }
    }

    private static int CompareObjects(JsonValue a, JsonValue b)
    {
        var left = SortedProperties(a);
        var right = SortedProperties(b);
        for (var i = 0; i < left.Count && i < right.Count; i++)
        {
            var order = Compare(left[i].Name, right[i].Name);
            order = order != 0 ? order : Compare(left[i].Value, right[i].Value);
            if (order != 0)
            {
                return order;
            }
        }

        return left.Count.CompareTo(right.Count);
    }

    private static List<Property> SortedProperties(JsonValue value)
    {
        var list = new List<Property>();
        foreach (var property in value.EnumerateObject())
        {
            list.Add(property);
        }

        list.Sort(static (x, y) => Compare(x.Name, y.Name));
        return list;
    }

    /// <summary>Deep equality: 1 equals 1.0, the order of properties does not matter.</summary>
    public bool Equals(JsonValue other)
    {
        if (_kind != other._kind)
        {
            return false;
        }

        return _kind switch
        {
            JsonKind.Number => Number.Equals(other.Number),
            JsonKind.String => StringUtf8.SequenceEqual(other.StringUtf8),
            JsonKind.Array => _text.Span.SequenceEqual(other._text.Span) || CompareArrays(this, other) == 0,
            JsonKind.Object => _text.Span.SequenceEqual(other._text.Span) || CompareObjects(this, other) == 0,
            _ => true,
        };
    }

    public override bool Equals(object? obj) => obj is JsonValue other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        switch (_kind)
        {
            case JsonKind.Number:
                hash.Add(Number + 0.0); // -0.0 + 0.0 is 0.0
                break;
            case JsonKind.String:
                hash.AddBytes(StringUtf8);
                break;
            case JsonKind.Array:
                foreach (var item in EnumerateArray())
                {
                    hash.Add(item.GetHashCode());
                }

                break;
            case JsonKind.Object:
                var sum = 0;
                foreach (var property in EnumerateObject())
                {
                    sum += HashCode.Combine(property.Name.GetHashCode(), property.Value.GetHashCode());
                }

                hash.Add(sum);
                break;
        }

        hash.Add((int)_kind);
        return hash.ToHashCode();
    }

    public static bool operator ==(JsonValue left, JsonValue right) => left.Equals(right);

    public static bool operator !=(JsonValue left, JsonValue right) => !left.Equals(right);

    public static bool operator <(JsonValue left, JsonValue right) => Compare(left, right) < 0;

    public static bool operator >(JsonValue left, JsonValue right) => Compare(left, right) > 0;

    public static bool operator <=(JsonValue left, JsonValue right) => Compare(left, right) <= 0;

    public static bool operator >=(JsonValue left, JsonValue right) => Compare(left, right) >= 0;
}
