using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>
/// Binds names to slots, checks what the service checks, and turns the tree into closures, once per query text. Clauses are
/// here, expressions in the other half.
/// </summary>
internal sealed partial class Compiler
{
    private readonly Dictionary<string, int> _parameters = new(StringComparer.Ordinal);
    private PathTree _paths;
    private int _slots = 1;
    private int _memos;

    public Compiler() => _paths = Filter;

    /// <summary>The paths needed to decide on an item and to sort it.</summary>
    public PathTree Filter { get; } = new();

    /// <summary>The paths needed only for the output of an item that matched.</summary>
    public PathTree Rest { get; } = new();

    public int Slots => _slots;

    /// <summary>Places for what is computed once per execution, from the parameters.</summary>
    public int Memos => _memos;

    /// <summary>The parameters by index, each with where it is first used.</summary>
    public List<(string Name, int At)> ParameterList { get; } = [];

    public QueryCode CompileQuery(Query query, Scope? outer)
    {
        var scope = new Scope(outer);
        var isSubquery = outer is not null;
        CheckClauses(query, isSubquery);
        var sources = query.Sources.Select((source, i) => CompileSource(source, i == 0, scope)).ToList();
        var where = query.Where is null ? null : CompileFilter(query.Where, scope);
        var access = isSubquery || sources is not [{ IsItem: true }, ..] ? null : FindAccess(query.Where, scope);
        if (!isSubquery && sources is [{ IsItem: true }, ..] && query.Where is not null)
        {
            AddGuards(query.Where, scope);
        }

        var grouped = query.GroupBy.Count > 0 || ExprText.HasAggregate(query.SelectValue) || query.SelectList.Any(i => ExprText.HasAggregate(i.Value));
        var indexTest = grouped && !isSubquery && sources is [{ IsItem: true }, ..] ? FindIndexTest(query.Where, scope) : null;
        var orderBy = query.OrderBy.Select(o => CompileOrder(o, scope)).ToList();
        if (grouped && orderBy.Count > 0)
        {
            throw new SqlException("ORDER BY cannot be used with GROUP BY or aggregate functions.", query.OrderBy[0].At, code: "SC2104");
        }

        if (!isSubquery && !grouped)
        {
            _paths = Rest;
        }

        var keys = query.GroupBy.Select(k => (Value: CompileGroupKey(k, scope), Slot: _slots++)).ToList();
        if (grouped)
        {
            scope.Grouping = new Grouping();
            for (var i = 0; i < keys.Count; i++)
            {
                scope.Grouping.Keys[ExprText.Of(query.GroupBy[i])] = keys[i].Slot;
            }
        }

        if (query.SelectStar)
        {
            CheckStar(query, grouped);
        }

        // SELECT * of an alias such as FROM x IN c.list gives the elements.
        var starVariable = query.SelectStar ? scope.Variables.FirstOrDefault() : null;
        var wholeItem = query.SelectStar || (!grouped && query.SelectValue is NameExpr only && scope.Find(only.Name) is { IsItem: true });
        var value = query.SelectValue is not null && !wholeItem ? CompileExpr(query.SelectValue, scope).Eval
            : starVariable is { IsItem: false } ? row => row.Slots[starVariable.Slot]
            : (Eval?)null;
        var list = CompileList(query.SelectList, scope);
        return new QueryCode
        {
            Sources = sources,
            Where = where,
            Access = access,
            Conditions = query.Where is null ? 0 : CountConditions(query.Where),
            Star = wholeItem && value is null,
            SelectValue = value,
            SelectList = list,
            IndexTest = indexTest,
            Group = grouped ? new GroupCode(keys, scope.Grouping!.Aggregates, keys.Count == 0 && sources.Count == 1 && scope.Grouping.CountsRowsOnly) : null,
            Distinct = query.Distinct,
            Top = CompileCount(query.Top, scope),
            Offset = CompileCount(query.Offset, scope),
            Limit = CompileCount(query.Limit, scope),
            OrderBy = orderBy,
        };
    }

    public static void CheckClauses(Query query, bool isSubquery)
    {
        if (isSubquery && query.OrderBy.Count > 0)
        {
            throw new SqlException("'ORDER BY' is not supported in subqueries.", query.OrderBy[0].At, code: "SC2201");
        }

        if (isSubquery && query.Offset is not null)
        {
            throw new SqlException("'OFFSET LIMIT' is not supported in subqueries.", query.Offset.At, code: "SC2204");
        }

        if (query.Top is not null && query.Offset is not null)
        {
            throw new SqlException("'TOP' cannot be used with 'OFFSET LIMIT'.", query.Offset.At, code: "SC2203");
        }

        if (ExprText.HasAggregate(query.Where))
        {
            throw new SqlException("Aggregate functions are not allowed in the WHERE clause.", query.Where!.At, code: "SC2101");
        }

        foreach (var item in query.OrderBy.Where(o => ExprText.HasAggregate(o.Value)))
        {
            throw new SqlException("Aggregate functions are not allowed in the ORDER BY clause.", item.At, code: "SC2101");
        }
    }

