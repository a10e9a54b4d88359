using System.Text;

namespace XenoCrm.Imports;

/// <summary>How the bytes of a CSV file are to be read, as found out from its beginning.</summary>
/// <param name="Encoding">By the byte order mark; without one UTF-16 by its zeros, else what the caller says, else UTF-8.</param>
/// <param name="Separator">Comma, semicolon or tab: the one that the first line has most of.</param>
/// <param name="Start">Bytes before the header: a byte order mark, a line <c>sep=;</c>. Counted in UTF-8, as all offsets are.</param>
public sealed record CsvFormat(string Encoding, char Separator, int Start)
{
    public const string Utf8 = "utf-8";
    public const string Utf16LittleEndian = "utf-16le";
    public const string Utf16BigEndian = "utf-16be";
    public const string Windows1252 = "windows-1252";

    /// <summary>How much of a file <see cref="Detect"/> wants to see.</summary>
    public const int HeadBytes = 64 * 1024;

    /// <summary>The encoding that a name stands for, or null when files in it are not read.</summary>
    /// <remarks>Latin-1 is read as Windows-1252, as browsers do: the same but for control characters that no file has.</remarks>
    public static string? EncodingOf(string name) => name.ToLowerInvariant() switch
    {
        "utf-8" or "utf8" or "us-ascii" or "ascii" => Utf8,
        "utf-16" or "utf-16le" or "unicode" => Utf16LittleEndian,
        "utf-16be" => Utf16BigEndian,
        "windows-1252" or "cp1252" or "iso-8859-1" or "latin1" or "latin-1" => Windows1252,
        _ => null,
    };

    /// <param name="head">The first <see cref="HeadBytes"/> of the file, or all of it.</param>
    /// <param name="encoding">What the caller says of a file without a byte order mark.</param>
    /// <returns>Null when this is no text.</returns>
    public static CsvFormat? Detect(ReadOnlySpan<byte> head, string? encoding = null)
    {
        var found = head.StartsWith<byte>([0xFF, 0xFE]) ? Utf16LittleEndian
            : head.StartsWith<byte>([0xFE, 0xFF]) ? Utf16BigEndian
            : head.StartsWith<byte>([0xEF, 0xBB, 0xBF]) ? Utf8
            : Utf16WithoutMark(head) ?? encoding ?? Utf8;
        var text = found == Utf8 ? head : System.Text.Encoding.UTF8.GetBytes(Decoder(found).GetString(head));
        var mark = text.StartsWith<byte>([0xEF, 0xBB, 0xBF]) ? 3 : 0;
        return LooksBinary(text) ? null : Of(found, text[mark..], mark);
    }

    /// <summary>What <see cref="Encoding"/> names.</summary>
    public static Encoding Decoder(string encoding) => encoding switch
    {
        Utf16LittleEndian => new UnicodeEncoding(bigEndian: false, byteOrderMark: false),
        Utf16BigEndian => new UnicodeEncoding(bigEndian: true, byteOrderMark: false),
        Windows1252 => CodePagesEncodingProvider.Instance.GetEncoding(1252)!,
        _ => System.Text.Encoding.UTF8,
    };

    /// <summary>Latin letters in UTF-16 have a zero in every other byte, and text in UTF-8 has none at all.</summary>
    private static string? Utf16WithoutMark(ReadOnlySpan<byte> head)
    {
        int even = 0, odd = 0;
        var length = Math.Min(head.Length, 1024) & ~1;
        for (var i = 0; i < length; i += 2)
        {
            even += head[i] == 0 ? 1 : 0;
            odd += head[i + 1] == 0 ? 1 : 0;
        }

        return length < 8 ? null
            : odd * 4 > length && even * 20 < length ? Utf16LittleEndian
            : even * 4 > length && odd * 20 < length ? Utf16BigEndian
            : null;
    }

    private static CsvFormat Of(string encoding, ReadOnlySpan<byte> text, int start)
    {
        var end = text.IndexOfAny((byte)'\n', (byte)'\r');

        // Excel writes, and reads, a first line "sep=;" where the separator is not what the machine's locale says.
        if (end == 5 && System.Text.Ascii.EqualsIgnoreCase(text[..4], "sep="u8) && text[4] is (byte)',' or (byte)';' or (byte)'\t')
        {
            var lineBreak = text[end..].StartsWith("\r\n"u8) ? 2 : 1;
            return new(encoding, (char)text[4], start + end + lineBreak);
        }

        return new(encoding, SeparatorOf(text), start);
    }

    private static char SeparatorOf(ReadOnlySpan<byte> text)
    {
        int commas = 0, semicolons = 0, tabs = 0;
        var quoted = false;
        foreach (var b in text)
        {
            if (b == '"')
            {
                quoted = !quoted;
            }
            else if (quoted)
            {
            }
            else if (b is (byte)'\n' or (byte)'\r' && commas + semicolons + tabs > 0)
            {
                break;
            }
            else
            {
                commas += b == ',' ? 1 : 0;
                semicolons += b == ';' ? 1 : 0;
                tabs += b == '\t' ? 1 : 0;
            }
        }

        return semicolons > commas && semicolons >= tabs ? ';' : tabs > commas ? '\t' : ',';
    }

    /// <summary>Text has hardly any control characters: what pictures and programs are full of. A few spoil their rows only.</summary>
    private static bool LooksBinary(ReadOnlySpan<byte> head)
    {
        var controls = 0;
        foreach (var b in head)
        {
            controls += b < 0x20 && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r') ? 1 : 0;
        }

        return controls > 3 && controls * 50 > head.Length;
    }
}
