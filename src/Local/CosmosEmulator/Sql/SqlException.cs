namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>A query the service would refuse: 400, with the position in the text (0-based; -1 when there is none).</summary>
public sealed class SqlException(string message, int position = -1) : Exception(message)
{
    public int Position { get; } = position;
}
