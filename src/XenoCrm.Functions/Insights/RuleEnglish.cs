using System.Globalization;
using System.Text.Json;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>
/// A rule in English: so that a person sees what a rule means that was made from a sentence. <see cref="TextToRule"/> reads
/// it again as the same rule; the tests hold the two together.
/// </summary>
/// <param name="masked">For what leaves the house: values that are about persons are left out.</param>
/// <param name="segmentName">Of an id.</param>
internal sealed class RuleEnglish(string currency, bool masked = false, Func<string, string?>? segmentName = null)
{
    private static readonly HashSet<string> Personal = ["externalId", "firstName", "lastName", "email", "phone", "postalCode", "company"];

    public string Of(CompiledRule rule) => rule.Root.Rules.Count == 0 ? "All customers" : "Customers who " + Group(rule.Root, outermost: true);

    private string Node(RuleNode node) => node switch
    {
        RuleGroup group => Group(group, outermost: false),
        RuleTest test => Test(test),
        _ => throw new InvalidOperationException(node.GetType().Name),
    };

    private string Group(RuleGroup group, bool outermost)
    {
        var parts = string.Join(group.Any ? " or " : " and ", group.Rules.Select(Node));
        return group.Not ? $"not ({parts})" : outermost || group.Rules.Count == 1 ? parts : $"({parts})";
    }

    private string Test(RuleTest test)
    {
        var name = test.Field.Name;
        return (name, test.Operator) switch
        {
            ("segments", _) => Listed(test, "are in the segment", "are not in the segment"),
            ("tags", RuleOperator.Null) => "have no tags",
            ("tags", RuleOperator.NotNull) => "have tags",
            ("tags", _) => Listed(test, "are tagged", "are not tagged"),
            ("rfm.segment", RuleOperator.Null or RuleOperator.NotNull) => Presence(test, "an RFM segment"),
            ("rfm.segment", _) => Listed(test, "are", "are not", quote: false),
            ("orderCount", RuleOperator.Equal) when Number(test) == "0" => "never ordered",
            ("engagement.opened", RuleOperator.Equal) when Number(test) == "0" => "never opened",
            ("engagement.clicked", RuleOperator.Equal) when Number(test) == "0" => "never clicked",
            ("visits", RuleOperator.Equal) when Number(test) == "0" => "never visited",
            ("createdAt", RuleOperator.NotNull) => "signed up",
            ("lastActiveAt", RuleOperator.Null) => "were never active",
            _ when name.StartsWith("consent.", StringComparison.Ordinal) => Consent(test, name[8..]),
            _ when name.StartsWith("categories.", StringComparison.Ordinal) => Category(test, name[11..name.LastIndexOf('.')], name[(name.LastIndexOf('.') + 1)..]),
            _ when Deeds.TryGetValue(name, out var deed) && test.Operator is not (RuleOperator.Null or RuleOperator.NotNull) => Deed(test, deed),
            ("birthday", RuleOperator.AnniversaryWithin) => Text(test) == "PT1H" ? "have their birthday today" : $"have their birthday in the next {Duration(Text(test))}",
            ("birthday", not (RuleOperator.Null or RuleOperator.NotNull)) => "were born " + Time(test),
            _ => Plain(test),
        };
    }

    /// <param name="Not">Before the verb when it did not happen.</param>
    private static readonly Dictionary<string, (string Verb, string Not, string Unit)> Deeds = new()
    {
        ["totalSpend"] = ("spent", "", "money"), ["orderCount"] = ("have", "", "orders"), ["visits"] = ("have", "", "visits"), ["engagement.opened"] = ("opened", "", "messages"), ["engagement.clicked"] = ("clicked", "", "messages"),
        ["engagement.delivered"] = ("received", "", "messages"), ["engagement.sent"] = ("were sent", "", "messages"),
        ["lastOrderAt"] = ("last ordered", "have not ordered", ""), ["firstOrderAt"] = ("first ordered", "have not first ordered", ""), ["lastVisitAt"] = ("last visited", "have not visited", ""), ["lastActiveAt"] = ("were last active", "have not been active", ""),
        ["createdAt"] = ("signed up", "have not signed up", ""), ["updatedAt"] = ("were updated", "were not updated", ""), ["engagement.lastOpenedAt"] = ("last opened", "have not opened", ""), ["engagement.lastClickedAt"] = ("last clicked", "have not clicked", ""),
    };

    private string Deed(RuleTest test, (string Verb, string Not, string Unit) deed)
    {
        if (deed.Unit.Length == 0)
        {
            return test.Operator == RuleOperator.NotInLast ? $"{deed.Not} in the last {Duration(Text(test))}" : $"{deed.Verb} {Time(test)}";
        }

        return $"{deed.Verb} {Quantity(test, deed.Unit == "money")}{(deed.Unit == "money" ? "" : " " + deed.Unit)}";
    }

