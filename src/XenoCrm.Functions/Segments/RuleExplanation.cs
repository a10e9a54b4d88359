using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>The rule's tree with what each part found: groups have a combinator and rules, the others a field.</summary>
/// <param name="Actual">The customer's value, absent when missing.</param>
public sealed record RuleExplanation(
    bool Passed,
    string? Combinator = null,
    bool? Not = null,
    IReadOnlyList<RuleExplanation>? Rules = null,
    string? Field = null,
    string? Operator = null,
    JsonElement? Value = null,
    object? Actual = null)
{
    public static RuleExplanation Of(RuleNode node, Customer customer, in Moment moment)
    {
        var passed = node.Matches(customer, moment);
        if (node is RuleTest test)
        {
            return new(
                passed, Field: test.Field.Name, Operator: test.Operator.ToText(),
                Value: test.Value.ValueKind is JsonValueKind.Undefined ? null : test.Value, Actual: test.Field.Actual(customer));
        }

        var group = (RuleGroup)node;
        var rules = new List<RuleExplanation>(group.Rules.Count);
        foreach (var rule in group.Rules)
        {
            rules.Add(Of(rule, customer, moment));
        }

        return new(passed, group.Any ? "or" : "and", group.Not, rules);
    }
}
