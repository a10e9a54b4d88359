namespace XenoCrm.Segments;

/// <summary>A field that rules know.</summary>
/// <param name="Name">As in a rule. What stands in <c>&lt;…&gt;</c> is the author's choice: <c>attributes.size</c>, <c>categories.Books.spend</c>.</param>
/// <param name="Operators">In the order in which to offer them.</param>
/// <param name="Values">All there are, where there are few.</param>
public sealed record FieldView(string Name, string Label, FieldType Type, IReadOnlyList<string> Operators, IReadOnlyList<string>? Values)
{
    internal static IReadOnlyList<FieldView> AllOf(RuleCatalogue catalogue)
    {
        // The shapes with a free name are shown by an example of each, its name put in brackets.
        string[] shapes = ["categories.<name>.count", "categories.<name>.spend", "categories.<name>.lastAt", "attributes.<key>"];
        return [.. catalogue.Fields.Concat(shapes.Select(s => catalogue.Find(s, out _)!)).Select(Of)];
    }

    private static FieldView Of(RuleField field) => new(
        field.Name, field.Label, field.Type, [.. field.Operators.Select(o => o.ToText())], (field as ChoiceField)?.Choices);
}
