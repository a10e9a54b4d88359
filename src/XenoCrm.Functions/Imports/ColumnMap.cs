using System.Text;
using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>What a file's rows are.</summary>
public enum ImportKind
{
    Customers,
    Orders,
}

/// <summary>Why a column is what it is.</summary>
public enum ColumnBasis
{
    /// <summary>Its name is, or stands for, the field.</summary>
    Name,

    /// <summary>The caller's mapping says so.</summary>
    Mapping,

    /// <summary>The mapping that was last used for these headers says so.</summary>
    Remembered,

    /// <summary>Not a known field, and taken for an attribute because the caller wants that.</summary>
    Attribute,

    /// <summary>Not a known field: ignored.</summary>
    Unknown,

    /// <summary>Another column before it is this field: ignored.</summary>
    Duplicate,

    /// <summary>A column that an errors CSV adds: ignored.</summary>
    Report,
}

/// <param name="Header">As it is in the file.</param>
/// <param name="Field">What it is taken for, such as <c>email</c> or <c>attributes.fax</c>; null: ignored.</param>
/// <param name="Suggestion">The field that an unknown name comes nearest to, if any comes near.</param>
public sealed record ImportColumn(string Header, string? Field, ColumnBasis Basis = ColumnBasis.Name, string? Suggestion = null);

/// <summary>Which column is which field: by name with the usual synonyms, or as the caller says.</summary>
public static class ColumnMap
{
    public const int MaxColumns = 1000;
    public const int MaxHeader = 200;
    public const string AttributePrefix = "attributes.";

