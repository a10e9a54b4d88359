using System.Globalization;
using System.Text.Json;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

public enum AttributeType
{
    String,
    Number,
    Boolean,

    /// <summary>A day: <c>2026-01-31</c>.</summary>
    Date,

    /// <summary>A time, stored in UTC with milliseconds so that texts sort as times do.</summary>
    DateTime,
}

/// <summary>Values of custom attributes: which type they suggest, and their one form in it. Pure.</summary>
public static class AttributeValues
{
    // Beyond it a double, which is what Cosmos keeps, does not tell neighbouring integers apart.
    private const double MaxInteger = 9_007_199_254_740_992;

    private static readonly string[] TimeFormats =
    [
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    /// <summary>The type that a value has by itself.</summary>
    /// <param name="fromText">It comes from a file, where everything is text: what is spelt as a number or a truth value is one.</param>
    public static AttributeType Suggest(JsonElement value, bool fromText)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Number:
                return AttributeType.Number;
            case JsonValueKind.True or JsonValueKind.False:
                return AttributeType.Boolean;
        }

        var text = value.GetString()!;
        return IsDay(text, out _) ? AttributeType.Date
            : IsTime(text, out _) ? AttributeType.DateTime
            : fromText && IsPlainNumber(text) ? AttributeType.Number
            : fromText && text is "true" or "false" or "TRUE" or "FALSE" or "True" or "False" ? AttributeType.Boolean
            : AttributeType.String;
    }

    /// <summary>The type of an attribute whose first values suggest these two.</summary>
    public static AttributeType Unite(AttributeType a, AttributeType b, bool fromText) => (a, b) switch
    {
        _ when a == b => a,
        (AttributeType.Date, AttributeType.DateTime) or (AttributeType.DateTime, AttributeType.Date) => AttributeType.DateTime,

        // Whatever a file holds is a text too. In JSON only dates are: a number beside a text is a conflict, and the first decides.
        _ when fromText || (IsText(a) && IsText(b)) => AttributeType.String,
        _ => a,
    };

    /// <param name="problem">What was expected, when it does not fit.</param>
    /// <returns>The value as it is stored; null when it does not fit the type.</returns>
    public static JsonElement? Normalize(AttributeType type, JsonElement value, bool fromText, out string? problem)
    {
        problem = null;
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : null;
        switch (type)
        {
            case AttributeType.String when text is not null:
                return value;
            case AttributeType.Number when value.ValueKind == JsonValueKind.Number:
                return IsNumber(value) ? value : Refuse("A number of at most 15 digits is expected: what is longer is a text.", out problem);
            case AttributeType.Number when fromText && text is not null && IsDecimal(text):
                return ToNumber(text) is { } number && IsNumber(number) ? number : Refuse("A number of at most 15 digits is expected: what is longer is a text.", out problem);
            case AttributeType.Boolean when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                return value;
            case AttributeType.Boolean when fromText && text is not null && ToBoolean(text) is { } yes:
                return yes;
            case AttributeType.Date when text is not null && IsDay(text, out _):
                return value;
            case AttributeType.DateTime when text is not null && (IsTime(text, out var time) || IsDay(text, out time)):
                var stored = UtcTimeConverter.Write(time);
                return stored == text ? value : JsonSerializer.SerializeToElement(stored);
            default:
                return Refuse($"The attribute's type is {NameOf(type)}: {Expected(type, fromText)} is expected.", out problem);
        }
    }

    public static string NameOf(AttributeType type) => JsonNamingPolicy.CamelCase.ConvertName(type.ToString());

    private static string Expected(AttributeType type, bool fromText) => type switch
    {
        AttributeType.String => "a text",
        AttributeType.Number => fromText ? "a plain number such as 1234.5" : "a number, not a text,",
        AttributeType.Boolean => fromText ? "true or false" : "true or false, not a text,",
        AttributeType.Date => "a date such as 2026-01-31",
        _ => "a time in ISO 8601 such as 2026-01-31T08:15:00Z",
    };

    private static JsonElement? Refuse(string message, out string? problem)
    {
        problem = message;
        return null;
    }

    private static bool IsText(AttributeType type) => type is AttributeType.String or AttributeType.Date or AttributeType.DateTime;

    private static bool IsNumber(JsonElement value) =>
        value.TryGetDouble(out var number) && double.IsFinite(number) && (Math.Abs(number) < MaxInteger || value.GetRawText().AsSpan().IndexOfAny("eE") >= 0);

    /// <summary>As a number is written that nobody keeps for its digits: <c>007</c> and <c>+41446681800</c> are texts.</summary>
    private static bool IsPlainNumber(string text)
    {
        var digits = text.StartsWith('-') ? text.AsSpan(1) : text;
        return digits.Length is > 0 and <= 15 && IsDecimal(text) && (digits[0] != '0' || digits.Length == 1 || digits[1] == '.') && digits.IndexOfAny("eE") < 0;
    }

    private static bool IsDecimal(string text)
    {
        try
        {
            return text.Length <= 40 && text[0] is '-' or (>= '0' and <= '9') && text[^1] is >= '0' and <= '9'
                && JsonElement.Parse(text) is { ValueKind: JsonValueKind.Number };
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonElement? ToNumber(string text) => JsonElement.Parse(text);

    private static JsonElement? ToBoolean(string text) => text.ToLowerInvariant() switch
    {
        "true" or "yes" or "1" => JsonElement.Parse("true"),
        "false" or "no" or "0" => JsonElement.Parse("false"),
        _ => null,
    };

    private static bool IsDay(string text, out DateTimeOffset midnight)
    {
        var isDay = DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day);
        midnight = new(day, default, TimeSpan.Zero);
        return isDay;
    }

    private static bool IsTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
}
