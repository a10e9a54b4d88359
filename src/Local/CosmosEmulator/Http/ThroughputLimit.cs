namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>
/// Request units per second. As in the service, what a request costs is known when it is done, so the budget of a second
/// can be overdrawn; whoever comes while it is, is told when to come again.
/// </summary>
internal sealed class ThroughputLimit(double perSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly double _perSecond = perSecond;
    private double _left = perSecond;
    private long _filled = time.GetTimestamp();

    /// <summary>Null when there is budget.</summary>
    public int? RetryAfterMilliseconds()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _left = Math.Min(_perSecond, _left + (_perSecond * time.GetElapsedTime(_filled, now).TotalSeconds));
            _filled = now;
            return _left > 0 ? null : Math.Clamp((int)Math.Ceiling(-_left / _perSecond * 1000), 1, 5_000);
        }
    }

    public void Spend(double charge)
    {
        lock (_gate)
        {
            _left -= charge;
        }
    }
}
