using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal sealed partial class Compiler
{
    public Code CompileExpr(Expr expr, Scope scope)
    {
        if (scope.Grouping is { } grouping && grouping.Keys.TryGetValue(ExprText.Of(expr), out var slot))
        {
            return Code.OfValue(row => row.Slots[slot], false);
        }

        return expr switch
        {
            LiteralExpr e => Code.Of(e.Value),
            ParameterExpr e => Parameter(e),
            NameExpr { Name: "NaN" } e when scope.Find(e.Name) is null => Code.Of(JsonValue.Of(double.NaN)),
            NameExpr { Name: "Infinity" } e when scope.Find(e.Name) is null => Code.Of(JsonValue.Of(double.PositiveInfinity)),
            NameExpr e => Name(e, scope),
            MemberExpr e => Member(e, scope),
            UnaryExpr e => Unary(e, scope),
            BinaryExpr e => Binary(e, scope),
            ConditionalExpr e => Conditional(e, scope),
            BetweenExpr e => Between(e, scope),
            InExpr e => In(e, scope),
            LikeExpr e => Like(e, scope),
            ArrayExpr e => Array(e, scope),
            ObjectExpr e => Object(e, scope),
            CallExpr e => Call(e, scope),
            SubqueryExpr e => Subquery(e, scope),
            _ => throw new InvalidOperationException(expr.GetType().Name),
        };
    }

    private Code Parameter(ParameterExpr parameter)
    {
        if (!_parameters.TryGetValue(parameter.Name, out var index))
        {
            _parameters[parameter.Name] = index = _parameters.Count;
            ParameterList.Add((parameter.Name, parameter.At));
        }

        return Code.OfValue(row => row.Parameters[index], true);
    }

    private static Code Name(NameExpr name, Scope scope)
    {
        var variable = scope.Find(name.Name) ?? throw Unknown(name);
        if (variable.Owner.Grouping is not null)
        {
            throw new SqlException(
                $"Property reference '{name.Name}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.",
                name.At, name.At + name.Name.Length, "SC2102");
        }

        var slot = variable.Slot;
        return Code.OfValue(row => row.Slots[slot], false);
    }

    private Code Member(MemberExpr member, Scope scope)
    {
        if (TryItemPath(member, scope, out var path))
        {
            if (!Filter.TryFind(path, out var slot) && !_paths.TryFind(path, out slot))
            {
                slot = _slots++;
                _paths.Add(path, slot);
            }

            return Code.OfValue(row => row.Slots[slot], false);
        }

        var of = CompileExpr(member.Of, scope);
        if (member.Index is LiteralExpr { Value.Kind: JsonKind.String } name)
        {
            var utf8 = name.Value.StringUtf8.ToArray();
            var from = of.Eval;
            return Fold(Code.OfValue(row => from(row)[utf8], of.IsRowFree), of);
        }

        var index = CompileExpr(member.Index, scope);
        Eval left = of.Eval, right = index.Eval;
        return Fold(Code.OfValue(row => Operators.Member(left(row), right(row)), of.IsRowFree && index.IsRowFree), of, index);
    }

    /// <summary>What depends only on constants is computed here and now.</summary>
    private static Code Fold(Code code, params ReadOnlySpan<Code> operands)
    {
        foreach (var operand in operands)
        {
            if (operand.Constant is null)
            {
                return code;
            }
        }

        return Code.Of(code.Eval(new Row(1, 0, [], default)));
    }

    private Code Unary(UnaryExpr unary, Scope scope)
    {
        var operand = CompileExpr(unary.Operand, scope);
        if (unary.Op == UnaryOp.Not)
        {
            var test = operand.Test;
            return Fold(Code.OfTest(row => Operators.Not(test(row)), operand.IsRowFree), operand);
        }

        var (op, eval) = (unary.Op, operand.Eval);
        return Fold(Code.OfValue(row => Operators.Unary(op, eval(row)), operand.IsRowFree), operand);
    }

    private Code Binary(BinaryExpr binary, Scope scope)
    {
        var left = CompileExpr(binary.Left, scope);
        var right = CompileExpr(binary.Right, scope);
        var free = left.IsRowFree && right.IsRowFree;
        return Fold(
            binary.Op switch
            {
                BinaryOp.And => Code.OfTest(And(left.Test, right.Test), free),
                BinaryOp.Or => Code.OfTest(Or(left.Test, right.Test), free),
                BinaryOp.Coalesce => Code.OfValue(Coalesce(left.Eval, right.Eval), free),
                BinaryOp.Equal => Code.OfTest(Equality(left, right), free),
                BinaryOp.NotEqual => Code.OfTest(Negated(Equality(left, right)), free),
                BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Greater or BinaryOp.GreaterOrEqual =>
                    Code.OfTest(Ordering(binary.Op, left, right), free),
                _ => Code.OfValue(Arithmetic(binary.Op, left.Eval, right.Eval), free),
            },
            left,
            right);
    }

    private static Eval Arithmetic(BinaryOp op, Eval left, Eval right) => row => Operators.Arithmetic(op, left(row), right(row));

    private static Eval Coalesce(Eval left, Eval right) => row =>
    {
        var value = left(row);
        return value.IsUndefined ? right(row) : value;
    };

    // False decides AND whatever the other side is, also undefined; true decides OR.
    private static Test And(Test left, Test right) => row =>
    {
        var first = left(row);
        if (first == Truth.False)
        {
            return Truth.False;
        }

        var second = right(row);
        return second == Truth.False ? Truth.False : first == Truth.True ? second : Truth.Undefined;
    };

    private static Test Or(Test left, Test right) => row =>
    {
        var first = left(row);
        if (first == Truth.True)
        {
            return Truth.True;
        }

        var second = right(row);
        return second == Truth.True ? Truth.True : first == Truth.False ? second : Truth.Undefined;
    };

    private static Test Negated(Test test) => row => Operators.Not(test(row));

    private static Test Equality(Code left, Code right)
    {
        Eval a = left.Eval, b = right.Eval;
        if ((right.Constant ?? left.Constant) is { } constant)
        {
            var other = right.Constant is null ? b : a;
            return row => Operators.Equal(other(row), constant);
        }

        return row => Operators.Equal(a(row), b(row));
    }

    private static Test Ordering(BinaryOp op, Code left, Code right)
    {
        Eval a = left.Eval, b = right.Eval;
        return row => Operators.Order(op, a(row), b(row));
    }

    private Code Conditional(ConditionalExpr conditional, Scope scope)
    {
        var condition = CompileExpr(conditional.Condition, scope);
        var then = CompileExpr(conditional.Then, scope);
        var otherwise = CompileExpr(conditional.Else, scope);
        var (test, yes, no) = (condition.Test, then.Eval, otherwise.Eval);
        return Fold(
            Code.OfValue(row => test(row) == Truth.True ? yes(row) : no(row), condition.IsRowFree && then.IsRowFree && otherwise.IsRowFree),
            condition,
            then,
            otherwise);
    }

    private Code Between(BetweenExpr between, Scope scope)
    {
        var value = CompileExpr(between.Value, scope);
        var low = CompileExpr(between.Low, scope);
        var high = CompileExpr(between.High, scope);
        var (v, l, h) = (value.Eval, low.Eval, high.Eval);
        return Fold(
            Code.OfTest(
                row =>
                {
                    var it = v(row);
                    var above = Operators.Order(BinaryOp.GreaterOrEqual, it, l(row));
                    if (above == Truth.False)
                    {
                        return Truth.False;
                    }

                    var below = Operators.Order(BinaryOp.LessOrEqual, it, h(row));
                    return below == Truth.False ? Truth.False : above == Truth.True ? below : Truth.Undefined;
                },
                value.IsRowFree && low.IsRowFree && high.IsRowFree),
            value,
            low,
            high);
    }

    private Code In(InExpr expr, Scope scope)
    {
        var value = CompileExpr(expr.Value, scope);
        var items = expr.Items.Select(i => CompileExpr(i, scope)).ToArray();
        var eval = value.Eval;
        if (items.All(i => i.Constant is not null))
        {
            // A long list of constants is looked up, not walked.
            var set = items.Select(i => i.Constant!.Value).Where(i => !i.IsUndefined).ToHashSet();
            return Fold(
                Code.OfTest(
                    row =>
                    {
                        var it = eval(row);
                        return it.IsUndefined ? Truth.Undefined : set.Contains(it) ? Truth.True : Truth.False;
                    },
                    value.IsRowFree),
                value);
        }

        var evals = items.Select(i => i.Eval).ToArray();
        var free = items.All(i => i.IsRowFree);
        if (free && items.Length >= ManyAlternatives)
        {
            var memo = _memos++;
            return Code.OfTest(
                row =>
                {
                    var set = (HashSet<JsonValue>)(row.Memo[memo] ??= evals.Select(e => e(row)).Where(i => !i.IsUndefined).ToHashSet());
                    var it = eval(row);
                    return it.IsUndefined ? Truth.Undefined : set.Contains(it) ? Truth.True : Truth.False;
                },
                value.IsRowFree);
        }

        return Code.OfTest(
            row =>
            {
                var it = eval(row);
                if (it.IsUndefined)
                {
                    return Truth.Undefined;
                }

                foreach (var item in evals)
                {
                    if (it.Equals(item(row)))
                    {
                        return Truth.True;
                    }
                }

                return Truth.False;
            },
            value.IsRowFree && free);
    }

    private Code Like(LikeExpr like, Scope scope)
    {
        var value = CompileExpr(like.Value, scope);
        var pattern = CompileExpr(like.Pattern, scope);
        var (eval, escape, at) = (value.Eval, like.Escape, like.Pattern.At);
        if (pattern.Constant is { } constant)
        {
            var compiled = constant.Kind == JsonKind.String ? LikePattern.Compile(constant.AsString()!, escape, at) : null;
            return Fold(Code.OfTest(row => LikePattern.Test(eval(row), compiled), value.IsRowFree), value);
        }

        var patternEval = pattern.Eval;
        return Code.OfTest(
            row =>
            {
                var text = patternEval(row);
                return LikePattern.Test(eval(row), text.Kind == JsonKind.String ? LikePattern.Cached(text.AsString()!, escape, at) : null);
            },
            value.IsRowFree && pattern.IsRowFree);
    }

    private Code Array(ArrayExpr array, Scope scope)
    {
        var items = array.Items.Select(i => CompileExpr(i, scope)).ToArray();
        var evals = items.Select(i => i.Eval).ToArray();
        return Fold(Code.OfValue(row => JsonValue.ArrayOf(evals.Select(e => e(row))), items.All(i => i.IsRowFree)), items);
    }

    private Code Object(ObjectExpr expr, Scope scope)
    {
        var codes = expr.Properties.Select(p => CompileExpr(p.Value, scope)).ToArray();
        var properties = expr.Properties.Select((p, i) => (Name: JsonValue.Of(p.Name), codes[i].Eval)).ToArray();
        return Fold(
            Code.OfValue(row => JsonValue.ObjectOf([.. properties.Select(p => (p.Name, p.Eval(row)))]), codes.All(c => c.IsRowFree)),
            codes);
    }
}
