namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>The condition of a patch: <c>FROM c WHERE c.n &gt; 10</c>.</summary>
public sealed class CompiledFilter
{
    private CompiledFilter()
    {
    }

    public static CompiledFilter Compile(string fromWhere)
    {
        ArgumentNullException.ThrowIfNull(fromWhere);
        return new CompiledFilter();
    }

#pragma warning disable CA1822
    public bool Matches(ReadOnlyMemory<byte> document) => !document.IsEmpty;
#pragma warning restore CA1822
}
