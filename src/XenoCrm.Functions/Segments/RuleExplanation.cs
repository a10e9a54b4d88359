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
            return Of(test, passed, customer);
        }

        var group = (RuleGroup)node;
        var rules = new List<RuleExplanation>(group.Rules.Count);
        foreach (var rule in group.Rules)
        {
            rules.Add(Of(rule, customer, moment));
        }

        return new(passed, group.Any ? "or" : "and", group.Not, rules);
    }

    /// <summary>The comparisons that make the whole pass or fail as it does; the others could be otherwise.</summary>
    public static IReadOnlyList<RuleExplanation> Because(RuleNode root, Customer customer, in Moment moment)
    {
        var found = new List<RuleExplanation>();
        Collect(root, customer, moment, found);
        return found;
    }

    private static void Collect(RuleNode node, Customer customer, in Moment moment, List<RuleExplanation> found)
    {
        if (node is RuleTest test)
        {
            found.Add(Of(test, test.Matches(customer, moment), customer));
            return;
        }

        // An "or" that holds is decided by those that hold, one that fails by all; an "and" the other way round.
        var group = (RuleGroup)node;
        var inner = group.Matches(customer, moment) != group.Not;
        foreach (var rule in group.Rules)
        {
            if (inner != group.Any || rule.Matches(customer, moment) == inner)
            {
                Collect(rule, customer, moment, found);
            }
        }
    }

    private static RuleExplanation Of(RuleTest test, bool passed, Customer customer) => new(
        passed, Field: test.Field.Name, Operator: test.Operator.ToText(),
        Value: test.Value.ValueKind is JsonValueKind.Undefined ? null : test.Value, Actual: test.Field.Actual(customer));
}
