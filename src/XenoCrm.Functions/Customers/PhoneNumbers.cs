using System.Buffers;
using System.Collections.Frozen;

namespace XenoCrm.Customers;

/// <summary>
/// Phone numbers to E.164, where that is certain. International notation is; a national number is only when the
/// numbering plan of its country is in the table below and the number has a shape of that plan. Anything else is not
/// guessed: a message to a wrong number reaches a stranger. Sources: ITU-T E.164 national numbering plans.
/// </summary>
public static class PhoneNumbers
{
    /// <summary>How a country writes its numbers at home.</summary>
    /// <param name="Code">Country calling code.</param>
    /// <param name="Trunk">Written before a national number and dropped in E.164; empty where there is none.</param>
    /// <param name="TrunkRequired">
    /// In plans of variable length only the trunk prefix tells a full number from a local one.
    /// </param>
    /// <param name="First">The digits that a national number may begin with.</param>
    private sealed record Plan(string Code, string Trunk, bool TrunkRequired, int Min, int Max, string First);

    private static readonly SearchValues<char> Separators = SearchValues.Create(" -./()\u00a0\u2009\u2010\u2011\u2013");

    // Where the trunk prefix is optional the length is fixed, and a number without the prefix is as certain.
    // Italy keeps its leading zero. Countries with ambiguous habits (Argentina, Brazil's carrier codes, …) are left out on purpose.
    private static readonly FrozenDictionary<string, Plan> Plans = new (string[] Names, Plan Plan)[]
    {
        (["US", "USA", "United States", "United States of America"], new("1", "1", false, 10, 10, "23456789")),
        (["CA", "CAN", "Canada"], new("1", "1", false, 10, 10, "23456789")),
        (["GB", "GBR", "UK", "United Kingdom", "Great Britain"], new("44", "0", true, 10, 10, "1235789")),
        (["IE", "IRL", "Ireland"], new("353", "0", true, 7, 9, "12456789")),
        (["DE", "DEU", "Germany", "Deutschland"], new("49", "0", true, 7, 11, "123456789")),
        (["AT", "AUT", "Austria", "Österreich"], new("43", "0", true, 7, 12, "123456789")),
        (["CH", "CHE", "Switzerland", "Schweiz", "Suisse"], new("41", "0", true, 9, 9, "23456789")),
        (["FR", "FRA", "France"], new("33", "0", true, 9, 9, "12345679")),
        (["BE", "BEL", "Belgium"], new("32", "0", true, 8, 9, "123456789")),
        (["NL", "NLD", "Netherlands", "The Netherlands"], new("31", "0", true, 9, 9, "12345678")),
        (["ES", "ESP", "Spain", "España"], new("34", "", false, 9, 9, "6789")),
        (["PT", "PRT", "Portugal"], new("351", "", false, 9, 9, "239")),
        (["IT", "ITA", "Italy", "Italia"], new("39", "", false, 9, 11, "03")),
        (["PL", "POL", "Poland", "Polska"], new("48", "", false, 9, 9, "12345678")),
        (["CZ", "CZE", "Czechia", "Czech Republic"], new("420", "", false, 9, 9, "234567")),
        (["DK", "DNK", "Denmark", "Danmark"], new("45", "", false, 8, 8, "23456789")),
        (["NO", "NOR", "Norway", "Norge"], new("47", "", false, 8, 8, "2345679")),
        (["SE", "SWE", "Sweden", "Sverige"], new("46", "0", true, 7, 9, "123456789")),
        (["FI", "FIN", "Finland", "Suomi"], new("358", "0", true, 6, 10, "123456789")),
        (["GR", "GRC", "Greece"], new("30", "", false, 10, 10, "26")),
        (["TR", "TUR", "Turkey", "Türkiye"], new("90", "0", false, 10, 10, "2345")),
        (["IN", "IND", "India"], new("91", "0", false, 10, 10, "6789")),
        (["AU", "AUS", "Australia"], new("61", "0", true, 9, 9, "23478")),
        (["NZ", "NZL", "New Zealand"], new("64", "0", true, 8, 10, "234679")),
        (["JP", "JPN", "Japan"], new("81", "0", true, 9, 10, "123456789")),
        (["SG", "SGP", "Singapore"], new("65", "", false, 8, 8, "3689")),
        (["HK", "HKG", "Hong Kong"], new("852", "", false, 8, 8, "235679")),
        (["ZA", "ZAF", "South Africa"], new("27", "0", true, 9, 9, "12345678")),
        (["MX", "MEX", "Mexico", "México"], new("52", "", false, 10, 10, "23456789")),
        (["CO", "COL", "Colombia"], new("57", "", false, 10, 10, "36")),
    }.SelectMany(row => row.Names.Select(name => (name, row.Plan)))
        .ToFrozenDictionary(row => row.name, row => row.Plan, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Codes = Plans.Values.Select(p => p.Code).ToFrozenSet();

    /// <param name="text">As written, trimmed.</param>
    /// <param name="country">A code or an English name; null when unknown.</param>
    /// <returns><c>+</c> and 8 to 15 digits, or null when no number is certain.</returns>
    public static string? ToE164(string text, string? country)
    {
        // '+' or '00', then perhaps '(0)' as in +49 (0) 30: a trunk prefix that is only dialled at home.
        var international = text.StartsWith('+') || text.StartsWith("00", StringComparison.Ordinal);
        if (international)
        {
            text = text.Replace("(0)", "", StringComparison.Ordinal);
        }

        Span<char> buffer = stackalloc char[24];
        if (!TryDigits(text.AsSpan(text.StartsWith('+') ? 1 : 0), buffer, out var length))
        {
            return null;
        }

        ReadOnlySpan<char> digits = buffer[..length];
        if (international)
        {
            digits = text.StartsWith('+') ? digits : digits[2..];
            return digits.Length is >= 8 and <= 15 && digits[0] != '0' ? $"+{digits}" : null;
        }

        if (country is null || !Plans.TryGetValue(country, out var plan))
        {
            return null;
        }

        var hasTrunk = plan.Trunk.Length > 0 && digits.StartsWith(plan.Trunk) && digits.Length > plan.Min;
        if (plan.TrunkRequired && !hasTrunk)
        {
            return null;
        }

        var national = hasTrunk ? digits[plan.Trunk.Length..] : digits;
        return national.Length >= plan.Min && national.Length <= plan.Max && plan.First.Contains(national[0]) && (plan.Code != "1" || IsNorthAmerican(national))
            ? $"+{plan.Code}{national}"
            : null;
    }

    /// <summary>The number without its country's code, as it is found when someone types it as at home; null when the country is not in the table.</summary>
    /// <param name="e164">From <see cref="ToE164"/>.</param>
    public static string? National(string e164)
    {
        for (var length = 1; length <= 3 && length + 1 < e164.Length; length++)
        {
            if (Codes.Contains(e164.Substring(1, length)))
            {
                return e164[(length + 1)..];
            }
        }

        return null;
    }

    // Area code and exchange both begin with 2 to 9.
    private static bool IsNorthAmerican(ReadOnlySpan<char> national) => national[3] >= '2';

    private static bool TryDigits(ReadOnlySpan<char> text, Span<char> digits, out int length)
    {
        length = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c))
            {
                if (length == digits.Length)
                {
                    return false;
                }

                digits[length++] = c;
            }
            else if (!Separators.Contains(c))
            {
                return false;
            }
        }

        return length >= 2;
    }
}