    private static void CheckStar(Query query, bool grouped)
    {
        if (query.Sources.Count == 0)
        {
            throw new SqlException("'SELECT *' is not valid if the FROM clause is omitted.", query.At, code: "SC2030");
        }

        if (query.Sources.Count > 1)
        {
            throw new SqlException("'SELECT *' is only valid with a single input set.", query.At, code: "SC2040");
        }

        if (grouped)
        {
            throw new SqlException("'SELECT *' is not valid with GROUP BY.", query.At, code: "SC2103");
        }
    }

    private SourceCode CompileSource(Source source, bool first, Scope scope)
    {
        if (source.Subquery is { } subquery)
        {
            var code = CompileQuery(subquery, scope);
            return new(null, Declare(source, scope, false), source.Iterate, false, code);
        }

        var path = source.Path!;
        var root = path;
        while (root is MemberExpr member)
        {
            root = member.Of;
        }

        var name = (NameExpr)root;
        if (path is NameExpr && !source.Iterate && scope.Find(name.Name) is { IsItem: true })
        {
            // FROM root in a subquery, as LINQ writes it: still the item.
            scope.Add(source.Alias!, Row.Root, isItem: true, source.At);
            return new(null, Row.Root, false, true, null);
        }

        if (scope.Find(name.Name) is null)
        {
            if (!first || scope.Parent is not null)
            {
                throw Unknown(name);
            }

            // The first name of FROM stands for the container, whatever it is called.
            if (path is NameExpr && !source.Iterate)
            {
                scope.Add(source.Alias!, Row.Root, isItem: true, source.At);
                return new(null, Row.Root, false, true, null);
            }

            var hidden = new Scope(scope);
            hidden.Add(name.Name, Row.Root, isItem: true, name.At);
            var fromItem = CompileExpr(path, hidden).Eval;
            return new(fromItem, Declare(source, scope, false), source.Iterate, false, null);
        }

        var value = CompileExpr(path, scope).Eval;
        return new(value, Declare(source, scope, false), source.Iterate, false, null);
    }

    private int Declare(Source source, Scope scope, bool isItem)
    {
        var slot = _slots++;
        if (source.Alias is not null)
        {
            scope.Add(source.Alias, slot, isItem, source.At);
        }

        return slot;
    }

    private Eval CompileGroupKey(Expr key, Scope scope)
    {
        if (ExprText.HasAggregate(key) || key is SubqueryExpr)
        {
            throw new SqlException("Aggregate functions and subqueries are not allowed in the GROUP BY clause.", key.At, code: "SC2101");
        }

        return CompileExpr(key, scope).Eval;
    }

    private OrderCode CompileOrder(OrderItem item, Scope scope)
    {
        if (!TryItemPath(item.Value, scope, out var path) || path.Count == 0)
        {
            throw new SqlException(
                "Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.", item.At, code: "SC2206");
        }

        return new(CompileExpr(item.Value, scope).Eval, path, item.Descending, item.At);
    }

    private Eval? CompileCount(Expr? count, Scope scope) => count is null ? null : CompileExpr(count, scope).Eval;

    private List<(JsonValue, Eval)> CompileList(IReadOnlyList<SelectItem> items, Scope scope)
    {
        var list = new List<(JsonValue, Eval)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var unnamed = 0;
        foreach (var item in items)
        {
            var name = item.Alias ?? item.Value switch
            {
                NameExpr e => e.Name,
                MemberExpr { Index: LiteralExpr { Value.Kind: JsonKind.String } last } => last.Value.AsString()!,
                _ => $"${++unnamed}",
            };
            if (!names.Add(name))
            {
                throw new SqlException($"The name '{name}' is specified more than once in the SELECT list.", item.At, code: "SC2042");
            }

            list.Add((JsonValue.Of(name), CompileExpr(item.Value, scope).Eval));
        }

        return list;
    }

    private static SqlException Unknown(NameExpr name) =>
        new($"Identifier '{name.Name}' could not be resolved.", name.At, name.At + name.Name.Length, "SC2001");

    /// <summary>Whether an expression is a path of constant names from the item; then which.</summary>
    public static bool TryItemPath(Expr expr, Scope scope, out List<string> path)
    {
        path = [];
        while (expr is MemberExpr { Index: LiteralExpr { Value.Kind: JsonKind.String } index } member)
        {
            path.Insert(0, index.Value.AsString()!);
            expr = member.Of;
        }

        return expr is NameExpr name && scope.Find(name.Name) is { IsItem: true } variable && variable.Owner.Grouping is null;
    }
}
