using System.Globalization;
using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

/// <summary>The value of one rule while it is read: what does not fit is noted with its pointer.</summary>
public sealed class RuleValue(JsonElement json, string pointer, RuleErrors errors)
{
    public const int MaxListLength = 500;
    public const int MaxTextLength = 256;

    // Beyond it a double does not tell neighbouring integers apart.
    private const decimal MaxMinorUnits = 9_007_199_254_740_992m;

    public JsonElement Json { get; } = json;

    /// <summary>Of the value, or of all elements of a list when they are of one kind (true and false are two); else Undefined.</summary>
    public JsonValueKind Kind
    {
        get
        {
            if (Json.ValueKind != JsonValueKind.Array)
            {
                return Json.ValueKind;
            }

            var kinds = Json.EnumerateArray().Select(e => e.ValueKind).Distinct().Take(2).ToList();
            return kinds.Count == 1 ? kinds[0] : JsonValueKind.Undefined;
        }
    }

    /// <summary>One day or time.</summary>
    public bool IsTime => Json.ValueKind == JsonValueKind.String && Period(Json.GetString()!, datesOnly: false) is not null;

    public void Refuse(string message) => errors.Add(pointer, message);

    /// <param name="check">Says what is wrong with a text, null when nothing.</param>
    public string[]? Texts(RuleOperator op, Func<string, string?>? check = null) => Values(op, (element, at) =>
    {
        if (element.ValueKind != JsonValueKind.String || element.GetString() is not { } text)
        {
            errors.Add(at, "A text is expected.");
            return null;
        }

        var wrong = text.Length == 0 ? "The text must not be empty; use null for a missing value."
            : text.Length > MaxTextLength ? $"At most {MaxTextLength} characters are allowed."
            : check?.Invoke(text);
        if (wrong is not null)
        {
            errors.Add(at, wrong);
            return null;
        }

        return text;
    });

    public double[]? Numbers(RuleOperator op) => Ordered(op, Values(op, (element, at) =>
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var number) && double.IsFinite(number))
        {
            return (double?)number;
        }

        errors.Add(at, "A number is expected, not a text.");
        return null;
    }));

    /// <summary>Minor units; a fraction of one stays, so that <c>&gt; 10.005</c> is what it says.</summary>
    public double[]? Amounts(RuleOperator op, string currency) => Ordered(op, Values(op, (element, at) =>
    {
        var scale = 1m;
        for (var i = 0; i < Money.Digits(currency); i++)
        {
            scale *= 10;
        }

        if (element.ValueKind == JsonValueKind.Number && element.TryGetDecimal(out var amount) && Math.Abs(amount) <= MaxMinorUnits / scale)
        {
            return (double?)(double)(amount * scale);
        }

        errors.Add(at, $"An amount in {currency} as a number is expected, such as 99.95.");
        return null;
    }));

    /// <summary>A test against a time, a day, two of them, or a duration, as the operator wants.</summary>
    public RuleTest? Times(RuleOperator op, bool datesOnly, Func<Customer, long?> get, RuleField field)
    {
        if (op is RuleOperator.InLast or RuleOperator.NotInLast or RuleOperator.AnniversaryWithin)
        {
            return Duration(op) is { } duration ? new TimeTest(field, op, Json, get, [], duration) : null;
        }

        var periods = Values(op, (element, at) =>
        {
            if (element.ValueKind == JsonValueKind.String && element.GetString() is { } text && Period(text, datesOnly) is { } period)
            {
                return (Period?)period;
            }

            errors.Add(at, datesOnly ? "A date is expected, such as 1990-04-01." : "A time in ISO 8601 or a date is expected, such as 2026-01-31T08:15:00Z or 2026-01-31.");
            return null;
        });
        if (periods is [{ } first, { } last] && first.From > last.From)
        {
            Refuse("The first value must not be greater than the second.");
            return null;
        }

        return periods is null ? null : new TimeTest(field, op, Json, get, [.. periods.Select(p => p!.Value)], default);
    }

    private RuleDuration? Duration(RuleOperator op)
    {
        if (Json.ValueKind != JsonValueKind.String || Json.GetString() is not { } text)
        {
            Refuse("A duration in ISO 8601 is expected, such as P90D, P6M or PT12H.");
            return null;
        }

        if (!RuleDuration.TryParse(text, out var duration, out var reason))
        {
            Refuse(reason);
            return null;
        }

        // Longer, every date of the past would have an anniversary.
        if (op == RuleOperator.AnniversaryWithin && duration.After(LeapYear) > LeapYear.AddYears(1))
        {
            Refuse("At most one year is allowed.");
            return null;
        }

        return duration;
    }

    private static readonly DateTime LeapYear = new(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static Period? Period(string text, bool datesOnly)
    {
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day.Year < DateOnly.MaxValue.Year)
        {
            return Segments.Period.Day(day);
        }

        return !datesOnly
            && DateTimeOffset.TryParseExact(text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            && time.Year < DateTime.MaxValue.Year
                ? Segments.Period.Instant(time)
                : null;
    }

    private static readonly string[] TimeFormats =
    [
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
    ];

    private double[]? Ordered(RuleOperator op, double?[]? numbers)
    {
        if (op is RuleOperator.Between or RuleOperator.NotBetween && numbers is [var first, var last] && first > last)
        {
            Refuse("The first value must not be greater than the second.");
            return null;
        }

        return numbers is null ? null : [.. numbers.Select(n => n!.Value)];
    }

    /// <summary>One value, two for a range, a list for <c>in</c>: each read, or null after an error.</summary>
    private T[]? Values<T>(RuleOperator op, Func<JsonElement, string, T?> read)
    {
        if (op is not (RuleOperator.In or RuleOperator.NotIn or RuleOperator.Between or RuleOperator.NotBetween))
        {
            return read(Json, pointer) is { } value ? [value] : null;
        }

        if (Json.ValueKind != JsonValueKind.Array)
        {
            Refuse("A list of values is expected.");
            return null;
        }

        var range = op is RuleOperator.Between or RuleOperator.NotBetween;
        var count = Json.GetArrayLength();
        if (range ? count != 2 : count is 0 or > MaxListLength)
        {
            Refuse(range ? "Exactly two values are expected." : $"From 1 to {MaxListLength} values are expected.");
            return null;
        }

        errors.CountValues(count, pointer);
        var values = new T[count];
        var good = true;
        for (var i = 0; i < count; i++)
        {
            if (read(Json[i], $"{pointer}/{i}") is { } value)
            {
                values[i] = value;
            }
            else
            {
                good = false;
            }
        }

        return good ? values : null;
    }
}
