using System.Collections.Concurrent;

namespace XenoCrm.Platform;

/// <summary>
/// Values that every request needs and that may be a few seconds old. What is not there is not remembered: it may be made
/// at any moment, and who asks for it again and again only troubles themselves.
/// </summary>
/// <param name="life">How long another instance's change may stay unnoticed.</param>
/// <param name="capacity">Beyond it all are forgotten: memory is bounded, and the next requests fill it again.</param>
public sealed class ShortCache<T>(TimeProvider clock, TimeSpan life, int capacity, Func<string, CancellationToken, Task<T?>> load)
    where T : class
{
    private readonly ConcurrentDictionary<string, (T Value, DateTimeOffset Until)> values = new(StringComparer.Ordinal);

    /// <param name="fresh">Ask the storage, whatever is remembered.</param>
    public async ValueTask<T?> GetAsync(string key, bool fresh, CancellationToken cancellation)
    {
        if (!fresh && values.TryGetValue(key, out var known) && known.Until > clock.GetUtcNow())
        {
            return known.Value;
        }

        var until = clock.GetUtcNow() + life;
        if (await load(key, cancellation) is not { } value)
        {
            values.TryRemove(key, out _);
            return null;
        }

        if (values.Count >= capacity)
        {
            values.Clear();
        }

        values[key] = (value, until);
        return value;
    }

    public void Forget(string key) => values.TryRemove(key, out _);
}
