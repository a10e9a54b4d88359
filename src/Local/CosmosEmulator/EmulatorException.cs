namespace XenoCrm.Local.CosmosEmulator;

/// <summary>A request that is refused: the HTTP status, the sub-status (0 = none) and what the caller reads.</summary>
internal sealed class EmulatorException(int status, string message, int subStatus = 0) : Exception(message)
{
    public int Status { get; } = status;

    public int SubStatus { get; } = subStatus;

    public static EmulatorException NotFound(string what) => new(404, $"Resource Not Found: {what}.");
}
