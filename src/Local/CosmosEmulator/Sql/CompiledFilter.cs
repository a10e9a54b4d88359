using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>The condition of a patch: <c>FROM c WHERE c.n &gt; 10</c>.</summary>
public sealed class CompiledFilter
{
    private readonly QueryCode _code;
    private readonly PathTree _paths;
    private readonly int _slots;
    private readonly int _memos;

    private CompiledFilter(string fromWhere)
    {
        var compiler = new Compiler();
        _code = compiler.CompileQuery(Parser.ParseFilter(fromWhere), outer: null);
        if (compiler.ParameterList is [var parameter, ..])
        {
            throw new SqlException("A patch condition has no parameters.", parameter.At, parameter.At + parameter.Name.Length, "SC2060");
        }

        _paths = compiler.Filter;
        _slots = compiler.Slots;
        _memos = compiler.Memos;
    }

    /// <exception cref="SqlException">The text is not a valid condition.</exception>
    public static CompiledFilter Compile(string fromWhere)
    {
        ArgumentNullException.ThrowIfNull(fromWhere);
        return new CompiledFilter(fromWhere);
    }

    public bool Matches(ReadOnlyMemory<byte> document)
    {
        var row = new Row(_slots, _memos, [], TimeProvider.System.GetUtcNow().UtcDateTime);
        if (!row.Load(new StoredItem(0, document), _paths))
        {
            return false;
        }

        var found = false;
        _code.Each(row, () =>
        {
            found = true;
            return false;
        });
        return found;
    }
}
