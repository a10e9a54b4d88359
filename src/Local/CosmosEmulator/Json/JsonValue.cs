using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Json;

/// <summary>
/// A value inside a UTF-8 document, or one that was computed. It points into the bytes and decodes when asked, so
/// reaching a property allocates nothing. Arrays and objects are always text. <c>default</c> is undefined.
/// </summary>
public readonly partial struct JsonValue : IEquatable<JsonValue>, IComparable<JsonValue>
{
    private enum Form : byte
    {
        /// <summary>The text is what the JSON has (for a string: its inside, nothing to unescape).</summary>
        Plain,

        /// <summary>A string whose text has escapes.</summary>
        Escaped,

        /// <summary>A string that was computed and needs escapes when written.</summary>
        Decoded,

        /// <summary>A number whose value is known; the text may be missing.</summary>
        Known,
    }

    // For a string the inside of the quotes, else the whole token.
    private readonly ReadOnlyMemory<byte> _text;
    private readonly double _number;
    private readonly JsonKind _kind;
    private readonly Form _form;

    private JsonValue(JsonKind kind, ReadOnlyMemory<byte> text = default, Form form = Form.Plain, double number = 0)
    {
        _kind = kind;
        _text = text;
        _form = form;
        _number = number;
    }

    public static JsonValue Undefined => default;

    public static JsonValue Null => new(JsonKind.Null);

    public static JsonValue True => new(JsonKind.True);

    public static JsonValue False => new(JsonKind.False);

    public JsonKind Kind => _kind;

    public bool IsUndefined => _kind == JsonKind.Undefined;

    public bool IsBoolean => _kind is JsonKind.True or JsonKind.False;

    /// <summary>The value of a JSON text that is known to be valid; white space around it is allowed.</summary>
    public static JsonValue Parse(ReadOnlyMemory<byte> utf8)
    {
        var at = JsonScan.SkipWhite(utf8.Span, 0);
        return At(utf8, at, out _);
    }

    public static JsonValue Of(bool value) => new(value ? JsonKind.True : JsonKind.False);

    /// <summary>A number. NaN and the infinities exist while a query runs; JSON has no form for them, so they are written as strings.</summary>
    public static JsonValue Of(double value) => new(JsonKind.Number, default, Form.Known, value == 0 ? 0 : value);

    public static JsonValue Of(long value) =>
        value is >= -JsonNumber.ExactInteger and <= JsonNumber.ExactInteger
            ? new(JsonKind.Number, default, Form.Known, value)
            : new(JsonKind.Number, Encoding.ASCII.GetBytes(value.ToString()), Form.Known, value);

    public static JsonValue Of(string value) => OfUtf8(Encoding.UTF8.GetBytes(value));

    /// <summary>A string from its decoded UTF-8.</summary>
    public static JsonValue OfUtf8(ReadOnlyMemory<byte> utf8) =>
        new(JsonKind.String, utf8, JsonText.NeedsEscape(utf8.Span) ? Form.Decoded : Form.Plain);

    /// <summary>An array or object (or anything) that was just written as compact JSON.</summary>
    internal static JsonValue OfWritten(ArrayBufferWriter<byte> writer) => Parse(writer.WrittenMemory);

    /// <summary>An item's bytes, known to be a compact object.</summary>
    internal static JsonValue OfObject(ReadOnlyMemory<byte> json) => new(JsonKind.Object, json);

    public static JsonValue ArrayOf(IEnumerable<JsonValue> items)
    {
        var to = new ArrayBufferWriter<byte>();
        to.Write("["u8);
        var first = true;
        foreach (var item in items)
        {
            if (item.IsUndefined)
            {
                continue;
            }

            if (!first)
            {
                to.Write(","u8);
            }

            first = false;
            item.WriteTo(to);
        }

        to.Write("]"u8);
        return new(JsonKind.Array, to.WrittenMemory);
    }

    /// <summary>An object of the properties that are not undefined; the names are string values.</summary>
    internal static JsonValue ObjectOf(params ReadOnlySpan<(JsonValue Name, JsonValue Value)> properties)
    {
        var to = new ArrayBufferWriter<byte>();
        to.Write("{"u8);
        foreach (var (name, value) in properties)
        {
            if (value.IsUndefined)
            {
                continue;
            }

            if (to.WrittenCount > 1)
            {
                to.Write(","u8);
            }

            name.WriteTo(to);
            to.Write(":"u8);
            value.WriteTo(to);
        }

        to.Write("}"u8);
        return new(JsonKind.Object, to.WrittenMemory);
    }

    /// <summary>The value that starts at an index of a document, and the index behind it.</summary>
    internal static JsonValue At(ReadOnlyMemory<byte> json, int at, out int end)
    {
        var span = json.Span;
        if ((uint)at >= (uint)span.Length)
        {
            end = span.Length;
            return default;
        }

        switch (span[at])
        {
            case (byte)'"':
                var quote = JsonScan.StringEnd(span, at + 1, out var escaped);
                end = Math.Min(quote + 1, span.Length);
                return new(JsonKind.String, json.Slice(at + 1, quote - at - 1), escaped ? Form.Escaped : Form.Plain);
            case (byte)'{':
                end = JsonScan.SkipValue(span, at);
                return new(JsonKind.Object, json[at..end]);
            case (byte)'[':
                end = JsonScan.SkipValue(span, at);
                return new(JsonKind.Array, json[at..end]);
            case (byte)'t':
                end = at + 4;
                return True;
            case (byte)'f':
                end = at + 5;
                return False;
            case (byte)'n':
                end = at + 4;
                return Null;
            default:
                end = JsonScan.SkipValue(span, at);
                return new(JsonKind.Number, json[at..end]);
        }
    }

    /// <summary>The number, as a double; NaN when this is none.</summary>
    public double Number => _kind != JsonKind.Number ? double.NaN : _form == Form.Known ? _number : JsonNumber.Parse(_text.Span);

    /// <summary>The number as a 64-bit integer, when it is one.</summary>
    public bool TryGetInteger(out long value)
    {
        value = 0;
        return _kind == JsonKind.Number && JsonNumber.TryGetInteger(_text.Span, Number, out value);
    }

    /// <summary>The decoded text of a string (allocates only when it has escapes).</summary>
    public ReadOnlySpan<byte> StringUtf8 => _form == Form.Escaped ? JsonText.Unescape(_text.Span) : _text.Span;

    internal ReadOnlyMemory<byte> StringMemory => _form == Form.Escaped ? JsonText.Unescape(_text.Span) : _text;

    /// <summary>The string of a string value; null for every other kind.</summary>
    public string? AsString() => _kind == JsonKind.String ? Encoding.UTF8.GetString(StringUtf8) : null;

    /// <summary>The same value with its number parsed and its escapes decoded once, for values compared often.</summary>
    public JsonValue Decoded() => (_kind, _form) switch
    {
        (JsonKind.Number, Form.Plain) => new(JsonKind.Number, _text, Form.Known, JsonNumber.Parse(_text.Span)),
        (JsonKind.String, Form.Escaped) => OfUtf8(JsonText.Unescape(_text.Span)),
        _ => this,
    };

    /// <summary>A copy that does not keep the document it came from in memory.</summary>
    public JsonValue Detached() => _text.IsEmpty ? this : new(_kind, _text.ToArray(), _form, _number);

    public void WriteTo(IBufferWriter<byte> to)
    {
        switch (_kind)
        {
            case JsonKind.Undefined:
                break;
            case JsonKind.Null:
                to.Write("null"u8);
                break;
            case JsonKind.False:
                to.Write("false"u8);
                break;
            case JsonKind.True:
                to.Write("true"u8);
                break;
            case JsonKind.Number when _text.IsEmpty:
                to.Write(JsonNumber.Format(_number));
                break;
            case JsonKind.String when _form == Form.Decoded:
                JsonText.WriteQuoted(to, _text.Span);
                break;
            case JsonKind.String:
                to.Write("\""u8);
                to.Write(_text.Span);
                to.Write("\""u8);
                break;
            default:
                to.Write(_text.Span);
                break;
        }
    }

    /// <summary>The JSON text; for an array, object or number of a document it is the document's own bytes.</summary>
    public ReadOnlyMemory<byte> ToUtf8()
    {
        if (_kind >= JsonKind.Array || (_kind == JsonKind.Number && !_text.IsEmpty))
        {
            return _text;
        }

        var to = new ArrayBufferWriter<byte>(_text.Length + 8);
        WriteTo(to);
        return to.WrittenMemory;
    }

    public override string ToString() => IsUndefined ? "undefined" : Encoding.UTF8.GetString(ToUtf8().Span);
}
