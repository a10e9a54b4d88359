using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Imports;

/// <summary>Rows of a customers file → drafts, each value checked, every problem of a row reported.</summary>
public sealed class CustomerRows(IReadOnlyList<ImportColumn> columns, string[]? dateFormats)
{
    private readonly RowText text = new(columns);
    private readonly List<FieldIssue> issues = [];
    private readonly FileKeys keys = new();

    public void Read(CsvRows row, ImportRun run)
    {
        if (!text.Read(row, run))
        {
            return;
        }

        var before = run.Issues.Count;
        var (first, last) = (text["firstName"], text["lastName"]);
        if (first is null && last is null)
        {
            (first, last) = CustomerNormalizer.SplitName(text["fullName"]);
        }

        var input = new CustomerInput
        {
            ExternalId = text["externalId"],
            FirstName = first,
            LastName = last,
            Email = text["email"],
            Phone = text["phone"],
            City = text["city"],
            Region = text["region"],
            Country = text["country"],
            PostalCode = text["postalCode"],
            Company = text["company"],
            Language = text["language"],
            TimeZone = text["timeZone"],
            Birthday = Birthday(run, row.Row),
            Tags = text["tags"]?.Split([',', ';', '|'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            Source = text["source"],
            Attributes = Attributes(),
            Consent = Consent(run, row.Row),
        };

        issues.Clear();
        var draft = CustomerNormalizer.Normalize(input, issues);
        foreach (var issue in issues)
        {
            run.Add(text.Issue(row.Row, FieldOf(issue.Field), issue.Code, issue.Message, issue.IsWarning));
        }

        for (var i = before; i < run.Issues.Count; i++)
        {
            if (!run.Issues[i].Warning)
            {
                return;
            }
        }

        run.Customers.Add(new(draft, row.Row));
        Compare(row, draft, run);
    }

    /// <summary>The same row again is harmless; the same person with other values may be a mistake in the file. The later row wins.</summary>
    private void Compare(CsvRows row, CustomerDraft draft, ImportRun run)
    {
        var entry = new FileKeys.Entry(row.Row, FileKeys.Hash(row.Raw), 0);
        var byId = draft.ExternalId is { } id ? keys.Exchange("id", id, entry) : null;
        var byEmail = draft.Email is { } email ? keys.Exchange("email", email.ToLowerInvariant(), entry) : null;
        if ((byId ?? byEmail) is { } earlier && earlier.Bytes != entry.Bytes)
        {
            run.Add(text.Issue(row.Row, byId is null ? "email" : "externalId", RowCodes.DuplicateInFile,
                $"Row {earlier.Row} is about the same customer and has other values. Where both have one, this row's is kept.", warning: true));
        }
    }

    private DateOnly? Birthday(ImportRun run, long row)
    {
        if (text["birthday"] is not { } value)
        {
            return null;
        }

        if (FieldValues.Day(value, dateFormats, out var day) is { } code)
        {
            run.Add(text.Issue(row, "birthday", code, FieldValues.Explain(code)));
            return null;
        }

        return day;
    }

    private Dictionary<string, JsonElement>? Attributes()
    {
        Dictionary<string, JsonElement>? attributes = null;
        foreach (var (name, field) in text.Attributes)
        {
            if (text.At(field) is { } value)
            {
                (attributes ??= [])[name] = JsonSerializer.SerializeToElement(value);
            }
        }

        return attributes;
    }

    private Dictionary<string, ConsentInput>? Consent(ImportRun run, long row)
    {
        Dictionary<string, ConsentInput>? consent = null;
        foreach (var channel in CustomerNormalizer.Channels)
        {
            if (text["consent." + channel] is not { } value)
            {
                continue;
            }

            if (FieldValues.YesOrNo(value) is { } given)
            {
                (consent ??= [])[channel] = new(given ? ConsentState.Granted : ConsentState.Withdrawn);
            }
            else
            {
                run.Add(text.Issue(row, "consent." + channel, RowCodes.ValueUnknown, "Yes or no is expected."));
            }
        }

        return consent;
    }

    // The full name is where a first or last name came from when there is no such column.
    private string FieldOf(string field) => field switch
    {
        "firstName" or "lastName" when !text.Has(field) => "fullName",
        _ => field.Replace('/', '.'),
    };
}
