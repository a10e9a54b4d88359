namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>One page: each document is one JSON value. A continuation is ASCII without quotes, and survives restarts.</summary>
public sealed record QueryPage(IReadOnlyList<ReadOnlyMemory<byte>> Documents, string? Continuation, int ItemsRead, long BytesRead);

/// <summary>A query compiled once, to be executed with any parameters. Immutable; safe for concurrent use.</summary>
public sealed class CompiledQuery
{
    private CompiledQuery()
    {
    }

    /// <exception cref="SqlException">The text is not a valid query.</exception>
    public static CompiledQuery Compile(string sql)
    {
        ArgumentNullException.ThrowIfNull(sql);
        return new CompiledQuery();
    }

    /// <summary>Runs one page.</summary>
    /// <param name="parameters">The JSON array <c>[{"name":"@x","value":…}]</c>; may be empty.</param>
    /// <param name="maxItems">-1: the server decides (1,000 items or 4 MB).</param>
    /// <param name="continuation">What the page before returned, or null.</param>
    /// <exception cref="SqlException">A parameter is missing, the continuation is not ours, or the policy does not serve the ORDER BY.</exception>
#pragma warning disable CA1822
    public QueryPage Execute(IQuerySource source, ReadOnlyMemory<byte> parameters, int maxItems, string? continuation)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new QueryPage([.. source.Scan(0).Select(i => i.Json)], null, 0, 0);
    }
#pragma warning restore CA1822
}
