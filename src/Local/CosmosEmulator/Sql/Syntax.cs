using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

// The typed tree of a query. At is the position in the text, for errors.

internal abstract record Expr(int At);

/// <summary>A constant; undefined is one.</summary>
internal sealed record LiteralExpr(int At, JsonValue Value) : Expr(At);

internal sealed record ParameterExpr(int At, string Name) : Expr(At);

internal sealed record NameExpr(int At, string Name) : Expr(At);

/// <summary><c>a.b</c>, <c>a["b"]</c>, <c>a[0]</c> or <c>a[expression]</c>.</summary>
internal sealed record MemberExpr(int At, Expr Of, Expr Index) : Expr(At);

internal enum UnaryOp
{
    Minus,
    Plus,
    BitNot,
    Not,
}

internal sealed record UnaryExpr(int At, UnaryOp Op, Expr Operand) : Expr(At);

internal enum BinaryOp
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    ShiftRightZero,
    Concat,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Coalesce,
}

internal sealed record BinaryExpr(int At, BinaryOp Op, Expr Left, Expr Right) : Expr(At);

internal sealed record ConditionalExpr(int At, Expr Condition, Expr Then, Expr Else) : Expr(At);

internal sealed record BetweenExpr(int At, Expr Value, Expr Low, Expr High) : Expr(At);

internal sealed record InExpr(int At, Expr Value, IReadOnlyList<Expr> Items) : Expr(At);

internal sealed record LikeExpr(int At, Expr Value, Expr Pattern, string? Escape) : Expr(At);

internal sealed record ArrayExpr(int At, IReadOnlyList<Expr> Items) : Expr(At);

internal sealed record ObjectExpr(int At, IReadOnlyList<(string Name, Expr Value)> Properties) : Expr(At);

internal sealed record CallExpr(int At, string Name, IReadOnlyList<Expr> Arguments, bool IsUdf) : Expr(At);

internal enum SubqueryKind
{
    Scalar,
    Exists,
    Array,
    All,
    First,
    Last,
}

internal sealed record SubqueryExpr(int At, SubqueryKind Kind, Query Query) : Expr(At);

/// <summary>One FROM or JOIN item: a path, the elements of a path (<c>x IN c.list</c>) or a subquery.</summary>
internal sealed record Source(int At, string? Alias, Expr? Path, bool Iterate, Query? Subquery);

internal sealed record SelectItem(int At, Expr Value, string? Alias);

internal sealed record OrderItem(int At, Expr Value, bool Descending);

internal sealed record Query(
    int At,
    bool Distinct,
    Expr? Top,
    bool SelectStar,
    Expr? SelectValue,
    IReadOnlyList<SelectItem> SelectList,
    IReadOnlyList<Source> Sources,
    Expr? Where,
    IReadOnlyList<Expr> GroupBy,
    IReadOnlyList<OrderItem> OrderBy,
    Expr? Offset,
    Expr? Limit);
