using System.Text.Json;

namespace XenoCrm.Segments;

/// <summary>A field that rules know.</summary>
/// <param name="Name">As in a rule. What stands in <c>&lt;…&gt;</c> is the author's choice: <c>attributes.size</c>, <c>categories.Books.spend</c>.</param>
/// <param name="Operators">In the order in which to offer them.</param>
/// <param name="Values">All there are, where there are few.</param>
/// <param name="Examples">By operator, a value that it takes; <c>null</c> and <c>notNull</c> take none.</param>
public sealed record FieldView(
    string Name, string Label, FieldType Type, IReadOnlyList<string> Operators, IReadOnlyList<string>? Values, IReadOnlyDictionary<string, JsonElement> Examples)
{
    private static readonly Dictionary<string, object> ByName = new()
    {
        ["externalId"] = "C-1042", ["firstName"] = "Anna", ["lastName"] = "Müller", ["email"] = "anna@example.com", ["phone"] = "+41446681800",
        ["city"] = "Zürich", ["region"] = "ZH", ["country"] = "CH", ["postalCode"] = "8001", ["company"] = "Example Ltd", ["language"] = "de-CH",
        ["timeZone"] = "Europe/Zurich", ["birthday"] = "1990-04-01", ["tags"] = "vip", ["source"] = "import", ["segments"] = "0198f0000000700080000000000000aa",
    };

    internal static IReadOnlyList<FieldView> AllOf(RuleCatalogue catalogue)
    {
        // The shapes with a free name are shown by an example of each, its name put in brackets.
        string[] shapes = ["categories.<name>.count", "categories.<name>.spend", "categories.<name>.lastAt", "attributes.<key>"];
        var attributes = catalogue.Types.Keys.Keys.Order(StringComparer.Ordinal).Select(key => $"attributes.{key}");
        return [.. catalogue.Fields.Concat(attributes.Concat(shapes).Select(s => catalogue.Find(s, out _, isNew: true)!)).Select(Of)];
    }

    private static FieldView Of(RuleField field) => new(
        field.Name, field.Label, field.Type, [.. field.Operators.Select(o => o.ToText())], (field as ChoiceField)?.Choices,
        field.Operators.Where(o => o is not (RuleOperator.Null or RuleOperator.NotNull)).ToDictionary(o => o.ToText(), o => Example(field, o)));

    private static JsonElement Example(RuleField field, RuleOperator op)
    {
        var (one, other) = field.Type switch
        {
            FieldType.Number when field.Name.StartsWith("rfm.", StringComparison.Ordinal) => (4, 5),
            FieldType.Number => (3, 10),
            FieldType.Money => (99.95, 500),
            FieldType.Time => ("2026-01-01", "2026-03-31"),
            FieldType.Date => (ByName.GetValueOrDefault(field.Name, "1990-04-01"), "1999-12-31"),
            FieldType.Choice when field is ChoiceField choice => (choice.Choices[0], choice.Choices[1]),
            FieldType.Any when op is RuleOperator.Contains or RuleOperator.DoesNotContain or RuleOperator.BeginsWith or RuleOperator.EndsWith => ("blue", "red"),
            FieldType.Any when op is RuleOperator.Before or RuleOperator.After => ("2026-01-01", "2026-03-31"),
            FieldType.Any => (3, (object)10),
            FieldType.Boolean => (true, (object)false),
            _ => (ByName.GetValueOrDefault(field.Name, "blue"), ByName.GetValueOrDefault(field.Name, "red")),
        };
        return JsonSerializer.SerializeToElement(op switch
        {
            RuleOperator.InLast or RuleOperator.NotInLast => "P90D",
            RuleOperator.AnniversaryWithin => "P7D",
            RuleOperator.In or RuleOperator.NotIn => new[] { one },
            RuleOperator.Between or RuleOperator.NotBetween => new[] { one, other },
            _ => one,
        });
    }
}
