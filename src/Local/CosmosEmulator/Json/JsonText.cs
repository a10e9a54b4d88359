using System.Buffers;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Json;

/// <summary>JSON string contents: unescaping, escaping, and order by UTF-16 code unit without leaving UTF-8.</summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> MustEscape = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    /// <summary>Decodes the inside of a JSON string. A lone surrogate becomes its three-byte form, so that it survives.</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> escaped)
    {
        var output = new byte[escaped.Length];
        var length = 0;
        for (var i = 0; i < escaped.Length;)
        {
            var b = escaped[i++];
            if (b != (byte)'\\' || i == escaped.Length)
            {
                output[length++] = b;
                continue;
            }

            b = escaped[i++];
            switch (b)
            {
                case (byte)'b': output[length++] = 8; break;
                case (byte)'t': output[length++] = 9; break;
                case (byte)'n': output[length++] = 10; break;
                case (byte)'f': output[length++] = 12; break;
                case (byte)'r': output[length++] = 13; break;
                case (byte)'u':
                    var unit = Hex4(escaped, i);
                    i += 4;
                    if (char.IsHighSurrogate((char)unit) && i + 6 <= escaped.Length && escaped[i] == (byte)'\\'
                        && escaped[i + 1] == (byte)'u' && Hex4(escaped, i + 2) is var low && char.IsLowSurrogate((char)low))
                    {
                        unit = char.ConvertToUtf32((char)unit, (char)low);
                        i += 6;
                    }

                    length += EncodeUtf8(unit, output.AsSpan(length));
                    break;
                default: output[length++] = b; break;
            }
        }

        return output.AsSpan(0, length).ToArray();
    }

    private static int Hex4(ReadOnlySpan<byte> text, int at)
    {
        var value = 0;
        for (var i = at; i < at + 4 && i < text.Length; i++)
        {
            value = (value << 4) | Convert.ToInt32(((char)text[i]).ToString(), 16);
        }

        return value;
    }

    private static int EncodeUtf8(int codePoint, Span<byte> to)
    {
        switch (codePoint)
        {
            case < 0x80:
                to[0] = (byte)codePoint;
                return 1;
            case < 0x800:
                to[0] = (byte)(0xC0 | (codePoint >> 6));
                to[1] = (byte)(0x80 | (codePoint & 0x3F));
                return 2;
            case < 0x10000:
                to[0] = (byte)(0xE0 | (codePoint >> 12));
                to[1] = (byte)(0x80 | ((codePoint >> 6) & 0x3F));
                to[2] = (byte)(0x80 | (codePoint & 0x3F));
                return 3;
            default:
                to[0] = (byte)(0xF0 | (codePoint >> 18));
                to[1] = (byte)(0x80 | ((codePoint >> 12) & 0x3F));
                to[2] = (byte)(0x80 | ((codePoint >> 6) & 0x3F));
                to[3] = (byte)(0x80 | (codePoint & 0x3F));
                return 4;
        }
    }

    public static bool NeedsEscape(ReadOnlySpan<byte> utf8) => utf8.ContainsAny(MustEscape);

    /// <summary>Writes a decoded string with its quotes.</summary>
    public static void WriteQuoted(IBufferWriter<byte> to, ReadOnlySpan<byte> utf8)
    {
        to.Write("\""u8);
        while (true)
        {
            var special = utf8.IndexOfAny(MustEscape);
            if (special < 0)
            {
                break;
            }

            to.Write(utf8[..special]);
            WriteEscape(to, utf8[special]);
            utf8 = utf8[(special + 1)..];
        }

        to.Write(utf8);
        to.Write("\""u8);
    }

    private static void WriteEscape(IBufferWriter<byte> to, byte b)
    {
        switch (b)
        {
            case (byte)'"': to.Write("\\\""u8); break;
            case (byte)'\\': to.Write("\\\\"u8); break;
            case 8: to.Write("\\b"u8); break;
            case 9: to.Write("\\t"u8); break;
            case 10: to.Write("\\n"u8); break;
            case 12: to.Write("\\f"u8); break;
            case 13: to.Write("\\r"u8); break;
            default: to.Write(Encoding.ASCII.GetBytes($"\\u{b:x4}")); break;
        }
    }

    /// <summary>
    /// Order by UTF-16 code unit of two UTF-8 strings. It is byte order, except that the surrogates of code points above
    /// U+FFFF (lead bytes F0 to F4) come before U+E000 to U+FFFF (lead bytes EE and EF).
    /// </summary>
    public static int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var common = a.CommonPrefixLength(b);
        if (common == a.Length || common == b.Length)
        {
            return a.Length.CompareTo(b.Length);
        }

        byte x = a[common], y = b[common];
        if (x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0))
        {
            return x >= 0xF0 ? -1 : 1;
        }

        return x < y ? -1 : 1;
    }
}
