using System.Runtime.InteropServices;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>What a caller, or the metadata of a blob, says about a file.</summary>
public sealed record ImportSettings
{
    /// <summary>Header → field, or null to ignore the column. Columns that are not named are mapped by name.</summary>
    public IReadOnlyDictionary<string, string?>? Mapping { get; init; }

    /// <summary>What dates look like beside ISO 8601: <c>dd/MM/yyyy</c>, <c>MM/dd/yyyy</c>, <c>dd-MM-yyyy HH:mm</c>.</summary>
    public string? DateFormat { get; init; }

    /// <summary>Unknown columns become <c>attributes.*</c> of the customers.</summary>
    public bool Attributes { get; init; }

    /// <summary>An order of an unknown customer creates the customer from its reference; else it is a row error.</summary>
    public bool CreateMissingCustomers { get; init; }

    public void Validate(ImportKind kind)
    {
        if (Mapping is not null)
        {
            ColumnMap.ValidateMapping(kind, Mapping);
        }

        if (DateFormat is not null && FieldValues.DateFormats(DateFormat) is null)
        {
            throw new DateFormatUnsupported(DateFormat.Length > 40 ? DateFormat[..40] : DateFormat).ToException();
        }
    }
}

/// <summary>A CSV whose beginning has been looked at: how to read it, and what its columns are.</summary>
/// <param name="Start">The first row after the header.</param>
public sealed record ImportFile(CsvFormat Format, IReadOnlyList<ImportColumn> Columns, CsvPosition Start)
{
    /// <summary>Columns that the errors CSV adds: never data when a corrected file comes back.</summary>
    public static readonly IReadOnlyList<string> ReportColumns = ["Import row", "Import error codes", "Import errors"];

    private static readonly HashSet<string> ReportNames = [.. ReportColumns.Select(ColumnMap.Normalize)];

    public static bool IsReportColumn(string header) => ReportNames.Contains(ColumnMap.Normalize(header));

    /// <summary>Finds out encoding, separator and columns.</summary>
    /// <exception cref="ProblemException">Not a CSV, empty, or no usable column.</exception>
    public static async Task<ImportFile> InspectAsync(ImportKind kind, ImportSettings settings, OpenCsv open, CancellationToken cancellation)
    {
        settings.Validate(kind);
        var head = new byte[CsvFormat.HeadBytes];
        int length;
        await using (var stream = await open(0, cancellation))
        {
            length = await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation);
        }

        var format = CsvFormat.Detect(head.AsSpan(0, length)) ?? throw new FileNotCsv().ToException();
        await using var rows = new CsvRows(format, open, new(format.Start, 1, 0));
        do
        {
            if (!await rows.ReadAsync(cancellation))
            {
                throw new FileEmpty().ToException();
            }
        }
        while (rows.IsBlank);

        if (rows.Fault != RowFault.None)
        {
            throw new HeaderUnreadable(rows.Fault switch
            {
                RowFault.TooLong => $"It is longer than {CsvRows.MaxRowBytes / 1024} KiB.",
                RowFault.InvalidUtf8 => "It is not UTF-8. Save the file as \"CSV UTF-8\".",
                _ => "Its quotes are not balanced.",
            }).ToException();
        }

        // Separators at the end of the header make columns without a name and without data.
        var headers = Enumerable.Range(0, rows.FieldCount).Select(i => rows.Text(i).Trim()).ToList();
        var columns = ColumnMap.Create(kind, headers, settings.Mapping, settings.Attributes)
            .Select(c => IsReportColumn(c.Header) ? c with { Field = null } : c).ToList();

        do
        {
            if (!await rows.ReadAsync(cancellation))
            {
                throw new FileEmpty().ToException();
            }
        }
        while (rows.IsBlank);

        return new(format, columns, rows.Position);
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
