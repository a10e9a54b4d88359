namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>A query the service would refuse: 400, with the position in the text (0-based; -1 when there is none).</summary>
/// <param name="code">The service's code: SC1001 syntax, SC2001 unknown identifier, SC2005 unknown function, SC2xxx other rules.</param>
public sealed class SqlException(string message, int position = -1, int end = -1, string code = "SC2000") : Exception(message)
{
    public int Position { get; } = position;

    /// <summary>The index behind the offending text.</summary>
    public int End { get; } = Math.Max(position, end);

    public string Code { get; } = code;
}
