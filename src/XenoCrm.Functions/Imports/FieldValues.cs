using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;

namespace XenoCrm.Imports;

/// <summary>Text of a file → values. No guesses: what can be read in two ways is an error.</summary>
public static partial class FieldValues
{
    private static readonly SearchValues<char> Decimal = SearchValues.Create("0123456789.");

    /// <summary>Between groups of digits: point, comma, the spaces that do not break lines, apostrophes.</summary>
    private static readonly SearchValues<char> GroupSigns = SearchValues.Create(".,' \u00A0\u202F\u2019");

    private static readonly string[] Iso =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.FFFFFFF",
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
        "yyyyMMdd",
    ];

    /// <summary>
    /// Without a separator plain decimals: <c>1234.5</c>, <c>-0.99</c>; neither grouping nor exponents, <c>1.234</c> is one
    /// and a bit. With one also grouped: <c>1.234,56</c> for a comma, <c>1,234.56</c> and <c>12,34,567.00</c> for a point.
    /// </summary>
    /// <returns>Null when read, else the code of what is wrong.</returns>
    public static string? Amount(ReadOnlySpan<char> text, char? separator, out decimal value)
    {
        var sign = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        var number = separator is { } point ? Ungroup(text[sign..], point) : Plain(text[sign..]);
        value = 0;
        if (number is null)
        {
            return separator is null && (Ungroup(text[sign..], ',') ?? Ungroup(text[sign..], '.')) is not null
                ? RowCodes.AmountAmbiguous : RowCodes.AmountInvalid;
        }

        // 40 digits are a number, only too large a one.
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value))
        {
            return RowCodes.AmountOutOfRange;
        }

        value = sign == 1 && text[0] == '-' ? -value : value;
        return null;
    }

    private static string? Plain(ReadOnlySpan<char> text) =>
        !text.ContainsAnyExcept(Decimal) && text.Count('.') <= 1 && text.ContainsAnyInRange('0', '9') ? text.ToString() : null;

    /// <returns>Digits with at most a point, or null when the groups are not of three (or, in the Indian way, of two and a last of three).</returns>
    private static string? Ungroup(ReadOnlySpan<char> text, char point)
    {
        var end = text.LastIndexOf(point);
        var whole = end < 0 ? text : text[..end];
        var fraction = end < 0 ? [] : text[(end + 1)..];
        if (fraction.ContainsAnyExceptInRange('0', '9') || (whole.IsEmpty && fraction.IsEmpty))
        {
            return null;
        }

        var digits = new System.Text.StringBuilder(text.Length);
        var first = whole.IndexOfAnyExceptInRange('0', '9');
        if (first < 0)
        {
            return digits.Append(whole).Append('.').Append(fraction).ToString();
        }

        var group = whole[first];
        if (first is 0 or > 3 || group == point || !GroupSigns.Contains(group))
        {
            return null;
        }

        digits.Append(whole[..first]);
        var rest = whole[(first + 1)..];
        while (true)
        {
            var next = rest.IndexOf(group);
            var part = next < 0 ? rest : rest[..next];
            if (part.ContainsAnyExceptInRange('0', '9') || (part.Length != 3 && (next < 0 || part.Length != 2)))
            {
                return null;
            }

            digits.Append(part);
            if (next < 0)
            {
                return digits.Append('.').Append(fraction).ToString();
            }

            rest = rest[(next + 1)..];
        }
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
        RowCodes.AmountInvalid => "A number is expected, such as 1234.56: no exponent, no currency sign, no brackets.",
        RowCodes.AmountAmbiguous => "Comma or point for the decimals? Write 1234.56, or say what the file has with decimalSeparator=, or decimalSeparator=. and its numbers may be grouped.",
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