    private string Category(RuleTest test, string category, string what) => (what, test.Operator) switch
    {
        (_, RuleOperator.Null) => $"never bought {category}",
        (_, RuleOperator.NotNull) => $"bought {category} at least once",
        ("spend", _) => $"spent {Quantity(test, true)} on {category}",
        ("count", _) => $"bought {category} {Quantity(test, false)} times",
        (_, RuleOperator.NotInLast) => $"have not bought {category} in the last {Duration(Text(test))}",
        _ => $"last bought {category} {Time(test)}",
    };

    private string Consent(RuleTest test, string channel) => test.Operator switch
    {
        RuleOperator.Null => $"were never asked about {channel}",
        RuleOperator.NotNull => $"answered about {channel}",
        RuleOperator.Equal or RuleOperator.In when !Values(test).Contains("granted", StringComparer.OrdinalIgnoreCase) => $"opted out of {channel}",
        RuleOperator.Equal or RuleOperator.In when Values(test).Count == 1 => $"opted in to {channel}",
        RuleOperator.In => $"answered about {channel}",
        _ when Values(test).Count > 1 => $"were never asked about {channel}",
        _ => Values(test)[0].Equals("granted", StringComparison.OrdinalIgnoreCase) ? $"have not opted in to {channel}" : $"have not opted out of {channel}",
    };

    private string Listed(RuleTest test, string yes, string no, bool quote = true)
    {
        var values = Values(test).Select(v => test.Field.Name == "segments" ? segmentName?.Invoke(v) ?? v : v).Select(v => quote ? Quote(v) : v);
        return $"{(test.Operator.IsNegation() ? no : yes)} {string.Join(" or ", values)}";
    }

    private string Presence(RuleTest test, string what) => $"{(test.Operator == RuleOperator.Null ? "have no" : "have")} {what.Replace("an ", "")}";

    private string Plain(RuleTest test)
    {
        var label = Label(test.Field);
        switch (test.Operator)
        {
            case RuleOperator.Null:
                return $"have no {label}";
            case RuleOperator.NotNull:
                return $"have a {label}";
            case RuleOperator.InLast or RuleOperator.NotInLast or RuleOperator.Before or RuleOperator.After or RuleOperator.AnniversaryWithin:
                return test.Operator switch
                {
                    RuleOperator.NotInLast => $"whose {label} is not in the last {Duration(Text(test))}",
                    RuleOperator.AnniversaryWithin => $"whose {label} has its anniversary in the next {Duration(Text(test))}",
                    _ => $"whose {label} is {Time(test)}",
                };
            case RuleOperator.Contains or RuleOperator.DoesNotContain or RuleOperator.BeginsWith or RuleOperator.EndsWith:
                var how = test.Operator switch { RuleOperator.Contains => "contains", RuleOperator.DoesNotContain => "does not contain", RuleOperator.BeginsWith => "starts with", _ => "ends with" };
                return test.Field.Name == "language" && test.Operator == RuleOperator.BeginsWith && Places.NameOfLanguage(Text(test)) is { } language ? $"speak {language}" : $"whose {label} {how} {Value(test)}";
        }

        if (test.Value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return $"{((test.Operator == RuleOperator.NotEqual) == (test.Value.ValueKind == JsonValueKind.True) ? "without" : "with")} {label}";
        }

        var isNumber = test.Field.Type is FieldType.Number or FieldType.Money || (test.Value.ValueKind == JsonValueKind.Array ? test.Value[0] : test.Value).ValueKind == JsonValueKind.Number;
        var negative = test.Operator is RuleOperator.NotEqual or RuleOperator.NotIn;
        return test.Operator switch
        {
            RuleOperator.Equal or RuleOperator.NotEqual or RuleOperator.In or RuleOperator.NotIn when test.Field.Name is "city" or "region" or "country" =>
                $"{(negative ? "live outside" : "live in")} {string.Join(" or ", Values(test).Select(v => test.Field.Name == "country" ? Places.NameOfCountry(v) ?? v : v))}",
            RuleOperator.Equal or RuleOperator.NotEqual or RuleOperator.In or RuleOperator.NotIn when !isNumber && test.Field.Type is not (FieldType.Time or FieldType.Date) =>
                $"whose {label} is {(negative ? "not " : "")}{(Hides(test.Field.Name) ? Hidden : string.Join(" or ", Values(test).Select(Quote)))}",
            _ when isNumber => $"whose {label} is {Quantity(test, test.Field.Type == FieldType.Money)}",
            _ => $"whose {label} is {Time(test)}",
        };
    }

