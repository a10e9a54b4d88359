using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>What people upload instead of a CSV, told by its first bytes, so that the answer can say what to do.</summary>
public static class ForeignFile
{
    private static readonly byte[][] Archives =
    [
        [0x1F, 0x8B], [(byte)'B', (byte)'Z', (byte)'h'], [(byte)'7', (byte)'z', 0xBC, 0xAF, 0x27, 0x1C],
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], [0x28, 0xB5, 0x2F, 0xFD], [(byte)'R', (byte)'a', (byte)'r', (byte)'!', 0x1A],
    ];

    private static readonly byte[][] Others =
    [
        [.. "%PDF-"u8], [0x89, .. "PNG"u8], [0xFF, 0xD8, 0xFF], [.. "GIF8"u8], [.. "PAR1"u8], [.. "SQLite format 3"u8],
    ];

    /// <returns>Null when nothing speaks against text.</returns>
    public static Problem? Recognize(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("PK\x03\x04"u8))
        {
            // A workbook is a zip whose entries say so.
            return head.IndexOf("[Content_Types].xml"u8) >= 0 || head.IndexOf("xl/"u8) >= 0 || head.IndexOf("opendocument"u8) >= 0
                ? new FileWorkbook() : new FileCompressed("a zip archive");
        }

        if (head.StartsWith<byte>([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]))
        {
            return new FileWorkbook();
        }

        return StartsWithAny(head, Archives) ? new FileCompressed(head[0] == 0x1F ? "a gzip file" : "an archive")
            : StartsWithAny(head, Others) ? new FileNotCsv()
            : null;
    }

    private static bool StartsWithAny(ReadOnlySpan<byte> head, byte[][] signatures)
    {
        foreach (var signature in signatures)
        {
            if (head.StartsWith(signature))
            {
                return true;
            }
        }

        return false;
    }
}
