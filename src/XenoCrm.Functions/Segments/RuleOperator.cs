namespace XenoCrm.Segments;

public enum RuleOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    NotBetween,
    In,
    NotIn,
    Contains,
    DoesNotContain,
    BeginsWith,
    EndsWith,
    Null,
    NotNull,
    InLast,
    NotInLast,
    Before,
    After,
    AnniversaryWithin,
}

/// <summary>The operators as they are written in a rule.</summary>
public static class RuleOperators
{
    private static readonly Dictionary<string, RuleOperator> ByText = new()
    {
        ["="] = RuleOperator.Equal,
        ["!="] = RuleOperator.NotEqual,
        ["<"] = RuleOperator.Less,
        ["<="] = RuleOperator.LessOrEqual,
        [">"] = RuleOperator.Greater,
        [">="] = RuleOperator.GreaterOrEqual,
        ["between"] = RuleOperator.Between,
        ["notBetween"] = RuleOperator.NotBetween,
        ["in"] = RuleOperator.In,
        ["notIn"] = RuleOperator.NotIn,
        ["contains"] = RuleOperator.Contains,
        ["doesNotContain"] = RuleOperator.DoesNotContain,
        ["beginsWith"] = RuleOperator.BeginsWith,
        ["endsWith"] = RuleOperator.EndsWith,
        ["null"] = RuleOperator.Null,
        ["notNull"] = RuleOperator.NotNull,
        ["inLast"] = RuleOperator.InLast,
        ["notInLast"] = RuleOperator.NotInLast,
        ["before"] = RuleOperator.Before,
        ["after"] = RuleOperator.After,
        ["anniversaryWithin"] = RuleOperator.AnniversaryWithin,
    };

    private static readonly Dictionary<RuleOperator, string> Texts = ByText.ToDictionary(p => p.Value, p => p.Key);

    public static IEnumerable<string> All => ByText.Keys;

    public static bool TryParse(string text, out RuleOperator value) => ByText.TryGetValue(text, out value);

    public static string ToText(this RuleOperator value) => Texts[value];

    /// <summary>
    /// Operators that are the exact opposite of another one, and so hold for a missing value:
    /// <c>!=</c>, <c>notIn</c>, <c>doesNotContain</c>, <c>notInLast</c>. <c>notBetween</c> is none of them: it asks for a value outside.
    /// </summary>
    public static bool IsNegation(this RuleOperator value) =>
        value is RuleOperator.NotEqual or RuleOperator.NotIn or RuleOperator.DoesNotContain or RuleOperator.NotInLast;
}
