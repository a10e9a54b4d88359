namespace XenoCrm.Local.CosmosEmulator.Json;

public readonly partial struct JsonValue
{
    /// <summary>The first property of that (decoded) name.</summary>
    public bool TryGetProperty(ReadOnlySpan<byte> utf8Name, out JsonValue value)
    {
        if (_kind == JsonKind.Object)
        {
            var json = _text.Span;
            var at = JsonScan.SkipWhite(json, 1);
            while ((uint)at < (uint)json.Length && json[at] == (byte)'"')
            {
                var nameStart = at + 1;
                var nameEnd = JsonScan.StringEnd(json, nameStart, out var escaped);
                at = JsonScan.SkipWhite(json, nameEnd + 1) + 1;
                at = JsonScan.SkipWhite(json, at);
                var name = json[nameStart..nameEnd];
                if (escaped ? JsonText.Unescape(name).AsSpan().SequenceEqual(utf8Name) : name.SequenceEqual(utf8Name))
                {
                    value = At(_text, at, out _);
                    return true;
                }

                at = Next(json, JsonScan.SkipValue(json, at));
            }
        }

        value = default;
        return false;
    }

    /// <summary>The property of that name, or undefined.</summary>
    public JsonValue this[ReadOnlySpan<byte> utf8Name] => TryGetProperty(utf8Name, out var value) ? value : default;

    /// <summary>The element at that index of an array, or undefined.</summary>
    public JsonValue this[int index]
    {
        get
        {
            if (_kind != JsonKind.Array || index < 0)
            {
                return default;
            }

            foreach (var item in EnumerateArray())
            {
                if (index-- == 0)
                {
                    return item;
                }
            }

            return default;
        }
    }

    public ArrayEnumerator EnumerateArray() => new(_kind == JsonKind.Array ? _text : default);

    public ObjectEnumerator EnumerateObject() => new(_kind == JsonKind.Object ? _text : default);

    public int ArrayLength
    {
        get
        {
            var count = 0;
            foreach (var _ in EnumerateArray())
            {
                count++;
            }

            return count;
        }
    }

    private static int Next(ReadOnlySpan<byte> json, int at)
    {
        at = JsonScan.SkipWhite(json, at);
        return (uint)at < (uint)json.Length && json[at] == (byte)',' ? JsonScan.SkipWhite(json, at + 1) : json.Length;
    }

    public struct ArrayEnumerator
    {
        private readonly ReadOnlyMemory<byte> _json;
        private int _at;

        internal ArrayEnumerator(ReadOnlyMemory<byte> json)
        {
            _json = json;
            _at = json.IsEmpty ? 0 : JsonScan.SkipWhite(json.Span, 1);
            Current = default;
        }

        public JsonValue Current { get; private set; }

        public readonly ArrayEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            var json = _json.Span;
            if ((uint)_at >= (uint)json.Length || json[_at] == (byte)']')
            {
                return false;
            }

            Current = At(_json, _at, out var end);
            _at = Next(json, end);
            return true;
        }

        public readonly List<JsonValue> ToList()
        {
            var list = new List<JsonValue>();
            foreach (var item in this)
            {
                list.Add(item);
            }

            return list;
        }
    }

    /// <summary>Name and value; the name is a string value.</summary>
    public readonly record struct Property(JsonValue Name, JsonValue Value);

    public struct ObjectEnumerator
    {
        private readonly ReadOnlyMemory<byte> _json;
        private int _at;

        internal ObjectEnumerator(ReadOnlyMemory<byte> json)
        {
            _json = json;
            _at = json.IsEmpty ? 0 : JsonScan.SkipWhite(json.Span, 1);
            Current = default;
        }

        public Property Current { get; private set; }

        public readonly ObjectEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            var json = _json.Span;
            if ((uint)_at >= (uint)json.Length || json[_at] != (byte)'"')
            {
                return false;
            }

            var name = At(_json, _at, out var at);
            at = JsonScan.SkipWhite(json, JsonScan.SkipWhite(json, at) + 1);
            Current = new(name, At(_json, at, out at));
            _at = Next(json, at);
            return true;
        }
    }
}
