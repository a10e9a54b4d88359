using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>
/// A rule as a typed tree. Each node has both back ends side by side: <see cref="Matches"/> in memory and
/// <see cref="WriteSql"/> for Cosmos, which must agree on every customer; a property test holds them together.
/// </summary>
public abstract class RuleNode
{
    public abstract bool Matches(Customer customer, in Moment moment);

    /// <param name="exact">
    /// The condition must be true or false, never undefined: it stands below a NOT, and in Cosmos NOT undefined is undefined.
    /// Elsewhere undefined excludes a customer as false does, and the plain condition is the one that indexes serve best.
    /// </param>
    public abstract void WriteSql(RuleSql sql, in Moment moment, bool exact);

    /// <summary>
    /// Writes a condition that every customer satisfies for whom this could come to <paramref name="hold"/> by time alone: as the
    /// node is now, with every comparison with the clock taken as open. Always true or false.
    /// </summary>
    public abstract void WritePossible(RuleSql sql, in Moment moment, bool hold);

    /// <summary>What holds now may not hold later though the customer stays the same.</summary>
    public abstract bool DependsOnClock { get; }

    /// <summary>All comparisons, in the order in which they were written.</summary>
    public abstract IEnumerable<RuleTest> Tests { get; }
}

public sealed class RuleGroup(bool any, bool not, RuleNode[] rules) : RuleNode
{
    public bool Any { get; } = any;

    public bool Not { get; } = not;

    public IReadOnlyList<RuleNode> Rules => rules;

    public override bool DependsOnClock { get; } = rules.Any(r => r.DependsOnClock);

    public override IEnumerable<RuleTest> Tests => rules.SelectMany(r => r.Tests);

    public override bool Matches(Customer customer, in Moment moment)
    {
        // "and" is decided by the first false, "or" by the first true; a group without rules is the root and holds for all.
        foreach (var rule in rules)
        {
            if (rule.Matches(customer, moment) == Any)
            {
                return Any != Not;
            }
        }

        return (rules.Length == 0 || !Any) != Not;
    }

    public override void WriteSql(RuleSql sql, in Moment moment, bool exact)
    {
        sql.Text.Append(Not ? "NOT (" : "(");
        for (var i = 0; i < rules.Length; i++)
        {
            if (i > 0)
            {
                sql.Text.Append(Any ? " OR " : " AND ");
            }

            rules[i].WriteSql(sql, moment, exact || Not);
        }

        sql.Text.Append(rules.Length == 0 ? "true)" : ")");
    }

    public override void WritePossible(RuleSql sql, in Moment moment, bool hold)
    {
        // "and" may hold when all of it may, and may fail when any of it may; "or" and "not" turn that around.
        var inner = hold != Not;
        sql.Text.Append('(');
        for (var i = 0; i < rules.Length; i++)
        {
            sql.Text.Append(i == 0 ? "" : inner == Any ? " OR " : " AND ");
            rules[i].WritePossible(sql, moment, inner);
        }

        sql.Text.Append(rules.Length == 0 ? (inner ? "true)" : "false)") : ")");
    }
}

/// <summary>
/// One comparison. <paramref name="negated"/> turns the whole comparison around, so that it holds for a missing value and
/// for a value of another type (<see cref="RuleOperators.IsNegation"/>).
/// </summary>
public abstract class RuleTest(RuleField field, RuleOperator op, JsonElement written, bool negated) : RuleNode
{
    public RuleField Field { get; } = field;

    public RuleOperator Operator { get; } = op;

    /// <summary>As it was written.</summary>
    public JsonElement Value { get; } = written;

    public override bool DependsOnClock => false;

    public override IEnumerable<RuleTest> Tests => [this];

    /// <summary>The segments that the comparison asks about.</summary>
    public virtual IEnumerable<string> Segments => [];

    public sealed override bool Matches(Customer customer, in Moment moment) => Holds(customer, moment) != negated;

