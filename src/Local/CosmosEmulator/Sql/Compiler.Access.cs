using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Finds the conditions in WHERE that an index can serve.</summary>
internal sealed partial class Compiler
{
    // Inside EXISTS(SELECT ... FROM t IN c.tags WHERE ...): the name of the element, and the index path of the elements.
    private (string Name, string Path)? _element;

    public Access? FindAccess(Expr? where, Scope scope) => where switch
    {
        BinaryExpr { Op: BinaryOp.And } both => All(both, scope),
        BinaryExpr { Op: BinaryOp.Or } either => Any(either, scope),
        BinaryExpr comparison => Comparison(comparison, scope),
        BetweenExpr between => Combine(
            [Condition(between.Value, RangeKind.AtLeast, [between.Low], scope), Condition(between.Value, RangeKind.AtMost, [between.High], scope)]),
        InExpr list => Condition(list.Value, RangeKind.In, list.Items, scope),
        LikeExpr { Pattern: LiteralExpr { Value.Kind: JsonKind.String } pattern, Escape: null } like => LikePrefix(like, pattern, scope),
        CallExpr call => FunctionCondition(call, scope),
        SubqueryExpr { Kind: SubqueryKind.Exists } exists => Exists(exists.Query, scope),
        MemberExpr flag => Condition(flag, RangeKind.Equal, [new LiteralExpr(flag.At, JsonValue.True)], scope),
        _ => null,
    };

    /// <summary>Some element fulfils the condition: the index of the elements has the items.</summary>
    private Access? Exists(Query query, Scope scope)
    {
        if (_element is not null || query is not { Sources: [{ Iterate: true, Path: { } path, Alias: { } alias }], Where: { } where, GroupBy.Count: 0 }
            || query.SelectList.Any(i => ExprText.HasAggregate(i.Value)) || ExprText.HasAggregate(query.SelectValue)
            || !TryItemPath(path, scope, out var names) || names.Count == 0)
        {
            return null;
        }

        var inner = new Scope(scope);
        inner.Add(alias, Row.Root, isItem: false, query.At);
        _element = (alias, PathTree.PolicyPath(names) + "/[]");
        var access = FindAccess(where, inner);
        _element = null;
        return access;
    }

    private bool TryIndexPath(Expr expr, Scope scope, string tail, out string path)
    {
        if (TryItemPath(expr, scope, out var names))
        {
            path = PathTree.PolicyPath(names) + tail;
            return names.Count > 0;
        }

        names = [];
        while (expr is MemberExpr { Index: LiteralExpr { Value.Kind: JsonKind.String } index } member)
        {
            names.Insert(0, index.Value.AsString()!);
            expr = member.Of;
        }

        path = _element is { } element ? element.Path + PathTree.PolicyPath(names) + tail : "";
        return tail == "/?" && expr is NameExpr name && name.Name == _element?.Name;
    }

    private Access? All(BinaryExpr both, Scope scope) => Combine([FindAccess(both.Left, scope), FindAccess(both.Right, scope)]);

    private static Access? Combine(IEnumerable<Access?> parts)
    {
        var found = parts.OfType<Access>().SelectMany(p => p is AllOf all ? all.Parts : [p]).ToList();
        return found.Count switch { 0 => null, 1 => found[0], _ => new AllOf(found) };
    }

    private AnyOf? Any(BinaryExpr either, Scope scope)
    {
        var left = FindAccess(either.Left, scope);
        var right = left is null ? null : FindAccess(either.Right, scope);
        return left is null || right is null ? null : new AnyOf([.. Parts(left), .. Parts(right)]);

        static IReadOnlyList<Access> Parts(Access access) => access is AnyOf any ? any.Parts : [access];
    }

    private PathCondition? Comparison(BinaryExpr comparison, Scope scope)
    {
        var (kind, mirrored) = comparison.Op switch
        {
            BinaryOp.Equal => (RangeKind.Equal, RangeKind.Equal),
            BinaryOp.Greater => (RangeKind.Above, RangeKind.Below),
            BinaryOp.GreaterOrEqual => (RangeKind.AtLeast, RangeKind.AtMost),
            BinaryOp.Less => (RangeKind.Below, RangeKind.Above),
            BinaryOp.LessOrEqual => (RangeKind.AtMost, RangeKind.AtLeast),
            _ => (RangeKind.Prefix, RangeKind.Prefix),
        };
        return kind == RangeKind.Prefix ? null
            : Condition(comparison.Left, kind, [comparison.Right], scope) ?? Condition(comparison.Right, mirrored, [comparison.Left], scope);
    }