    /// <summary>Field → the header names that stand for it, in the form of <see cref="Normalize"/>. A field's own name is one of them.</summary>
    private static readonly Dictionary<string, string[]> CustomerFields = new()
    {
        ["externalId"] = ["customerid", "customernumber", "customerno", "customercode", "customerref", "custid", "clientid", "accountnumber", "id"],
        ["firstName"] = ["forename", "givenname", "fname", "first"],
        ["lastName"] = ["surname", "familyname", "lname", "last"],
        ["fullName"] = ["name", "contactname", "customername", "contact", "customer"],
        ["email"] = ["emailaddress", "mail", "emailid", "contactemail"],
        ["phone"] = ["phonenumber", "telephone", "telephonenumber", "tel", "mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "contactphone"],
        ["city"] = ["town", "locality"],
        ["region"] = ["state", "province", "stateprovince", "county"],
        ["country"] = ["countrycode", "countryregion"],
        ["postalCode"] = ["postcode", "zip", "zipcode", "plz"],
        ["company"] = ["companyname", "organisation", "organization"],
        ["language"] = ["lang", "locale", "preferredlanguage"],
        ["timeZone"] = ["tz", "timezoneid"],
        ["birthday"] = ["birthdate", "dateofbirth", "dob"],
        ["tags"] = ["tag", "labels"],
        ["source"] = ["leadsource"],
        ["consent.email"] = ["consentemail", "emailconsent", "emailoptin", "acceptsemail", "acceptsemailmarketing"],
        ["consent.sms"] = ["consentsms", "smsconsent", "smsoptin", "acceptssms", "acceptssmsmarketing"],
        ["consent.whatsapp"] = ["consentwhatsapp", "whatsappconsent", "whatsappoptin"],
        ["consent.push"] = ["consentpush", "pushconsent", "pushoptin"],
    };

    private static readonly Dictionary<string, string[]> OrderFields = new()
    {
        ["orderNumber"] = ["orderid", "orderno", "order", "invoiceno", "invoicenumber", "invoiceid", "invoice", "id"],
        ["customer.externalId"] = ["customerexternalid", "customerid", "customernumber", "customerno", "customercode", "customerref", "custid", "clientid", "externalid", "customer"],
        ["customer.email"] = ["customeremail", "email", "emailaddress"],
        ["customer.phone"] = ["customerphone", "phone", "phonenumber"],
        ["amount"] = ["total", "totalprice", "totalamount", "ordertotal", "ordervalue", "grandtotal", "value"],
        ["currency"] = ["currencycode"],
        ["placedAt"] = ["orderdate", "date", "orderedon", "orderedat", "purchasedat", "purchasedate", "invoicedate", "createdat"],
        ["status"] = ["orderstatus", "state"],
        ["product"] = ["productname", "item", "description"],
        ["category"] = ["productcategory"],
    };

    private static readonly Dictionary<string, string> CustomerSynonyms = Invert(CustomerFields);
    private static readonly Dictionary<string, string> OrderSynonyms = Invert(OrderFields);

    public static IReadOnlyCollection<string> Fields(ImportKind kind) => kind == ImportKind.Customers ? CustomerFields.Keys : OrderFields.Keys;

    /// <param name="mapping">Header → field, or null to ignore it; what it does not name is mapped by name.</param>
    /// <param name="remembered">The mapping is not the caller's but the one last used.</param>
    /// <param name="attributes">Unknown columns become attributes; only customers have them.</param>
    /// <exception cref="ProblemException">There are too many columns, or too long names.</exception>
    public static IReadOnlyList<ImportColumn> Create(
        ImportKind kind, IReadOnlyList<string> headers, IReadOnlyDictionary<string, string?>? mapping = null, bool remembered = false, bool attributes = false)
    {
        if (headers.Count > MaxColumns)
        {
            throw new HeaderUnreadable($"It has {headers.Count} columns; at most {MaxColumns} are read.").ToException();
        }

        if (headers.FirstOrDefault(h => h.Length > MaxHeader) is { } endless)
        {
            throw new HeaderUnreadable($"A column's name is longer than {MaxHeader} characters: {Clip(endless)}").ToException();
        }

        var synonyms = kind == ImportKind.Customers ? CustomerSynonyms : OrderSynonyms;
        var explicitly = mapping?.ToDictionary(m => Normalize(m.Key), m => m.Value, StringComparer.Ordinal) ?? [];
        var taken = new HashSet<string>(explicitly.Values.OfType<string>(), StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var columns = new List<ImportColumn>(headers.Count);
        foreach (var header in headers)
        {
            var name = Normalize(header);
            var isFirst = seen.Add(name);
            if (ImportFile.IsReportColumn(header))
            {
                columns.Add(new(header, null, ColumnBasis.Report));
            }
            else if (kind == ImportKind.Customers && IsAttributeColumn(header) && !explicitly.ContainsKey(name) && taken.Add(header))
            {
                // As an export names them: no one else would.
                columns.Add(new(header, header));
            }
            else if (!isFirst && name.Length > 0)
            {
                columns.Add(new(header, null, ColumnBasis.Duplicate));
            }
            else if (explicitly.TryGetValue(name, out var field))
            {
                columns.Add(new(header, field, remembered ? ColumnBasis.Remembered : ColumnBasis.Mapping));
            }
            else if (synonyms.TryGetValue(name, out field))
            {
                columns.Add(taken.Add(field) ? new(header, field) : new(header, null, ColumnBasis.Duplicate));
            }
            else if (attributes && kind == ImportKind.Customers && !ExportCustomers.ReadOnlyColumns.Contains(header) && AttributeName(header) is { } key && taken.Add(AttributePrefix + key))
            {
                columns.Add(new(header, AttributePrefix + key, ColumnBasis.Attribute));
            }
            else
            {
                columns.Add(new(header, null, ColumnBasis.Unknown));
            }
        }

        return [.. columns.Select(c => c.Basis == ColumnBasis.Unknown ? c with { Suggestion = NearestName.Of(Normalize(c.Header), synonyms, taken) } : c)];
    }

    /// <summary>Reads <c>{"Kundennummer":"externalId","Fax":"attributes.fax","Notes":null}</c>.</summary>
    public static IReadOnlyDictionary<string, string?> ParseMapping(ImportKind kind, string json)
    {
        Dictionary<string, string?>? mapping;
        try
        {
            mapping = JsonSerializer.Deserialize<Dictionary<string, string?>>(json);
        }
        catch (JsonException)
        {
            mapping = null;
        }

        if (mapping is null)
        {
            throw new MappingInvalid("A JSON object of header names and field names is expected.").ToException();
        }

        ValidateMapping(kind, mapping);
        return mapping;
    }

    public static void ValidateMapping(ImportKind kind, IReadOnlyDictionary<string, string?> mapping)
    {
        var known = Fields(kind);
        foreach (var (header, field) in mapping)
        {
            var isAttribute = kind == ImportKind.Customers && field is not null && IsAttributeColumn(field);
            if (Normalize(header).Length == 0 || (field is not null && !known.Contains(field) && !isAttribute))
            {
                throw new MappingInvalid($"'{Clip(header)}' is mapped to '{Clip(field ?? "")}', which is no field of {kind}: {string.Join(", ", known)}.").ToException();
            }
        }

        if (mapping.Values.OfType<string>().GroupBy(f => f).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new MappingInvalid($"Two columns are mapped to '{twice.Key}'.").ToException();
        }

        if (mapping.Keys.GroupBy(Normalize).FirstOrDefault(g => g.Count() > 1) is { } same)
        {
            throw new MappingInvalid($"'{Clip(same.First())}' is mapped twice.").ToException();
        }
    }

    /// <summary>Letters and digits in lower case: <c>Customer ID</c>, <c>customer_id</c> and <c>CustomerID</c> are one name.</summary>
    public static string Normalize(string header)
    {
        var text = new StringBuilder(header.Length);
        foreach (var c in header)
        {
            if (char.IsLetterOrDigit(c))
            {
                text.Append(char.ToLowerInvariant(c));
            }
        }

        return text.ToString();
    }

    private static bool IsAttributeColumn(string name) =>
        name.StartsWith(AttributePrefix, StringComparison.Ordinal) && AttributeSchema.IsKey(name[AttributePrefix.Length..]);

    /// <summary><c>Contact Title</c> → <c>contactTitle</c>; null when that is no name for an attribute.</summary>
    public static string? AttributeName(string header)
    {
        var text = new StringBuilder(header.Length);
        var upper = false;
        foreach (var c in header)
        {
            if (!char.IsLetterOrDigit(c))
            {
                upper = text.Length > 0;
                continue;
            }

            text.Append(text.Length == 0 ? char.ToLowerInvariant(c) : upper ? char.ToUpperInvariant(c) : c);
            upper = false;
        }

        return text.Length is > 0 and <= 64 && char.IsLetter(text[0]) ? text.ToString() : null;
    }

    /// <summary>What an import of this kind needs, in groups of which one is enough.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Required(ImportKind kind) => kind == ImportKind.Customers
        ? [["externalId", "email", "phone"]]
        : [["orderNumber"], ["customer.externalId", "customer.email", "customer.phone"], ["amount"]];

    /// <returns>The group of which no field has a column, or null when nothing is missing.</returns>
    public static IReadOnlyList<string>? Missing(ImportKind kind, IReadOnlyList<ImportColumn> columns) =>
        Required(kind).FirstOrDefault(group => !columns.Any(c => c.Field is not null && group.Contains(c.Field)));

    /// <exception cref="ProblemException">Nothing usable, or a required column missing.</exception>
    public static void Require(ImportKind kind, IReadOnlyList<ImportColumn> columns)
    {
        if (columns.All(c => c.Field is null || c.Field.StartsWith(AttributePrefix, StringComparison.Ordinal)))
        {
            throw new NoUsableColumn(
                kind.ToString().ToLowerInvariant(), Clip(string.Join(", ", columns.Take(20).Select(c => c.Header)), 200), string.Join(", ", Fields(kind))).ToException();
        }

        if (Missing(kind, columns) is { } group)
        {
            var near = columns.Where(c => c.Suggestion is not null).Take(3).Select(c => $"'{Clip(c.Header)}' may be {c.Suggestion}").ToList();
            throw new RequiredColumnMissing((group.Count == 1 ? "" : "one of ") + string.Join(", ", group), near.Count > 0 ? $" ({string.Join(", ", near)})" : "").ToException();
        }
    }

    private static Dictionary<string, string> Invert(Dictionary<string, string[]> fields)
    {
        var synonyms = new Dictionary<string, string>();
        foreach (var field in fields.Keys)
        {
            synonyms.Add(Normalize(field), field);
        }

        foreach (var (field, names) in fields)
        {
            foreach (var name in names)
            {
                synonyms.TryAdd(name, field);
            }
        }

        return synonyms;
    }

    private static string Clip(string text, int length = 60) => text.Length <= length ? text : text[..length] + "…";
}
