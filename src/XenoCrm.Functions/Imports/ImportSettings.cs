using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>What a caller, or the metadata of a blob, says about a file.</summary>
public sealed record ImportSettings
{
    /// <summary>
    /// Header → field, or null to ignore the column. Columns that are not named are mapped by name. Null: as the columns
    /// were mapped the last time, if they were (<see cref="RememberedMapping"/>); an empty one: all by name.
    /// </summary>
    public IReadOnlyDictionary<string, string?>? Mapping { get; init; }

    /// <summary>What dates look like beside ISO 8601: <c>dd/MM/yyyy</c>, <c>MM/dd/yyyy</c>, <c>dd-MM-yyyy HH:mm</c>.</summary>
    public string? DateFormat { get; init; }

    /// <summary><c>,</c> or <c>.</c>: then amounts may be grouped, <c>1.234,56</c> or <c>1,234.56</c>. Null: plain decimals with a point.</summary>
    public string? DecimalSeparator { get; init; }

    /// <summary>Of a file without a byte order mark that is not UTF-8; see <see cref="CsvFormat.EncodingOf"/>.</summary>
    public string? Encoding { get; init; }

    /// <summary>Unknown columns become <c>attributes.*</c> of the customers.</summary>
    public bool Attributes { get; init; }

    /// <summary>An order of an unknown customer creates the customer from its reference; else it is a row error.</summary>
    public bool CreateMissingCustomers { get; init; }

    /// <summary>From a query or the metadata of a blob.</summary>
    /// <param name="value">By name; null when it is not given.</param>
    /// <exception cref="ProblemException">A value is not one of those allowed: a typing mistake must not change what is imported.</exception>
    public static ImportSettings Read(ImportKind kind, Func<string, string?> value)
    {
        var settings = new ImportSettings
        {
            Mapping = value("mapping") is { Length: > 0 } mapping ? ColumnMap.ParseMapping(kind, mapping) : null,
            DateFormat = value("dateFormat") is { Length: > 0 } format ? format : null,
            DecimalSeparator = value("decimalSeparator") is { Length: > 0 } separator ? separator : null,
            Encoding = value("encoding") is { Length: > 0 } encoding ? encoding : null,
            Attributes = Flag("attributes", value),
            CreateMissingCustomers = Flag("createMissingCustomers", value),
        };
        settings.Validate(kind);
        return settings;
    }

    public static bool Flag(string name, Func<string, string?> value) =>
        value(name) is { } text && (bool.TryParse(text, out var flag) ? flag : throw RequestInvalid.At("/" + name, "true or false is expected.").ToException());

    /// <returns>The first option that is given and is not what it is here; null when all that are given are.</returns>
    public string? Mismatch(ImportKind kind, Func<string, string?> value)
    {
        var other = Read(kind, value);
        bool Differs(string name, bool same) => value(name) is { Length: > 0 } && !same;
        return Differs("mapping", Same(other.Mapping, Mapping)) ? "mapping"
            : Differs("dateFormat", other.DateFormat == DateFormat) ? "dateFormat"
            : Differs("decimalSeparator", other.DecimalSeparator == DecimalSeparator) ? "decimalSeparator"
            : Differs("encoding", other.Encoding == Encoding) ? "encoding"
            : Differs("attributes", other.Attributes == Attributes) ? "attributes"
            : Differs("createMissingCustomers", other.CreateMissingCustomers == CreateMissingCustomers) ? "createMissingCustomers"
            : null;
    }

    private static bool Same(IReadOnlyDictionary<string, string?>? a, IReadOnlyDictionary<string, string?>? b) =>
        (a?.Count ?? -1) == (b?.Count ?? -1) && (a is null || a.All(m => b!.TryGetValue(m.Key, out var field) && field == m.Value));

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

        if (Attributes && kind != ImportKind.Customers)
        {
            throw RequestInvalid.At("/attributes", "Only customers have attributes.").ToException();
        }

        if (DecimalSeparator is not (null or "," or "."))
        {
            throw RequestInvalid.At("/decimalSeparator", "A comma or a point is expected.").ToException();
        }

        if (Encoding is not null && CsvFormat.EncodingOf(Encoding) is null)
        {
            throw new EncodingUnsupported().ToException();
        }
    }
}
