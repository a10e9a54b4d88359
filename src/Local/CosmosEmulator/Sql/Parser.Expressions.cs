using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal sealed partial class Parser
{
    // From loose to tight; the conditional, ??, OR, AND, NOT and the predicates (IN, BETWEEN, LIKE) are looser than all of these.
    private static readonly Dictionary<string, (int Binding, BinaryOp Op)> Operators = new(StringComparer.Ordinal)
    {
        ["|"] = (1, BinaryOp.BitOr),
        ["^"] = (2, BinaryOp.BitXor),
        ["&"] = (3, BinaryOp.BitAnd),
        ["="] = (4, BinaryOp.Equal),
        ["!="] = (4, BinaryOp.NotEqual),
        ["<>"] = (4, BinaryOp.NotEqual),
        ["<"] = (5, BinaryOp.Less),
        ["<="] = (5, BinaryOp.LessOrEqual),
        [">"] = (5, BinaryOp.Greater),
        [">="] = (5, BinaryOp.GreaterOrEqual),
        ["<<"] = (6, BinaryOp.ShiftLeft),
        [">>"] = (6, BinaryOp.ShiftRight),
        [">>>"] = (6, BinaryOp.ShiftRightZero),
        ["+"] = (7, BinaryOp.Add),
        ["-"] = (7, BinaryOp.Subtract),
        ["||"] = (7, BinaryOp.Concat),
        ["*"] = (8, BinaryOp.Multiply),
        ["/"] = (8, BinaryOp.Divide),
        ["%"] = (8, BinaryOp.Modulo),
    };

    private List<Expr> ReadList()
    {
        List<Expr> items = [ReadExpression()];
        while (TakeSymbol(","))
        {
            items.Add(ReadExpression());
        }

        return items;
    }

    private Expr ReadExpression()
    {
        Enter();
        var condition = ReadCoalesce();
        if (TakeSymbol("?"))
        {
            var then = ReadExpression();
            ExpectSymbol(":");
            condition = new ConditionalExpr(condition.At, condition, then, ReadExpression());
        }

        _depth--;
        return condition;
    }

    private Expr ReadCoalesce()
    {
        Enter();
        var left = ReadOr();
        left = TakeSymbol("??") ? new BinaryExpr(left.At, BinaryOp.Coalesce, left, ReadCoalesce()) : left;
        _depth--;
        return left;
    }

    // Long chains (the SDK's ReadMany writes a thousand ORs) become balanced trees, so that nothing recurses deeply over them.
    private Expr ReadOr() => ReadChain(ReadAnd, "OR", BinaryOp.Or);

    private Expr ReadAnd() => ReadChain(ReadNot, "AND", BinaryOp.And);

    private Expr ReadChain(Func<Expr> operand, string keyword, BinaryOp op)
    {
        var first = operand();
        if (!IsKeyword(keyword))
        {
            return first;
        }

        List<Expr> operands = [first];
        while (TakeKeyword(keyword))
        {
            operands.Add(operand());
        }

        return Balance(op, operands, 0, operands.Count);
    }

    private static Expr Balance(BinaryOp op, List<Expr> operands, int from, int to)
    {
        if (to - from == 1)
        {
            return operands[from];
        }

        var middle = (from + to + 1) / 2;
        return new BinaryExpr(operands[from].At, op, Balance(op, operands, from, middle), Balance(op, operands, middle, to));
    }

    private Expr ReadNot()
    {
        if (!IsKeyword("NOT"))
        {
            return ReadPredicate();
        }

        Enter();
        var at = _tokens[_next++].At;
        var operand = ReadNot();
        _depth--;
        return new UnaryExpr(at, UnaryOp.Not, operand);
    }

    private Expr ReadPredicate()
    {
        var value = ReadBinary(1);
        for (var length = 0; length < MaxChain; length++)
        {
            var start = _next;
            var not = TakeKeyword("NOT");
            Expr predicate;
            if (TakeKeyword("IN"))
            {
                ExpectSymbol("(");
                predicate = new InExpr(value.At, value, ReadList());
                ExpectSymbol(")");
            }
            else if (TakeKeyword("BETWEEN"))
            {
                var low = ReadBinary(1);
                ExpectKeyword("AND");
                predicate = new BetweenExpr(value.At, value, low, ReadBinary(1));
            }
            else if (TakeKeyword("LIKE"))
            {
                var pattern = ReadBinary(1);
                predicate = new LikeExpr(value.At, value, pattern, TakeKeyword("ESCAPE") ? ReadEscape() : null);
            }
            else
            {
                _next = start;
                return value;
            }

            value = not ? new UnaryExpr(value.At, UnaryOp.Not, predicate) : predicate;
        }

        throw TooDeep();
    }

    private string ReadEscape()
    {
        var token = Current;
        if (token.Kind != TokenKind.String || token.Text.Length != 1)
        {
            throw new SqlException("ESCAPE takes a string of one character.", token.At, token.End, "SC1001");
        }

        _next++;
        return token.Text;
    }

    private Expr ReadBinary(int binding)
    {
        var left = ReadUnary();
        for (var length = 0; Current.Kind == TokenKind.Symbol && Operators.TryGetValue(Current.Text, out var found) && found.Binding >= binding; length++)
        {
            if (length == MaxChain)
            {
                throw TooDeep();
            }

            _next++;
            left = new BinaryExpr(left.At, found.Op, left, ReadBinary(found.Binding + 1));
        }

        return left;
    }

    private Expr ReadUnary()
    {
        UnaryOp? op = Current.Kind == TokenKind.Symbol
            ? Current.Text switch { "-" => UnaryOp.Minus, "+" => UnaryOp.Plus, "~" => UnaryOp.BitNot, _ => null }
            : IsKeyword("NOT") ? UnaryOp.Not : null;
        if (op is null)
        {
            return ReadMembers(ReadPrimary());
        }

        Enter();
        var at = _tokens[_next++].At;
        var operand = ReadUnary();
        _depth--;
        return new UnaryExpr(at, op.Value, operand);
    }

    private Expr ReadMembers(Expr value)
    {
        for (var length = 0; length < MaxChain; length++)
        {
            if (TakeSymbol("."))
            {
                var at = Current.At;
                value = new MemberExpr(value.At, value, new LiteralExpr(at, JsonValue.Of(Identifier())));
            }
            else if (TakeSymbol("["))
            {
                value = new MemberExpr(value.At, value, ReadExpression());
                ExpectSymbol("]");
            }
            else
            {
                return value;
            }
        }

        throw TooDeep();
    }

    private Expr ReadPrimary()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Number:
                _next++;
                return new LiteralExpr(token.At, token.Value);
            case TokenKind.String:
                _next++;
                return new LiteralExpr(token.At, JsonValue.Of(token.Text));
            case TokenKind.Parameter:
                _next++;
                return new ParameterExpr(token.At, token.Text);
            case TokenKind.Identifier:
                return ReadName(token);
            case TokenKind.Keyword:
                return ReadKeyword(token);
            case TokenKind.Symbol when TakeSymbol("("):
                var inner = IsKeyword("SELECT") ? new SubqueryExpr(token.At, SubqueryKind.Scalar, ReadQuery()) : ReadExpression();
                ExpectSymbol(")");
                return inner;
            case TokenKind.Symbol when TakeSymbol("["):
                IReadOnlyList<Expr> items = IsSymbol("]") ? [] : ReadList();
                ExpectSymbol("]");
                return new ArrayExpr(token.At, items);
            case TokenKind.Symbol when TakeSymbol("{"):
                return ReadObject(token.At);
            default:
                throw Unexpected();
        }
    }

    private Expr ReadName(Token token)
    {
        _next++;
        if (!TakeSymbol("("))
        {
            return new NameExpr(token.At, token.Text);
        }

        if (IsKeyword("SELECT"))
        {
            SubqueryKind kind = token.Text.ToUpperInvariant() switch
            {
                "ALL" => SubqueryKind.All,
                "FIRST" => SubqueryKind.First,
                "LAST" => SubqueryKind.Last,
                _ => throw Unexpected(),
            };
            return ReadSubquery(token.At, kind);
        }

        return ReadCall(token, isUdf: false);
    }

    private Expr ReadKeyword(Token token)
    {
        _next++;
        switch (token.Text)
        {
            case "true":
                return new LiteralExpr(token.At, JsonValue.True);
            case "false":
                return new LiteralExpr(token.At, JsonValue.False);
            case "null":
                return new LiteralExpr(token.At, JsonValue.Null);
            case "undefined":
                return new LiteralExpr(token.At, default);
            case "udf":
                ExpectSymbol(".");
                var name = Current;
                Identifier();
                ExpectSymbol("(");
                return ReadCall(name, isUdf: true);
            case "EXISTS" or "ARRAY" when TakeSymbol("("):
                return ReadSubquery(token.At, token.Text == "EXISTS" ? SubqueryKind.Exists : SubqueryKind.Array);
            case "LEFT" or "RIGHT" when TakeSymbol("("):
                return ReadCall(token, isUdf: false);
            default:
                _next--;
                throw Unexpected();
        }
    }

    private SubqueryExpr ReadSubquery(int at, SubqueryKind kind)
    {
        var query = ReadQuery();
        ExpectSymbol(")");
        return new(at, kind, query);
    }

    private CallExpr ReadCall(Token name, bool isUdf)
    {
        IReadOnlyList<Expr> arguments = IsSymbol(")") ? [] : ReadList();
        ExpectSymbol(")");
        return new(name.At, name.Text, arguments, isUdf);
    }

    private ObjectExpr ReadObject(int at)
    {
        List<(string, Expr)> properties = [];
        if (!IsSymbol("}"))
        {
            do
            {
                if (Current.Kind is not (TokenKind.String or TokenKind.Identifier))
                {
                    throw Unexpected();
                }

                var name = _tokens[_next++].Text;
                ExpectSymbol(":");
                properties.Add((name, ReadExpression()));
            }
            while (TakeSymbol(","));
        }

        ExpectSymbol("}");
        return new(at, properties);
    }
}
