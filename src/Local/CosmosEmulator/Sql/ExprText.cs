namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>A canonical text of an expression, to tell whether two are the same (GROUP BY against SELECT).</summary>
internal static class ExprText
{
    public static string Of(Expr expr) => expr switch
    {
        LiteralExpr e => e.Value.ToString(),
        ParameterExpr e => e.Name,
        NameExpr e => e.Name,
        MemberExpr e => $"{Of(e.Of)}[{Of(e.Index)}]",
        UnaryExpr e => $"({e.Op} {Of(e.Operand)})",
        BinaryExpr e => $"({e.Op} {Of(e.Left)} {Of(e.Right)})",
        ConditionalExpr e => $"(? {Of(e.Condition)} {Of(e.Then)} {Of(e.Else)})",
        BetweenExpr e => $"(BETWEEN {Of(e.Value)} {Of(e.Low)} {Of(e.High)})",
        InExpr e => $"(IN {Of(e.Value)} {List(e.Items)})",
        LikeExpr e => $"(LIKE {Of(e.Value)} {Of(e.Pattern)} {e.Escape})",
        ArrayExpr e => $"[{List(e.Items)}]",
        ObjectExpr e => $"{{{string.Join(",", e.Properties.Select(p => $"{p.Name}:{Of(p.Value)}"))}}}",
        CallExpr e => $"{e.Name.ToUpperInvariant()}({List(e.Arguments)})",
        // Two subqueries are never taken to be the same.
        _ => $"#{expr.At}",
    };

    private static string List(IReadOnlyList<Expr> items) => string.Join(",", items.Select(Of));

    /// <summary>Whether an aggregate of this query (not of a subquery) is inside.</summary>
    public static bool HasAggregate(Expr? expr) => expr switch
    {
        null => false,
        CallExpr e => (!e.IsUdf && Aggregator.TryKind(e.Name, out _)) || e.Arguments.Any(HasAggregate),
        MemberExpr e => HasAggregate(e.Of) || HasAggregate(e.Index),
        UnaryExpr e => HasAggregate(e.Operand),
        BinaryExpr e => HasAggregate(e.Left) || HasAggregate(e.Right),
        ConditionalExpr e => HasAggregate(e.Condition) || HasAggregate(e.Then) || HasAggregate(e.Else),
        BetweenExpr e => HasAggregate(e.Value) || HasAggregate(e.Low) || HasAggregate(e.High),
        InExpr e => HasAggregate(e.Value) || e.Items.Any(HasAggregate),
        LikeExpr e => HasAggregate(e.Value) || HasAggregate(e.Pattern),
        ArrayExpr e => e.Items.Any(HasAggregate),
        ObjectExpr e => e.Properties.Any(p => HasAggregate(p.Value)),
        _ => false,
    };
}
