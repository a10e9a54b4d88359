using System.Text;

namespace XenoCrm.Imports;

/// <summary>How the bytes of a CSV file are to be read, as found out from its beginning.</summary>
/// <param name="Encoding"><c>utf-8</c>, <c>utf-16le</c>, <c>utf-16be</c>: by the byte order mark, UTF-8 without one.</param>
/// <param name="Separator">Comma, semicolon or tab: the one that the first line has most of.</param>
/// <param name="Start">Bytes of the file before the header: a byte order mark, a line <c>sep=;</c>. Counted in UTF-8.</param>
public sealed record CsvFormat(string Encoding, char Separator, int Start)
{
    public const string Utf8 = "utf-8";
    public const string Utf16LittleEndian = "utf-16le";
    public const string Utf16BigEndian = "utf-16be";

    /// <summary>How much of a file <see cref="Detect"/> wants to see.</summary>
    public const int HeadBytes = 64 * 1024;

    /// <returns>Null when this is no text: an image, an archive, a workbook.</returns>
    public static CsvFormat? Detect(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith<byte>([0xFF, 0xFE]) || head.StartsWith<byte>([0xFE, 0xFF]))
        {
            var bigEndian = head[0] == 0xFE;
            var text = System.Text.Encoding.UTF8.GetBytes(new UnicodeEncoding(bigEndian, false).GetString(head[2..]));
            return LooksBinary(text) ? null : Of(bigEndian ? Utf16BigEndian : Utf16LittleEndian, text, 0);
        }

        var mark = head.StartsWith<byte>([0xEF, 0xBB, 0xBF]) ? 3 : 0;
        return LooksBinary(head) ? null : Of(Utf8, head[mark..], mark);
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

    /// <summary>Text has no NUL, and hardly any other control character: what images, archives and workbooks are full of.</summary>
    private static bool LooksBinary(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("PK\x03\x04"u8) || head.StartsWith("%PDF-"u8) || head.StartsWith("\x1f\x8b"u8) || head.Contains((byte)0))
        {
            return true;
        }

        var controls = 0;
        foreach (var b in head)
        {
            controls += b < 0x20 && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r') ? 1 : 0;
        }

        return controls * 50 > head.Length;
    }
}
