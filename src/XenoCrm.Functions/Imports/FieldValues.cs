using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;

namespace XenoCrm.Imports;

/// <summary>Text of a file → values. No guesses: what can be read in two ways is an error.</summary>
public static partial class FieldValues
{
    private static readonly SearchValues<char> Decimal = SearchValues.Create("0123456789.");

    private static readonly string[] Iso =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.FFFFFFF",
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
        "yyyyMMdd",
    ];

    /// <summary>Plain decimals: <c>1234.5</c>, <c>-0.99</c>. Neither grouping nor exponents: <c>1.234</c> is one and a bit.</summary>
    /// <returns>Null when read, else the code of what is wrong.</returns>
    public static string? Amount(ReadOnlySpan<char> text, out decimal value)
    {
        if (!decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value))
        {
            // 40 digits are a number, only too large a one.
            return !text.TrimStart("+-").ContainsAnyExcept(Decimal) && text.Count('.') <= 1 && text.ContainsAnyInRange('0', '9')
                ? RowCodes.AmountOutOfRange : RowCodes.AmountInvalid;
        }

        return null;
    }

    /// <summary>ISO 8601, or the format that the file is said to have. A time without an offset is UTC.</summary>
    /// <param name="formats">From <see cref="DateFormats"/>; null when the file does not say.</param>
    public static string? Time(ReadOnlySpan<char> text, string[]? formats, out DateTimeOffset value)
    {
        if (text.Length == 10 && text[4] == '-' && text[7] == '-' && DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            value = new(day, default, TimeSpan.Zero);
            return null;
        }

        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (DateTimeOffset.TryParseExact(text, Iso, CultureInfo.InvariantCulture, Utc, out value)
            || (formats is not null && DateTimeOffset.TryParseExact(text, formats, CultureInfo.InvariantCulture, Utc, out value)))
        {
            return null;
        }

        return formats is null && DayFirstOrMonthFirst().IsMatch(text) ? RowCodes.DateAmbiguous : RowCodes.DateInvalid;
    }

    /// <summary>As <see cref="Time"/> for a day without a time of day.</summary>
    public static string? Day(ReadOnlySpan<char> text, string[]? formats, out DateOnly value)
    {
        var code = Time(text, formats, out var time);
        value = DateOnly.FromDateTime(time.DateTime);
        return code;
    }

    /// <summary>The formats to try for what a caller says: one or two digits for day and month, with and without the time.</summary>
    /// <returns>Null when the format is not supported.</returns>
    public static string[]? DateFormats(string format)
    {
        if (format.Length > 30 || DateFormat().Match(format) is not { Success: true } match)
        {
            return null;
        }

        var date = match.Groups["date"].Value;
        if (!date.Contains('d') || !date.Contains('M') || !date.Contains('y'))
        {
            return null;
        }

        // One letter reads one digit or two: 1/2/2026 fits dd/MM/yyyy as people write it. The separators are quoted,
        // a bare / would stand for the culture's.
        date = date.Replace("dd", "d").Replace("MM", "M").Replace("/", "'/'");
        return [date, date + " H:mm", date + " H:mm:ss", date + "'T'H:mm", date + "'T'H:mm:ss"];
    }

    /// <summary>For people.</summary>
    public static string Explain(string code) => code switch
    {
        RowCodes.AmountInvalid => "A plain decimal is expected, such as 1234.56: no grouping, no exponent, no currency sign.",
        RowCodes.AmountOutOfRange => "That many digits are no amount.",
        RowCodes.DateAmbiguous => "Day or month first? Write yyyy-MM-dd, or say what the file has with dateFormat=dd/MM/yyyy or dateFormat=MM/dd/yyyy.",
        _ => "A date is expected, such as 2026-01-31 or 2026-01-31T08:15:00Z, or in the file's dateFormat.",
    };

    /// <summary>Whether a consent was given: null when the text says neither.</summary>
    public static bool? YesOrNo(ReadOnlySpan<char> text) => text switch
    {
        _ when Is(text, "yes", "y", "true", "1", "granted", "subscribed") || Is(text, "opt-in", "optin", "ja", "x", "t", "on") => true,
        _ when Is(text, "no", "n", "false", "0", "withdrawn", "unsubscribed") || Is(text, "opt-out", "optout", "nein", "f", "off", "denied") => false,
        _ => null,
    };

    private static bool Is(ReadOnlySpan<char> text, string a, string b, string c, string d, string e, string f) =>
        text.Equals(a, StringComparison.OrdinalIgnoreCase) || text.Equals(b, StringComparison.OrdinalIgnoreCase)
        || text.Equals(c, StringComparison.OrdinalIgnoreCase) || text.Equals(d, StringComparison.OrdinalIgnoreCase)
        || text.Equals(e, StringComparison.OrdinalIgnoreCase) || text.Equals(f, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"^\d{1,2}[/.\-]\d{1,2}[/.\-](\d{4}|\d{2})([ T].*)?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex DayFirstOrMonthFirst();

    [GeneratedRegex(@"^(?<date>(dd?|MM?|yyyy)([/.\-])(dd?|MM?|yyyy)([/.\-])(dd?|MM?|yyyy))([ T]HH?:mm(:ss)?)?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex DateFormat();
}
