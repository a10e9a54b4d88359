using System.Runtime.InteropServices;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>A CSV whose beginning has been looked at: how to read it, and what its columns are.</summary>
/// <param name="Start">The first row after the header.</param>
public sealed record ImportFile(CsvFormat Format, IReadOnlyList<ImportColumn> Columns, CsvPosition Start)
{
    /// <summary>Columns that the errors CSV adds: never data when a corrected file comes back.</summary>
    public static readonly IReadOnlyList<string> ReportColumns = ["Import row", "Import error codes", "Import errors"];

    private static readonly HashSet<string> ReportNames = [.. ReportColumns.Select(ColumnMap.Normalize)];

    public static bool IsReportColumn(string header) => ReportNames.Contains(ColumnMap.Normalize(header));

    /// <summary>Finds out encoding, separator and columns.</summary>
    /// <param name="memory">Where the mapping of these headers is looked up when the caller has none.</param>
    /// <exception cref="ProblemException">Not a CSV, empty, or a required column is missing.</exception>
    public static async Task<ImportFile> InspectAsync(ImportKind kind, ImportSettings settings, OpenCsv open, MappingMemory? memory, CancellationToken cancellation)
    {
        settings.Validate(kind);
        var (format, headers, first) = await ReadHeaderAsync(settings, open, cancellation);
        var remembered = settings.Mapping is null && memory is not null ? await memory.FindAsync(kind, headers, cancellation) : null;
        var columns = ColumnMap.Create(kind, headers, settings.Mapping ?? remembered?.Mapping, remembered is not null, settings.Attributes);
        ColumnMap.Require(kind, columns);
        return first is null ? throw new FileEmpty().ToException() : new(format, columns, first);
    }

    /// <summary>As <see cref="InspectAsync"/>, with columns that were settled before: those of a dry run.</summary>
    public static async Task<ImportFile> ReopenAsync(IReadOnlyList<ImportColumn> columns, ImportSettings settings, OpenCsv open, CancellationToken cancellation)
    {
        var (format, _, first) = await ReadHeaderAsync(settings, open, cancellation);
        return new(format, columns, first ?? throw new FileEmpty().ToException());
    }

    /// <returns>The header as it is in the file, and where the first row after it starts; null when there is none.</returns>
    public static async Task<(CsvFormat Format, IReadOnlyList<string> Headers, CsvPosition? First)> ReadHeaderAsync(
        ImportSettings settings, OpenCsv open, CancellationToken cancellation)
    {
        var head = new byte[CsvFormat.HeadBytes];
        int length;
        await using (var stream = await open(0, cancellation))
        {
            length = await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation);
        }

        if (ForeignFile.Recognize(head.AsSpan(0, length)) is { } foreign)
        {
            throw foreign.ToException();
        }

        var encoding = settings.Encoding is { } name ? CsvFormat.EncodingOf(name) : null;
        var format = CsvFormat.Detect(head.AsSpan(0, length), encoding) ?? throw new FileNotCsv().ToException();
        await using var rows = new CsvRows(format, open, new(format.Start, 1, 0));
        if (!await ReadRowAsync(rows, cancellation))
        {
            throw new FileEmpty().ToException();
        }

        if (rows.Fault != RowFault.None)
        {
            throw new HeaderUnreadable(rows.Fault switch
            {
                RowFault.TooLong => $"It is longer than {CsvRows.MaxRowBytes / 1024} KiB.",
                RowFault.InvalidUtf8 => RowText.NotUtf8,
                RowFault.Nul => "It holds a NUL character.",
                _ => "Its quotes are not balanced.",
            }).ToException();
        }

        var headers = Enumerable.Range(0, rows.FieldCount).Select(i => rows.Text(i).Trim()).ToList();
        return (format, headers, await ReadRowAsync(rows, cancellation) ? rows.Position : null);
    }

    private static async Task<bool> ReadRowAsync(CsvRows rows, CancellationToken cancellation)
    {
        while (await rows.ReadAsync(cancellation))
        {
            if (!rows.IsBlank)
            {
                return true;
            }
        }

        return false;
    }

    public static OpenCsv InMemory(ReadOnlyMemory<byte> bytes)
    {
        if (!MemoryMarshal.TryGetArray(bytes, out var array))
        {
            array = bytes.ToArray();
        }

        return (offset, _) =>
        {
            var from = (int)Math.Min(offset, array.Count);
            return new(new MemoryStream(array.Array!, array.Offset + from, array.Count - from, writable: false));
        };
    }

    public IReadOnlyList<string> Headers => [.. Columns.Select(c => c.Header)];

    /// <summary>The fields of one row of the file, from its bytes.</summary>
    public List<string> Split(ReadOnlyMemory<byte> raw)
    {
        using var reader = CsvHelper.CsvReader.Create(raw, new() { HasHeader = false, Separator = Format.Separator, SkipEmptyLines = false });
        var fields = new List<string>(Columns.Count);
        if (reader.Read())
        {
            for (var i = 0; i < Math.Min(reader.FieldCount, Columns.Count); i++)
            {
                fields.Add(reader.GetString(i));
            }
        }

        return fields;
    }
}
