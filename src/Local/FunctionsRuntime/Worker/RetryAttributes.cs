namespace Microsoft.Azure.Functions.Worker;

/// <summary>
/// Runs a failed invocation again, in the same process. For timers only: a queue message already has its own retries
/// (<c>maxDequeueCount</c>), and the real SDK refuses to compile a retry attribute there (AZFW0012).
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public abstract class RetryAttribute : Attribute
{
    private protected RetryAttribute(int maxRetryCount)
    {
        MaxRetryCount = maxRetryCount;
    }

    /// <summary>Runs after the first one; -1 retries without end.</summary>
    public int MaxRetryCount { get; }

    /// <summary>The pause before retry number <paramref name="retry"/>, counted from 1.</summary>
    internal abstract TimeSpan DelayBefore(int retry);

    private protected static TimeSpan Parse(string interval, string parameter)
    {
        if (!TimeSpan.TryParse(interval, out var parsed))
            throw new ArgumentOutOfRangeException(parameter, interval, "The interval is not a time span (hh:mm:ss).");
        ArgumentOutOfRangeException.ThrowIfLessThan(parsed, TimeSpan.Zero, parameter);
        return parsed;
    }
}

/// <summary>Retries after the same delay each time.</summary>
public sealed class FixedDelayRetryAttribute(int maxRetryCount, string delayInterval) : RetryAttribute(maxRetryCount)
{
    private readonly TimeSpan _delay = Parse(delayInterval, nameof(delayInterval));

    public string DelayInterval { get; } = delayInterval;

    internal override TimeSpan DelayBefore(int retry) => _delay;
}

/// <summary>Retries after a delay that doubles each time, between two bounds.</summary>
public sealed class ExponentialBackoffRetryAttribute : RetryAttribute
{
    private readonly TimeSpan _minimum;
    private readonly TimeSpan _maximum;

    public ExponentialBackoffRetryAttribute(int maxRetryCount, string minimumInterval, string maximumInterval)
        : base(maxRetryCount)
    {
        _minimum = Parse(minimumInterval, nameof(minimumInterval));
        _maximum = Parse(maximumInterval, nameof(maximumInterval));
        if (_minimum > _maximum)
            throw new ArgumentException("The minimum interval is longer than the maximum interval.", nameof(minimumInterval));
        MinimumInterval = minimumInterval;
        MaximumInterval = maximumInterval;
    }

    public string MinimumInterval { get; }

    public string MaximumInterval { get; }

    internal override TimeSpan DelayBefore(int retry)
    {
        var ticks = _minimum.Ticks * Math.Pow(2, Math.Min(retry - 1, 40));
        return ticks >= _maximum.Ticks ? _maximum : TimeSpan.FromTicks((long)ticks);
    }
}