    private PathCondition? FunctionCondition(CallExpr call, Scope scope) => (call.Name.ToUpperInvariant(), call.Arguments.Count, call.IsUdf) switch
    {
        ("STARTSWITH", 2, false) => Condition(call.Arguments[0], RangeKind.Prefix, [call.Arguments[1]], scope),
        ("IS_STRING", 1, false) => Condition(call.Arguments[0], RangeKind.AtLeast, [new LiteralExpr(call.At, JsonValue.Of(""))], scope),
        ("IS_NULL", 1, false) => Condition(call.Arguments[0], RangeKind.Equal, [new LiteralExpr(call.At, JsonValue.Null)], scope),
        ("ARRAY_CONTAINS", 2, false) => Condition(call.Arguments[0], RangeKind.Equal, [call.Arguments[1]], scope, "/[]/?")
            ?? Condition(call.Arguments[1], RangeKind.In, call.Arguments[0], scope),
        _ => null,
    };

    /// <summary><c>ARRAY_CONTAINS(["a", "b"], c.path)</c> and with a parameter: what LINQ makes of Contains.</summary>
    private PathCondition? Condition(Expr path, RangeKind kind, Expr list, Scope scope)
    {
        if (list is ArrayExpr array)
        {
            return Condition(path, kind, array.Items, scope);
        }

        return list is ParameterExpr or LiteralExpr ? Condition(path, kind, [list], scope) is { } found ? found with { IsList = true } : null : null;
    }

    private PathCondition? LikePrefix(LikeExpr like, LiteralExpr pattern, Scope scope)
    {
        var text = pattern.Value.AsString()!;
        var length = text.AsSpan().IndexOfAny("%_[");
        var prefix = new LiteralExpr(pattern.At, JsonValue.Of(length < 0 ? text : text[..length]));
        return length == 0 ? null : Condition(like.Value, length < 0 ? RangeKind.Equal : RangeKind.Prefix, [prefix], scope);
    }

    private PathCondition? Condition(Expr path, RangeKind kind, IReadOnlyList<Expr> values, Scope scope, string tail = "/?")
    {
        if (!TryIndexPath(path, scope, tail, out var indexPath))
        {
            return null;
        }

        var codes = values.Select(v => CompileExpr(v, scope)).ToList();
        return codes.All(c => c.IsRowFree) ? new PathCondition(indexPath, kind, [.. codes.Select(c => c.Eval)]) : null;
    }

    /// <summary>Conditions of WHERE that hang on one path of the item and must all hold.</summary>
    private void AddGuards(Expr where, Scope scope)
    {
        if (where is BinaryExpr { Op: BinaryOp.And } both)
        {
            AddGuards(both.Left, scope);
            AddGuards(both.Right, scope);
            return;
        }

        List<string>? path = null;
        if (HasOnePath(where, scope, ref path) && path is not null)
        {
            Filter.AddGuard(path, CompileExpr(where, scope).Test);
        }
    }

    /// <summary>Whether a condition on one path is nothing but ranges of its values, so that a value in them needs no test.</summary>
    private bool IsRange(Expr where, Scope scope) => where switch
    {
        BinaryExpr { Op: BinaryOp.And } both => IsRange(both.Left, scope) && IsRange(both.Right, scope),
        BinaryExpr comparison => Comparison(comparison, scope) is not null,
        BetweenExpr => FindAccess(where, scope) is AllOf { Parts.Count: 2 },
        InExpr => FindAccess(where, scope) is not null,
        CallExpr call => call.Name.ToUpperInvariant() is "IS_STRING" or "IS_NULL" && FunctionCondition(call, scope) is not null,
        _ => false,
    };

    private static bool HasOnePath(Expr expr, Scope scope, ref List<string>? path)
    {
        if (TryItemPath(expr, scope, out var found))
        {
            path ??= found;
            return found.Count > 0 && path.SequenceEqual(found);
        }

        switch (expr)
        {
            case LiteralExpr or ParameterExpr:
                return true;
            case MemberExpr e:
                return HasOnePath(e.Of, scope, ref path) && HasOnePath(e.Index, scope, ref path);
            case UnaryExpr e:
                return HasOnePath(e.Operand, scope, ref path);
            case BinaryExpr e:
                return HasOnePath(e.Left, scope, ref path) && HasOnePath(e.Right, scope, ref path);
            case BetweenExpr e:
                return HasOnePath(e.Value, scope, ref path) && HasOnePath(e.Low, scope, ref path) && HasOnePath(e.High, scope, ref path);
            case LikeExpr e:
                return HasOnePath(e.Value, scope, ref path) && HasOnePath(e.Pattern, scope, ref path);
            case InExpr e:
                return HasOnePath(e.Value, scope, ref path) && AllHaveOnePath(e.Items, scope, ref path);
            case CallExpr e:
                return AllHaveOnePath(e.Arguments, scope, ref path);
            default:
                return false;
        }
    }

    private static bool AllHaveOnePath(IReadOnlyList<Expr> items, Scope scope, ref List<string>? path)
    {
        foreach (var item in items)
        {
            if (!HasOnePath(item, scope, ref path))
            {
                return false;
            }
        }

        return true;
    }
}
