using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>WHERE as a whole, where only true counts and false need not be told from undefined.</summary>
internal sealed partial class Compiler
{
    // Below it, testing one alternative after the other is as fast as looking one up.
    private const int ManyAlternatives = 8;

    private Test CompileFilter(Expr where, Scope scope)
    {
        if (where is BinaryExpr { Op: BinaryOp.And } both)
        {
            var (left, right) = (CompileFilter(both.Left, scope), CompileFilter(both.Right, scope));
            return row => left(row) == Truth.True ? right(row) : Truth.False;
        }

        return (where is BinaryExpr { Op: BinaryOp.Or } ? CompileLookup(where, scope) : null) ?? CompileExpr(where, scope).Test;
    }

    /// <summary>
    /// Many alternatives that each ask for another value of one path, as in the SDK's ReadMany: <c>(c.id = @a AND …) OR
    /// (c.id = @b AND …)</c>. The item's value picks the alternatives to test; without that, reading a thousand items tests a
    /// million.
    /// </summary>
    private Test? CompileLookup(Expr either, Scope scope)
    {
        var alternatives = new List<Expr>();
        Flatten(either, BinaryOp.Or, alternatives);
        if (alternatives.Count < ManyAlternatives)
        {
            return null;
        }

        List<string>? path = null;
        Expr? subject = null;
        var keys = new List<Eval>();
        foreach (var alternative in alternatives)
        {
            if (FindEquality(alternative, scope, ref path, ref subject) is not { } key)
            {
                return null;
            }

            keys.Add(key);
        }

        var value = CompileExpr(subject!, scope).Eval;
        var tests = alternatives.Select(a => CompileExpr(a, scope).Test).ToArray();
        var memo = _memos++;
        return row =>
        {
            var byValue = (Dictionary<JsonValue, List<Test>>)(row.Memo[memo] ??= Group(keys, tests, row));
            return byValue.TryGetValue(value(row), out var found) && found.Exists(t => t(row) == Truth.True) ? Truth.True : Truth.False;
        };
    }

    private static Dictionary<JsonValue, List<Test>> Group(List<Eval> keys, Test[] tests, Row row)
    {
        var byValue = new Dictionary<JsonValue, List<Test>>();
        for (var i = 0; i < tests.Length; i++)
        {
            var key = keys[i](row);
            if (key.IsUndefined)
            {
                continue;
            }

            if (!byValue.TryGetValue(key, out var list))
            {
                byValue[key] = list = [];
            }

            list.Add(tests[i]);
        }

        return byValue;
    }

    private static int CountConditions(Expr where)
    {
        var conditions = new List<Expr>();
        Flatten(where, BinaryOp.And, conditions);
        return conditions.Count;
    }

    private static void Flatten(Expr expr, BinaryOp op, List<Expr> parts)
    {
        if (expr is BinaryExpr binary && binary.Op == op)
        {
            Flatten(binary.Left, op, parts);
            Flatten(binary.Right, op, parts);
            return;
        }

        parts.Add(expr);
    }

    /// <summary>The value that an alternative asks of the path (of any path while none is chosen).</summary>
    private Eval? FindEquality(Expr alternative, Scope scope, ref List<string>? path, ref Expr? subject)
    {
        var conditions = new List<Expr>();
        Flatten(alternative, BinaryOp.And, conditions);
        foreach (var condition in conditions)
        {
            if (condition is BinaryExpr { Op: BinaryOp.Equal } equal
                && TryItemPath(equal.Left, scope, out var found) && found.Count > 0
                && (path is null || path.SequenceEqual(found))
                && CompileExpr(equal.Right, scope) is { IsRowFree: true } key)
            {
                (path, subject) = (found, equal.Left);
                return key.Eval;
            }
        }

        return null;
    }
}
