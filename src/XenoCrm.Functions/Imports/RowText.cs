using System.Text;

namespace XenoCrm.Imports;

/// <summary>The text of the current row by field, trimmed; empty is null. One instance serves all rows of a file.</summary>
public sealed class RowText
{
    public const string NotUtf8 = "This is not UTF-8. Save the file as \"CSV UTF-8\", or say what it is: encoding=windows-1252.";

    private readonly IReadOnlyList<ImportColumn> columns;
    private readonly Dictionary<string, int> columnOf = [];
    private readonly string?[] values;
    private readonly int neededColumns;

    public RowText(IReadOnlyList<ImportColumn> columns)
    {
        this.columns = columns;
        values = new string?[columns.Count];
        var attributes = new List<(string, int)>();
        for (var i = 0; i < columns.Count; i++)
        {
            if (columns[i].Field is { } field)
            {
                columnOf.TryAdd(field, i);
                neededColumns = i + 1;
                if (field.StartsWith(ColumnMap.AttributePrefix, StringComparison.Ordinal))
                {
                    attributes.Add((field[ColumnMap.AttributePrefix.Length..], i));
                }
            }
        }

        Attributes = attributes;
    }

    /// <summary>Attribute name → column.</summary>
    public IReadOnlyList<(string Name, int Column)> Attributes { get; }

    public string? this[string field] => columnOf.TryGetValue(field, out var column) ? values[column] : null;

    public string? At(int column) => values[column];

    public bool Has(string field) => columnOf.ContainsKey(field);

    /// <returns>False: the row has no text that could be used; the run has the reason.</returns>
    public bool Read(CsvRows row, ImportRun run)
    {
        if (row.Fault != RowFault.None)
        {
            Refuse(row.Row, row.Fault, row.Raw, run);
            return false;
        }

        run.Begin(row.Row, row.Raw);

        for (var extra = columns.Count; extra < row.FieldCount; extra++)
        {
            // Separators at the end of a line are harmless, values without a column are a sign that all have shifted.
            if (row.Span(extra).IndexOfAnyExcept((byte)' ') >= 0)
            {
                run.Add(new(row.Row, null, RowCodes.TooManyFields,
                    $"The row has {row.FieldCount} fields and the header {columns.Count}. A separator within a value needs quotes around the value.", RowIssue.Clip(row.Text(extra))));
                return false;
            }
        }

        if (row.FieldCount < neededColumns)
        {
            // Programs leave out empty fields at the end of a line, but a line that was cut off looks the same.
            run.Add(new(row.Row, columns[neededColumns - 1].Header, RowCodes.TooFewFields,
                $"The row has {row.FieldCount} fields and the header {columns.Count}; those that are missing are taken for empty.", null, Warning: true));
        }

        for (var i = 0; i < values.Length; i++)
        {
            values[i] = columns[i].Field is null || row.Span(i).IsEmpty ? null : Clean(row.Text(i));
        }

        return true;
    }

    /// <summary>Takes a row into the run that cannot be read.</summary>
    public static void Refuse(long row, RowFault fault, ReadOnlySpan<byte> raw, ImportRun run)
    {
        run.Begin(row, raw);
        var (code, message) = Describe(fault);
        run.Add(new(row, null, code, message, RowIssue.Clip(Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, RowIssue.MaxValue)]))));
    }

    public RowIssue Issue(long row, string field, string code, string message, bool warning = false) =>
        columnOf.TryGetValue(field, out var column)
            ? new(row, columns[column].Header, code, message, RowIssue.Clip(values[column]), warning)
            : new(row, null, code, message, null, warning);

    private static string? Clean(string value)
    {
        // A byte order mark within a file is where another file was put behind it.
        var text = value.Trim().Trim('\uFEFF');

        // An export puts ' before what a spreadsheet would run as a formula; a corrected export is imported again.
        if (text.Length > 1 && text[0] == '\'' && text[1] is ('=' or '+' or '-' or '@'))
        {
            text = text[1..];
        }

        return text.Length == 0 ? null : text;
    }

    private static (string Code, string Message) Describe(RowFault fault) => fault switch
    {
        RowFault.TooLong => (RowCodes.TooLong, $"The row is longer than {CsvRows.MaxRowBytes / 1024} KiB."),
        RowFault.QuoteUnclosed => (RowCodes.QuoteUnclosed, "A quote is opened and not closed. Quotes within a value are doubled."),
        RowFault.QuoteMalformed => (RowCodes.QuoteMalformed, "Text follows a closing quote. Quotes within a value are doubled."),
        RowFault.Nul => (RowCodes.NulCharacter, "The row holds a NUL character, which no text has."),
        _ => (RowCodes.EncodingInvalid, NotUtf8),
    };
}
