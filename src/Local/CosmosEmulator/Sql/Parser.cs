using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Builds the tree by recursive descent: clauses here, expressions in the other half.</summary>
internal sealed partial class Parser
{
    // Deep enough for any query written or generated; shallow enough that a hostile one cannot exhaust the stack.
    private const int MaxDepth = 200;

    // a + b + c + ... grows a tree as deep as it is long.
    private const int MaxChain = 1000;

    // The service's limit.
    private const int MaxJoins = 10;

    private readonly List<Token> _tokens;
    private int _next;
    private int _depth;

    private Parser(string sql) => _tokens = Lexer.Read(sql);

    public static Query ParseQuery(string sql)
    {
        var parser = new Parser(sql);
        var query = parser.ReadQuery();
        parser.ExpectEnd();
        return query;
    }

    /// <summary>A patch condition: FROM and WHERE without SELECT.</summary>
    public static Query ParseFilter(string fromWhere)
    {
        var parser = new Parser(fromWhere);
        if (parser.IsKeyword("SELECT"))
        {
            parser._next = 0;
            var query = parser.ReadQuery();
            parser.ExpectEnd();
            return query;
        }

        var sources = parser.ReadFrom();
        var where = parser.TakeKeyword("WHERE") ? parser.ReadExpression() : null;
        parser.ExpectEnd();
        return new(0, false, null, false, new LiteralExpr(0, JsonValue.True), [], sources, where, [], [], null, null);
    }

    private Token Current => _tokens[_next];

    private bool IsKeyword(string keyword) => Current.Kind == TokenKind.Keyword && Current.Text == keyword;

    private bool IsSymbol(string symbol) => Current.Kind == TokenKind.Symbol && Current.Text == symbol;

    /// <summary>A word with a meaning only in its place (RANK, ALL, FIRST, LAST).</summary>
    private bool IsWord(string word) => Current.Kind == TokenKind.Identifier && Current.Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    private bool TakeKeyword(string keyword)
    {
        var found = IsKeyword(keyword);
        _next += found ? 1 : 0;
        return found;
    }

    private bool TakeSymbol(string symbol)
    {
        var found = IsSymbol(symbol);
        _next += found ? 1 : 0;
        return found;
    }

    private void ExpectKeyword(string keyword)
    {
        if (!TakeKeyword(keyword))
        {
            throw Unexpected();
        }
    }

    private void ExpectSymbol(string symbol)
    {
        if (!TakeSymbol(symbol))
        {
            throw Unexpected();
        }
    }

    private void ExpectEnd()
    {
        if (Current.Kind != TokenKind.End)
        {
            throw Unexpected();
        }
    }

    private SqlException Unexpected() => Current.Kind == TokenKind.End
        ? new("Syntax error, unexpected end of the query.", Current.At, Current.End, "SC1001")
        : new($"Syntax error, incorrect syntax near '{Current.Text}'.", Current.At, Current.End, "SC1001");

    private string Identifier()
    {
        if (Current.Kind != TokenKind.Identifier)
        {
            throw Unexpected();
        }

        return _tokens[_next++].Text;
    }

    private Query ReadQuery()
    {
        Enter();
        var at = Current.At;
        ExpectKeyword("SELECT");
        var distinct = TakeKeyword("DISTINCT");
        var top = TakeKeyword("TOP") ? ReadCount() : null;
        var star = false;
        Expr? value = null;
        List<SelectItem> list = [];
        if (TakeSymbol("*"))
        {
            star = true;
        }
        else if (TakeKeyword("VALUE"))
        {
            value = ReadExpression();
        }
        else
        {
            do
            {
                list.Add(ReadSelectItem());
            }
            while (TakeSymbol(","));
        }

        var sources = IsKeyword("FROM") ? ReadFrom() : [];
        var where = TakeKeyword("WHERE") ? ReadExpression() : null;
        List<Expr> groupBy = [];
        if (TakeKeyword("GROUP"))
        {
            ExpectKeyword("BY");
            groupBy = ReadList();
        }

        var orderBy = TakeKeyword("ORDER") ? ReadOrderBy() : [];
        Expr? offset = null, limit = null;
        if (TakeKeyword("OFFSET"))
        {
            offset = ReadCount();
            ExpectKeyword("LIMIT");
            limit = ReadCount();
        }

        _depth--;
        return new(at, distinct, top, star, value, list, sources, where, groupBy, orderBy, offset, limit);
    }

