using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Functions, aggregates and subqueries.</summary>
internal sealed partial class Compiler
{
    private Code Subquery(SubqueryExpr expr, Scope scope)
    {
        // Inside the output of an aggregate query a subquery still sees this scope's names only through its group keys.
        var query = CompileQuery(expr.Query, scope);
        var at = expr.At;
        return expr.Kind switch
        {
            SubqueryKind.Exists => Code.OfTest(row => query.Values(row, 1).Count > 0 ? Truth.True : Truth.False, false),
            SubqueryKind.Array => Code.OfValue(row => JsonValue.ArrayOf(query.Values(row)), false),
            SubqueryKind.All => Code.OfTest(row => query.Values(row).TrueForAll(v => v.Kind == JsonKind.True) ? Truth.True : Truth.False, false),
            SubqueryKind.First => Code.OfValue(row => query.Values(row, 1) is [var only, ..] ? only : default, false),
            SubqueryKind.Last => Code.OfValue(row => query.Values(row) is [.., var last] ? last : default, false),
            _ => Code.OfValue(
                row => query.Values(row, 2) switch
                {
                    [] => default,
                    [var only] => only,
                    _ => throw new SqlException("The cardinality of a scalar subquery result set cannot be greater than one.", at, code: "SC2110"),
                },
                false),
        };
    }

    private Code Call(CallExpr call, Scope scope)
    {
        if (call.IsUdf)
        {
            throw new SqlException($"'udf.{call.Name}' is not a registered user-defined function.", call.At, call.At + call.Name.Length, "SC2007");
        }

        if (Aggregator.TryKind(call.Name, out var kind))
        {
            return Aggregate(call, kind, scope);
        }

        if (call.Name.Equals("DOCUMENTID", StringComparison.OrdinalIgnoreCase))
        {
            return call.Arguments is [NameExpr name] && scope.Find(name.Name) is { IsItem: true }
                ? Code.OfValue(row => JsonValue.Of(row.Rid), false)
                : throw new SqlException("DOCUMENTID takes the alias of the item.", call.At, call.At + call.Name.Length, "SC2050");
        }

        var function = Functions.Find(call);
        var arguments = call.Arguments.Select(a => CompileExpr(a, scope)).ToArray();
        var evals = arguments.Select(a => a.Eval).ToArray();
        var free = arguments.All(a => a.IsRowFree);
        if (function.RunAt is { } runAt)
        {
            return Code.OfValue(row => runAt(row.Now, [.. evals.Select(e => e(row))]), free);
        }

        var run = function.Run!;
        if (!function.IsPure)
        {
            return Code.OfValue(row => run([.. evals.Select(e => e(row))]), false);
        }

        // The usual numbers of arguments need no array.
        return Fold(
            evals.Length switch
            {
                1 => Code.OfValue(row => run([evals[0](row)]), free),
                2 => Code.OfValue(row => run([evals[0](row), evals[1](row)]), free),
                3 => Code.OfValue(row => run([evals[0](row), evals[1](row), evals[2](row)]), free),
                _ => Code.OfValue(row => run([.. evals.Select(e => e(row))]), free),
            },
            arguments);
    }

    private Code Aggregate(CallExpr call, AggregateKind kind, Scope scope)
    {
        if (call.Arguments.Count != 1)
        {
            throw Functions.WrongCount(call, 1, 1);
        }

        if (scope.Grouping is not { } grouping)
        {
            throw new SqlException($"The aggregate function '{call.Name}' is not allowed here.", call.At, call.At + call.Name.Length, "SC2101");
        }

        if (ExprText.HasAggregate(call.Arguments[0]))
        {
            throw new SqlException("Cannot perform an aggregate function on an expression containing an aggregate.", call.At, code: "SC2101");
        }

        // The argument is about the rows, not about the groups.
        scope.Grouping = null;
        var argument = CompileExpr(call.Arguments[0], scope);
        scope.Grouping = grouping;
        var slot = _slots++;
        grouping.Aggregates.Add((kind, argument.Eval, slot));
        grouping.CountsRowsOnly &= kind == AggregateKind.Count && argument.Constant is { IsUndefined: false };
        return Code.OfValue(row => row.Slots[slot], false);
    }
}
