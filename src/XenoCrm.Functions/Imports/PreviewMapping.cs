using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <param name="Samples">The first different values, cut after 60 characters.</param>
public sealed record PreviewColumn(string Header, string? Field, ColumnBasis Basis, string? Suggestion, IReadOnlyList<string> Samples);

/// <summary>How a file would be read, before anything is decided about its rows.</summary>
/// <param name="Missing">Fields of which the import needs one and no column is any; absent when nothing is missing.</param>
/// <param name="Remembered">The mapping that was last used for these headers and is applied here; absent when none is.</param>
/// <param name="Mapping">What the columns are taken for, suggestions not included: to be corrected and sent as <c>mapping</c>.</param>
/// <param name="Fields">All that a column can be, beside <c>attributes.*</c>.</param>
public sealed record MappingPreview(
    ImportKind Kind, string Encoding, string Separator, IReadOnlyList<PreviewColumn> Columns, IReadOnlyList<string>? Missing, string? Remembered,
    IReadOnlyDictionary<string, string?> Mapping, IReadOnlyCollection<string> Fields);

/// <summary>Shows the columns of a file with sample values. The beginning of the file is enough.</summary>
public sealed class PreviewMapping(MappingMemory memory, IOptions<ImportOptions> options)
{
    private const int SampleRows = 100;
    private const int Samples = 5;
    private const int SampleLength = 60;

    private static readonly HashSet<string> Parameters = new(StringComparer.OrdinalIgnoreCase) { "kind", "mapping", "encoding", "attributes" };

    public async Task<MappingPreview> HandleAsync(HttpRequest request, CancellationToken cancellation)
    {
        var query = new ImportQuery(request.Query, Parameters);
        if (!Enum.TryParse<ImportKind>(query["kind"], ignoreCase: true, out var kind) || !Enum.IsDefined(kind) || char.IsAsciiDigit(query["kind"]![0]))
        {
            throw RequestInvalid.At("/kind", "customers or orders is expected.").ToException();
        }

        var body = await CsvBody.ReadAsync(request, options.Value.MaxUploadBytes, cancellation);
        var settings = ImportSettings.Read(kind, name => query[name]);
        settings = settings with { Encoding = settings.Encoding ?? body.Charset };
        var open = ImportFile.InMemory(body.Bytes);
        var (format, headers, first) = await ImportFile.ReadHeaderAsync(settings, open, cancellation);
        var remembered = settings.Mapping is null ? await memory.FindAsync(kind, headers, cancellation) : null;
        var columns = ColumnMap.Create(kind, headers, settings.Mapping ?? remembered?.Mapping, remembered is not null, settings.Attributes);
        var samples = first is null ? [.. columns.Select(_ => new List<string>())] : await SampleAsync(format, open, first, columns.Count, cancellation);
        return new(
            kind, format.Encoding, format.Separator.ToString(),
            [.. columns.Zip(samples, (c, s) => new PreviewColumn(c.Header, c.Field, c.Basis, c.Suggestion, s))],
            ColumnMap.Missing(kind, columns), remembered?.Id,
            columns.Where(c => c.Basis is not (ColumnBasis.Duplicate or ColumnBasis.Report) && ColumnMap.Normalize(c.Header).Length > 0).ToDictionary(c => c.Header, c => c.Field),
            ColumnMap.Fields(kind));
    }

    private static async Task<List<string>[]> SampleAsync(CsvFormat format, OpenCsv open, CsvPosition first, int columns, CancellationToken cancellation)
    {
        var samples = Enumerable.Range(0, columns).Select(_ => new List<string>()).ToArray();
        await using var rows = new CsvRows(format, open, first);
        for (var row = 0; row < SampleRows && await rows.ReadAsync(cancellation); row++)
        {
            if (rows.Fault != RowFault.None)
            {
                continue;
            }

            for (var i = 0; i < Math.Min(columns, rows.FieldCount); i++)
            {
                if (samples[i].Count < Samples && rows.Text(i).Trim() is { Length: > 0 } text)
                {
                    text = text.Length > SampleLength ? text[..SampleLength] + "…" : text;
                    if (!samples[i].Contains(text))
                    {
                        samples[i].Add(text);
                    }
                }
            }
        }

        return samples;
    }
}