    private SelectItem ReadSelectItem()
    {
        var at = Current.At;
        var value = ReadExpression();
        return new(at, value, TakeKeyword("AS") || Current.Kind == TokenKind.Identifier ? Identifier() : null);
    }

    private Expr ReadCount()
    {
        var token = Current;
        if (token.Kind == TokenKind.Parameter)
        {
            _next++;
            return new ParameterExpr(token.At, token.Text);
        }

        if (token.Kind != TokenKind.Number || !token.Value.TryGetInteger(out var count) || count > int.MaxValue)
        {
            throw Unexpected();
        }

        _next++;
        return new LiteralExpr(token.At, token.Value);
    }

    private List<OrderItem> ReadOrderBy()
    {
        ExpectKeyword("BY");
        if (IsWord("RANK"))
        {
            throw new SqlException("ORDER BY RANK (full-text and vector search) is not supported.", Current.At, Current.End);
        }

        List<OrderItem> items = [];
        do
        {
            var at = Current.At;
            var value = ReadExpression();
            var descending = TakeKeyword("DESC");
            if (!descending)
            {
                TakeKeyword("ASC");
            }

            items.Add(new(at, value, descending));
        }
        while (TakeSymbol(","));
        return items;
    }

    private List<Source> ReadFrom()
    {
        ExpectKeyword("FROM");
        List<Source> sources = [ReadSource()];
        while (TakeKeyword("JOIN"))
        {
            if (sources.Count > MaxJoins)
            {
                throw new SqlException($"A query may have {MaxJoins} JOINs.", Current.At, code: "SC2015");
            }

            sources.Add(ReadSource());
        }

        return sources;
    }

    private Source ReadSource()
    {
        var at = Current.At;
        if (TakeSymbol("("))
        {
            var query = ReadQuery();
            ExpectSymbol(")");
            return new(at, ReadAlias(), null, false, query);
        }

        var name = Identifier();
        if (!TakeKeyword("IN"))
        {
            var path = ReadPath(new NameExpr(at, name));
            return new(at, ReadAlias() ?? LastName(path), path, false, null);
        }

        if (TakeSymbol("("))
        {
            var query = ReadQuery();
            ExpectSymbol(")");
            return new(at, name, null, true, query);
        }

        var from = Current.At;
        return new(at, name, ReadPath(new NameExpr(from, Identifier())), true, null);
    }

    private string? ReadAlias() => TakeKeyword("AS") || Current.Kind == TokenKind.Identifier ? Identifier() : null;

    private static string? LastName(Expr path) => path switch
    {
        NameExpr name => name.Name,
        MemberExpr { Index: LiteralExpr { Value.Kind: JsonKind.String } last } => last.Value.AsString(),
        _ => null,
    };

    private Expr ReadPath(Expr path)
    {
        for (var length = 0; length < MaxChain; length++)
        {
            var at = Current.At;
            if (TakeSymbol("."))
            {
                at = Current.At;
                path = new MemberExpr(path.At, path, new LiteralExpr(at, JsonValue.Of(Identifier())));
            }
            else if (TakeSymbol("["))
            {
                var index = Current;
                if (index.Kind is not (TokenKind.String or TokenKind.Number))
                {
                    throw Unexpected();
                }

                _next++;
                path = new MemberExpr(path.At, path, new LiteralExpr(index.At, index.Kind == TokenKind.String ? JsonValue.Of(index.Text) : index.Value));
                ExpectSymbol("]");
            }
            else
            {
                return path;
            }
        }

        throw TooDeep();
    }

    private void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw TooDeep();
        }
    }

    private SqlException TooDeep() => new("The query is nested too deeply.", Current.At, Current.End, "SC3001");
}