    public sealed override void WriteSql(RuleSql sql, in Moment moment, bool exact)
    {
        var guard = negated || exact ? Guard : null;
        sql.Text.Append(negated ? "NOT (" : "(").Append(guard).Append(guard is null ? "" : " AND ");
        WriteCondition(sql, moment);
        sql.Text.Append(')');
    }

    public sealed override void WritePossible(RuleSql sql, in Moment moment, bool hold)
    {
        if (DependsOnClock)
        {
            sql.Text.Append("true");
            return;
        }

        sql.Text.Append(hold ? "(" : "NOT (");
        WriteSql(sql, moment, exact: true);
        sql.Text.Append(')');
    }

    /// <summary>The comparison before negation: false for a missing value.</summary>
    protected abstract bool Holds(Customer customer, in Moment moment);

    /// <summary>True exactly when the condition is defined; null when it always is.</summary>
    protected abstract string? Guard { get; }

    /// <summary>Writes a condition that stands between AND and parentheses as one term.</summary>
    protected abstract void WriteCondition(RuleSql sql, in Moment moment);
}

/// <summary><c>null</c> and <c>notNull</c>. A list without elements is missing.</summary>
public sealed class PresenceTest(RuleField field, RuleOperator op, JsonElement written)
    : RuleTest(field, op, written, negated: op == RuleOperator.Null)
{
    protected override string? Guard => null;

    protected override bool Holds(Customer customer, in Moment moment) => Field.IsPresent(customer);

    // IS_DEFINED, IS_NULL and IS_ARRAY are true or false for whatever they are given.
    protected override void WriteCondition(RuleSql sql, in Moment moment) =>
        sql.Text.Append(Field is ListField
            ? $"IS_ARRAY({Field.Path}) AND ARRAY_LENGTH({Field.Path}) > 0"
            : $"IS_DEFINED({Field.Path}) AND NOT IS_NULL({Field.Path})");
}

/// <summary>Text, ignoring case: <c>StringEquals(…, true)</c> and its like in Cosmos, ordinal ignoring case in memory.</summary>
public sealed class TextTest(RuleField field, RuleOperator op, JsonElement written, Func<Customer, string?> get, string[] values)
    : RuleTest(field, op, written, op.IsNegation())
{
    private readonly string function = op switch
    {
        RuleOperator.Contains or RuleOperator.DoesNotContain => "CONTAINS",
        RuleOperator.BeginsWith => "STARTSWITH",
        RuleOperator.EndsWith => "ENDSWITH",
        _ => "StringEquals",
    };

    protected override string? Guard => $"IS_STRING({Field.Path})";

    protected override bool Holds(Customer customer, in Moment moment)
    {
        if (get(customer) is not { } text)
        {
            return false;
        }

        switch (Operator)
        {
            case RuleOperator.Contains or RuleOperator.DoesNotContain:
                return text.Contains(values[0], StringComparison.OrdinalIgnoreCase);
            case RuleOperator.BeginsWith:
                return text.StartsWith(values[0], StringComparison.OrdinalIgnoreCase);
            case RuleOperator.EndsWith:
                return text.EndsWith(values[0], StringComparison.OrdinalIgnoreCase);
            default:
                foreach (var value in values)
                {
                    if (text.Equals(value, StringComparison.OrdinalIgnoreCase))
                    {
                        return true;
                    }
                }

                return false;
        }
    }

    protected override void WriteCondition(RuleSql sql, in Moment moment)
    {
        sql.Text.Append(values.Length > 1 ? "(" : "");
        for (var i = 0; i < values.Length; i++)
        {
            sql.Text.Append(i > 0 ? " OR " : "").Append($"{function}({Field.Path}, {sql.Add(values[i])}, true)");
        }

        sql.Text.Append(values.Length > 1 ? ")" : "");
    }
}

