namespace XenoCrm.Platform;

/// <summary>Ids that sort by the time they were made.</summary>
public sealed class Ids(TimeProvider clock)
{
    /// <summary>A UUIDv7 as 32 hex digits.</summary>
    public string New() => Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");
}
