using System.Text;

namespace XenoCrm.Customers;

/// <summary>
/// What a search by prefix compares with, kept beside the values in one list, in lower case: one index on
/// <c>search[]</c> answers in one range what six conditions ignoring case would have to look up path by path, and a name,
/// whether it is typed from the first name or from the last, and a phone in any spelling, can be found at all. Over 3,000
/// customers a search is 9 RU instead of 99 (the six paths are read by value, so it grows with them), for 0.75 RU on a write that
/// changes a name (the emulator's estimate; <c>CustomerCostTests</c>).
/// </summary>
public static class CustomerSearch
{
    /// <summary>A longer text is compared in its beginning only.</summary>
    public const int MaxPrefix = 100;

    /// <summary>Full name (which begins with the first name), last name, company, email, external id, and the phone's digits.</summary>
    public static IReadOnlyList<string>? TermsOf(Customer c)
    {
        var terms = new List<string>(8);
        Add(terms, c is { FirstName: { } first, LastName: { } last } ? $"{first} {last}" : c.FirstName);
        Add(terms, c.LastName);
        Add(terms, c.Company);
        Add(terms, c.Email);
        Add(terms, c.ExternalId);
        if (c.Phone is { } phone)
        {
            Add(terms, PhoneTerm(phone));
            Add(terms, c.PhoneUsable ? PhoneNumbers.National(phone) : null);
        }

        return terms.Count == 0 ? null : c.Search is { } old && old.SequenceEqual(terms) ? old : terms;
    }

    public static string? SortNameOf(Customer c)
    {
        var name = $"{c.LastName} {c.FirstName}".Trim().ToLowerInvariant();
        return name.Length == 0 ? null : name == c.SortName ? c.SortName : name;
    }

    /// <summary>The prefixes that a search for a text looks for: the text, and as a phone number when it can be one.</summary>
    public static IReadOnlyList<string> PrefixesOf(string q)
    {
        var text = string.Join(' ', q.Normalize().ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var prefix = text.Length > MaxPrefix ? text[..MaxPrefix] : text;
        return PhoneTerm(text) is { Length: >= 3 } digits && text.All(c => char.IsAsciiDigit(c) || " +-./()".Contains(c)) && digits != prefix
            ? [prefix, digits]
            : [prefix];
    }

    /// <summary>The digits without what only dialling needs: <c>+41 (0)44 668</c>, <c>0041 44 668</c> → <c>4144668</c>; <c>044 668</c> → <c>44668</c>.</summary>
    private static string? PhoneTerm(string phone)
    {
        var digits = new StringBuilder(phone.Length);
        foreach (var c in phone.Replace("(0)", "", StringComparison.Ordinal))
        {
            if (char.IsAsciiDigit(c) && (c != '0' || digits.Length > 0))
            {
                digits.Append(c);
            }
        }

        return digits.Length == 0 ? null : digits.ToString();
    }

    private static void Add(List<string> terms, string? value)
    {
        if (value?.ToLowerInvariant() is { } term && !terms.Exists(t => t.StartsWith(term, StringComparison.Ordinal)))
        {
            terms.Add(term);
        }
    }
}