/// <summary>Numbers, as doubles like Cosmos's own; money in minor units.</summary>
/// <param name="get">NaN when missing: every comparison with it is false.</param>
/// <param name="values">One for a comparison, two for a range, any number for <c>in</c>.</param>
public sealed class NumberTest(RuleField field, RuleOperator op, JsonElement written, Func<Customer, double> get, double[] values)
    : RuleTest(field, op, written, op.IsNegation())
{
    protected override string? Guard => $"IS_NUMBER({Field.Path})";

    protected override bool Holds(Customer customer, in Moment moment)
    {
        var number = get(customer);
        return Operator switch
        {
            RuleOperator.Less => number < values[0],
            RuleOperator.LessOrEqual => number <= values[0],
            RuleOperator.Greater => number > values[0],
            RuleOperator.GreaterOrEqual => number >= values[0],
            RuleOperator.Between => number >= values[0] && number <= values[1],
            RuleOperator.NotBetween => number < values[0] || number > values[1],
            _ => !double.IsNaN(number) && Array.IndexOf(values, number) >= 0,
        };
    }

    protected override void WriteCondition(RuleSql sql, in Moment moment)
    {
        var path = Field.Path;
        sql.Text.Append(Operator switch
        {
            RuleOperator.Less or RuleOperator.LessOrEqual or RuleOperator.Greater or RuleOperator.GreaterOrEqual =>
                $"{path} {Operator.ToText()} {sql.Add(values[0])}",
            RuleOperator.Between => $"{path} >= {sql.Add(values[0])} AND {path} <= {sql.Add(values[1])}",
            RuleOperator.NotBetween => $"({path} < {sql.Add(values[0])} OR {path} > {sql.Add(values[1])})",
            _ when values.Length == 1 => $"{path} = {sql.Add(values[0])}",
            _ => $"{path} IN ({string.Join(", ", values.Select(v => sql.Add(v)))})",
        });
    }
}

/// <summary>True or false; only attributes hold such values.</summary>
public sealed class BooleanTest(RuleField field, RuleOperator op, JsonElement written, Func<Customer, bool?> get, bool expected)
    : RuleTest(field, op, written, op.IsNegation())
{
    protected override string? Guard => $"IS_BOOL({Field.Path})";

    protected override bool Holds(Customer customer, in Moment moment) => get(customer) == expected;

    protected override void WriteCondition(RuleSql sql, in Moment moment) => sql.Text.Append($"{Field.Path} = {sql.Add(expected)}");
}

/// <summary>A list that has one of some values: <c>contains</c> and <c>in</c>, and their opposites.</summary>
public sealed class ListTest(ListField list, RuleOperator op, JsonElement written, string[] values)
    : RuleTest(list, op, written, op.IsNegation())
{
    public override IEnumerable<string> Segments => list.HoldsSegments ? values : [];

    // EXISTS is always true or false; ARRAY_CONTAINS of what is no array is undefined.
    protected override string? Guard => list.HoldsSegments ? $"IS_ARRAY({list.Path})" : null;

    protected override bool Holds(Customer customer, in Moment moment)
    {
        var elements = list.Get(customer);
        var comparison = list.HoldsSegments ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
        for (var i = 0; i < elements.Count; i++)
        {
            foreach (var value in values)
            {
                if (string.Equals(elements[i], value, comparison))
                {
                    return true;
                }
            }
        }

        return false;
    }

    protected override void WriteCondition(RuleSql sql, in Moment moment)
    {
        // Ids are exact, and ARRAY_CONTAINS is served by the index; tags ignore case, which takes a look at each element.
        var tests = values.Select(v => list.HoldsSegments ? $"ARRAY_CONTAINS({list.Path}, {sql.Add(v)})" : $"StringEquals(t, {sql.Add(v)}, true)");
        var any = string.Join(" OR ", tests);
        sql.Text.Append(list.HoldsSegments ? $"({any})" : $"EXISTS(SELECT VALUE t FROM t IN {list.Path} WHERE {any})");
    }
}
