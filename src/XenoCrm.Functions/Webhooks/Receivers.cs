using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace XenoCrm.Webhooks;

/// <summary>What this instance knows of the receivers. Forgotten with the process: it is found out again with the next request.</summary>
public sealed class Receivers(IOptions<WebhookOptions> options, TimeProvider clock) : IDisposable
{
    private readonly ConcurrentDictionary<string, Receiver> known = new();

    public Receiver Of(string subscriptionId) => known.GetOrAdd(subscriptionId, _ => new(options.Value.ConcurrentPosts, clock));

    public void Dispose()
    {
        foreach (var receiver in known.Values)
        {
            receiver.Dispose();
        }
    }
}

/// <summary>Lets no more than some requests through to a receiver at once, and none while it is down: the others' deliveries need the time.</summary>
public sealed class Receiver(int slots, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim free = new(slots);
    private readonly Lock gate = new();
    private DateTimeOffset closedUntil;
    private int failures;

    public async Task<T> PostAsync<T>(Func<Task<T>> post, CancellationToken cancellation)
    {
        await free.WaitAsync(cancellation);
        try
        {
            return await post();
        }
        finally
        {
            free.Release();
        }
    }

    /// <summary>How long it is still to be left alone; null: no reason to.</summary>
    public TimeSpan? Rest()
    {
        lock (gate)
        {
            var rest = closedUntil - clock.GetUtcNow();
            return rest > TimeSpan.Zero ? rest : null;
        }
    }

    /// <param name="retryAfter">The receiver's own wish.</param>
    public void Failed(TimeSpan? retryAfter)
    {
        lock (gate)
        {
            var rest = Math.Max(FirstRest.Ticks * (1L << Math.Min(failures++, 10)), (retryAfter ?? TimeSpan.Zero).Ticks);
            closedUntil = clock.GetUtcNow() + TimeSpan.FromTicks(Math.Min(rest, LongestRest.Ticks));
        }
    }

    public void Dispose() => free.Dispose();

    public void Worked()
    {
        lock (gate)
        {
            (failures, closedUntil) = (0, default);
        }
    }
}
