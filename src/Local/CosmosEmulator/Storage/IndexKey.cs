using System.Buffers.Binary;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// A value in an index, in Cosmos's cross-type order. Arrays and objects have no inner order here: an index may return more
/// than was asked for, and the engine checks again. An entry has one of these for each item and path, so it is small, and
/// most comparisons are of one word: a string's is its first bytes, any other value's is the value itself.
/// </summary>
internal readonly struct IndexKey
{
    private const ulong Null = 1, False = 2, True = 3, Array = ulong.MaxValue - 1, Object = ulong.MaxValue;

    /// <summary>Above it several integers share one double.</summary>
    private const double ExactInteger = 1L << 53;

    private IndexKey(ulong word, byte[]? text) => (Word, Text) = (word, text);

    /// <summary>Keys of strings by their first eight bytes, other keys altogether, in their order.</summary>
    public ulong Word { get; }

    /// <summary>The UTF-8 of a string; null for every other value.</summary>
    public byte[]? Text { get; }

    public bool IsArrayOrObject => Text is null && Word >= Array;

    /// <param name="recent">Strings seen lately, 256 places: columns such as a status then share one copy per value.</param>
    public static IndexKey Of(JsonValue value, byte[]?[]? recent = null)
    {
        switch (value.Kind)
        {
            case JsonKind.Undefined:
                return default;
            case JsonKind.Null:
                return new(Null, null);
            case JsonKind.False:
                return new(False, null);
            case JsonKind.True:
                return new(True, null);
            case JsonKind.Number:
                return new(WordOf(value.Number), null);
            case JsonKind.String:
                var text = value.StringUtf8;
                return new(WordOf(text, 0), recent is null ? text.ToArray() : Share(text, recent));
            case JsonKind.Array:
                return new(Array, null);
            default:
                return new(Object, null);
        }
    }

    /// <summary>The value; false when the key does not say which of several it is.</summary>
    public bool TryGetValue(out JsonValue value)
    {
        if (Text is not null)
        {
            value = JsonValue.OfUtf8(Text);
            return true;
        }

        switch (Word)
        {
            case 0:
                value = default;
                return true;
            case Null:
                value = JsonValue.Null;
                return true;
            case False or True:
                value = JsonValue.Of(Word == True);
                return true;
            case >= Array:
                value = default;
                return false;
            default:
                value = JsonValue.Of(NumberOf(Word));
                return IsExact;
        }
    }

    /// <summary>Whether all values with this key are equal: the key tells the value.</summary>
    public bool IsExact => Text is not null || (Word < Array && (Word <= True || Math.Abs(NumberOf(Word)) < ExactInteger));

    public static int Compare(in IndexKey x, in IndexKey y)
    {
        if (x.Text is null || y.Text is null)
        {
            return x.Text is not null ? (y.IsArrayOrObject ? -1 : 1)
                : y.Text is not null ? (x.IsArrayOrObject ? 1 : -1)
                : x.Word.CompareTo(y.Word);
        }

        return x.Word != y.Word ? (x.Word < y.Word ? -1 : 1)
            : ReferenceEquals(x.Text, y.Text) ? 0 : JsonText.Compare(x.Text, y.Text);
    }

    /// <summary>
    /// Eight bytes from an index on, filled up with zeros, as a number with the order of <see cref="JsonText.Compare"/>: there
    /// the lead bytes F0 to F4 come before EE and EF.
    /// </summary>
    public static ulong WordOf(ReadOnlySpan<byte> text, int from)
    {
        const ulong NotAscii = 0x8080_8080_8080_8080;
        ulong word = 0;
        if (text.Length - from >= 8)
        {
            word = BinaryPrimitives.ReadUInt64BigEndian(text[from..]);
        }
        else
        {
            for (var i = 0; i < 8; i++)
            {
                word = (word << 8) | (from + i < text.Length ? text[from + i] : 0u);
            }
        }

        return (word & NotAscii) == 0 ? word : Reorder(word);
    }

    private const ulong Sign = 1UL << 63;

    private static ulong WordOf(double number)
    {
        // -0 is 0, and NaN, which no document holds, comes first.
        var bits = BitConverter.DoubleToUInt64Bits(double.IsNaN(number) ? double.NegativeInfinity : number == 0 ? 0 : number);
        return (bits & Sign) != 0 ? ~bits : bits | Sign;
    }

    private static double NumberOf(ulong word) => BitConverter.UInt64BitsToDouble((word & Sign) != 0 ? word ^ Sign : ~word);

    private static ulong Reorder(ulong word)
    {
        ulong result = 0;
        for (var shift = 56; shift >= 0; shift -= 8)
        {
            var b = (byte)(word >> shift);
            result = (result << 8) | (b >= 0xF0 ? b - 2u : b >= 0xEE ? b + 10u : b);
        }

        return result;
    }

    private static byte[] Share(ReadOnlySpan<byte> text, byte[]?[] recent)
    {
        var mixed = (ulong)text.Length;
        if (text.Length >= 8)
        {
            mixed ^= BinaryPrimitives.ReadUInt64LittleEndian(text) ^ (BinaryPrimitives.ReadUInt64LittleEndian(text[^8..]) << 1);
        }
        else
        {
            foreach (var b in text)
            {
                mixed = (mixed << 8) ^ b;
            }
        }

        ref var place = ref recent[(int)((mixed * 0x9E37_79B9_7F4A_7C15) >> 56)];
        if (place is null || !place.AsSpan().SequenceEqual(text))
        {
            place = text.ToArray();
        }

        return place;
    }
}

/// <summary>
/// The item's rid is here as well: to go to a million items in the order of their values takes ten times as long as to go through
/// their entries, and for sets the rid is all that is needed.
/// </summary>
internal readonly struct IndexEntry(IndexKey key, Item item)
{
    public readonly IndexKey Key = key;
    public readonly Item Item = item;
    public readonly long Rid = item.Rid;
}

internal readonly struct IndexOrder : IComparer<IndexEntry>
{
    public int Compare(IndexEntry x, IndexEntry y)
    {
        var order = IndexKey.Compare(x.Key, y.Key);
        return order != 0 ? order : x.Rid.CompareTo(y.Rid);
    }
}

/// <summary>Before the entries equal to a key, or behind them.</summary>
internal readonly struct IndexBound(IndexKey key, bool behind) : IBound<IndexEntry>
{
    public int CompareTo(in IndexEntry element)
    {
        var order = IndexKey.Compare(key, element.Key);
        return order != 0 ? order : behind ? 1 : -1;
    }
}