    private const string Hidden = "[a value]";

    private bool Hides(string field) => masked && (Personal.Contains(field) || field.StartsWith("attributes.", StringComparison.Ordinal));

    private string Value(RuleTest test) => Hides(test.Field.Name) ? Hidden : Quote(Text(test));

    private static string Label(RuleField field) => field.Name switch
    {
        "averageOrderValue" => "average order value",
        "rfm.recency" or "rfm.frequency" or "rfm.monetary" => field.Name[4..] + " score",
        _ when field is AttributeField => Vocabulary.Spaced(field.Name[11..]),
        _ => field.Label.ToLowerInvariant(),
    };

    private string Quantity(RuleTest test, bool money)
    {
        string Write(JsonElement value) => (money ? currency + " " : "") + (value.TryGetDecimal(out var number) ? number.ToString("#,##0.######", CultureInfo.InvariantCulture) : value.GetRawText());
        var value = test.Value;
        return test.Operator switch
        {
            RuleOperator.Equal => "exactly " + Write(value),
            RuleOperator.NotEqual => "not exactly " + Write(value),
            RuleOperator.Greater => "more than " + Write(value),
            RuleOperator.GreaterOrEqual => "at least " + Write(value),
            RuleOperator.Less => "less than " + Write(value),
            RuleOperator.LessOrEqual => "at most " + Write(value),
            RuleOperator.Between => $"between {Write(value[0])} and {Write(value[1])}",
            RuleOperator.NotBetween => $"not between {Write(value[0])} and {Write(value[1])}",
            RuleOperator.NotIn => "none of " + string.Join(" or ", value.EnumerateArray().Select(Write)),
            _ => string.Join(" or ", value.EnumerateArray().Select(Write)),
        };
    }

    private static string Time(RuleTest test)
    {
        var value = test.Value;
        string Day(JsonElement v) => v.GetString() is { Length: 10 } text && DateOnly.TryParseExact(text, "yyyy-MM-dd", out var day) ? day.ToString("d MMMM yyyy", CultureInfo.InvariantCulture) : v.GetString()!;
        return test.Operator switch
        {
            RuleOperator.Equal => "on " + Day(value),
            RuleOperator.NotEqual => "not on " + Day(value),
            RuleOperator.Less or RuleOperator.Before => "before " + Day(value),
            RuleOperator.LessOrEqual => "on or before " + Day(value),
            RuleOperator.Greater or RuleOperator.After => "after " + Day(value),
            RuleOperator.GreaterOrEqual => "on or after " + Day(value),
            RuleOperator.Between => $"between {Day(value[0])} and {Day(value[1])}",
            RuleOperator.NotBetween => $"not between {Day(value[0])} and {Day(value[1])}",
            _ => $"in the last {Duration(value.GetString()!)}",
        };
    }

    /// <summary><c>P6M</c> → 6 months.</summary>
    public static string Duration(string iso)
    {
        (char Letter, string Unit)[] units = iso.Contains('T') ? [('Y', "year"), ('M', "month"), ('W', "week"), ('D', "day"), ('H', "hour"), ('S', "second")] : [('Y', "year"), ('M', "month"), ('W', "week"), ('D', "day")];
        var text = new List<string>();
        var number = "";
        foreach (var c in iso)
        {
            if (char.IsAsciiDigit(c))
            {
                number += c;
            }
            else if (number.Length > 0)
            {
                var unit = iso.IndexOf('T') is >= 0 and var t && c == 'M' && iso.IndexOf(c, t) > t && !text.Contains("minute") ? (iso.IndexOf('M') > t ? "minute" : "month") : Array.Find(units, u => u.Letter == c).Unit;
                text.Add($"{number} {unit}{(number == "1" ? "" : "s")}");
                number = "";
            }
        }

        return string.Join(' ', text);
    }

    private static IReadOnlyList<string> Values(RuleTest test) => test.Value.ValueKind == JsonValueKind.Array
        ? [.. test.Value.EnumerateArray().Select(v => v.ValueKind == JsonValueKind.String ? v.GetString()! : v.GetRawText())]
        : [test.Value.ValueKind == JsonValueKind.String ? test.Value.GetString()! : test.Value.GetRawText()];

    private static string Text(RuleTest test) => Values(test)[0];

    private static string Number(RuleTest test) => test.Value.GetRawText();

    /// <summary>Words as they are; what else could be read otherwise in quotation marks.</summary>
    private static string Quote(string value) => value.Length > 0 && value.All(char.IsLetterOrDigit) ? value : $"\"{value.Replace('"', '\'')}\"";
}
