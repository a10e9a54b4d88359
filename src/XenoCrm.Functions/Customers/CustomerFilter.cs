using Microsoft.Azure.Cosmos;

namespace XenoCrm.Customers;

/// <summary>Which customers.</summary>
/// <param name="Where">A Cosmos SQL condition over the alias <c>c</c>, without WHERE; the store adds the test that <c>c</c> is a customer.</param>
/// <param name="Parameters">Values by parameter name, <c>@</c> included.</param>
public sealed record CustomerFilter(string Where, IReadOnlyDictionary<string, object?> Parameters)
{
    public static readonly CustomerFilter All = new("true", new Dictionary<string, object?>());

    /// <param name="sql">With <c>{0}</c> where the condition goes.</param>
    /// <param name="position">The parameter <c>@after</c>, when the query has one.</param>
    internal QueryDefinition ToQuery(string sql, string? position = null)
    {
        var query = new QueryDefinition(sql.Replace("{0}", $"c.type = 'customer' AND ({Where})", StringComparison.Ordinal));
        foreach (var (name, value) in Parameters)
        {
            query.WithParameter(name, value);
        }

        return position is null ? query : query.WithParameter("@after", position);
    }

    /// <summary>Those of them for which the condition holds too.</summary>
    public CustomerFilter And(string where, params (string Name, object? Value)[] parameters) => new(
        $"({Where}) AND ({where})",
        parameters.Length == 0 ? Parameters : new Dictionary<string, object?>(Parameters.Concat(parameters.Select(p => KeyValuePair.Create(p.Name, p.Value)))));
}
