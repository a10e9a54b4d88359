using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>A FROM variable: where its value is, and whether it is the item itself (then its paths are taken in one pass).</summary>
internal sealed record Variable(Scope Owner, string Name, int Slot, bool IsItem);

/// <summary>The names of one query; a subquery sees those of the queries around it.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, Variable> _variables = new(StringComparer.Ordinal);

    public Scope? Parent { get; } = parent;

    /// <summary>
    /// Set while the output of an aggregate query is compiled: group keys by their canonical text, and the aggregates met.
    /// Names of this scope mean nothing there.
    /// </summary>
    public Grouping? Grouping { get; set; }

    public IEnumerable<Variable> Variables => _variables.Values;

    public Variable Add(string name, int slot, bool isItem, int at)
    {
        var variable = new Variable(this, name, slot, isItem);
        if (!_variables.TryAdd(name, variable))
        {
            throw new SqlException($"The input alias '{name}' is specified more than once in the FROM clause.", at, at + name.Length, "SC2012");
        }

        return variable;
    }

    public Variable? Find(string name) => _variables.TryGetValue(name, out var found) ? found : Parent?.Find(name);
}

internal sealed class Grouping
{
    /// <summary>Canonical text of a GROUP BY expression, and the slot its value is put into.</summary>
    public Dictionary<string, int> Keys { get; } = new(StringComparer.Ordinal);

    public List<(AggregateKind Kind, Eval Argument, int Slot)> Aggregates { get; } = [];

    /// <summary>All aggregates are COUNT of a constant.</summary>
    public bool CountsRowsOnly { get; set; } = true;
}
