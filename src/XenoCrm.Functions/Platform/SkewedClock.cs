namespace XenoCrm.Platform;

/// <summary>A clock that is wrong by a constant (<see cref="WorkspaceOptions.ClockSkew"/>).</summary>
internal sealed class SkewedClock(TimeSpan skew) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + skew;
}
