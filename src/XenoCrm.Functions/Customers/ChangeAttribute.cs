using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>
/// Declares attributes, changes the type of those that nobody carries, and removes them. Every process has the types in
/// memory for a while, so a type that changed at once would be written beside the old one. A change is announced instead:
/// who knows of it refuses values, and <see cref="Settling"/> later, when everybody knows and what was on its way has
/// arrived, <see cref="FinishAsync"/> makes the change, or drops it because somebody carries the attribute by now.
/// </summary>
public sealed class ChangeAttribute(AttributeSchema schema, CustomerStore customers, TimeProvider clock)
{
    /// <summary>What is in memory is as old as <see cref="AttributeSchema.MaxAge"/>, and a write takes 30 s at worst: then the client gives up.</summary>
    public static readonly TimeSpan Settling = AttributeSchema.MaxAge + TimeSpan.FromSeconds(35);

    /// <returns>The attribute as it is now; with a change when it is to have another type.</returns>
    public async Task<AttributeDefinition> DeclareAsync(string key, AttributeType type, string? label, CancellationToken cancellation)
    {
        var types = await schema.ChangeAsync(
            async keys =>
            {
                var known = keys.GetValueOrDefault(key);
                if (known is null && keys.Count >= AttributeSchema.MaxKeys)
                {
                    throw new AttributeKeysFull().ToException();
                }

                var change = known is null || known.Type == type ? null : await AnnouncedAsync(key, known, type, cancellation);
                return With(keys, key, new(known?.Type ?? type, label, known?.Since ?? clock.GetUtcNow(), Declared: true, change));
            },
            cancellation);
        return types.Keys[key];
    }

    public async Task<AttributeDefinition> RemoveAsync(string key, CancellationToken cancellation)
    {
        var types = await schema.ChangeAsync(
            async keys =>
            {
                var known = keys.GetValueOrDefault(key) ?? throw new AttributeNotFound(key).ToException();
                return With(keys, key, known with { Change = await AnnouncedAsync(key, known, null, cancellation) });
            },
            cancellation);
        return types.Keys[key];
    }

    /// <summary>Makes the changes that were announced long enough ago.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        var due = clock.GetUtcNow() - Settling;
        foreach (var (key, announced) in (await schema.ReadNowAsync(cancellation)).Keys.Where(k => k.Value.Change?.At <= due))
        {
            var isFree = await CountAsync(key, cancellation) == 0;
            await schema.ChangeAsync(
                keys => new(
                    keys.GetValueOrDefault(key) is not { } known || known.Change != announced.Change ? null
                    : !isFree ? With(keys, key, known with { Change = null })
                    : known.Change!.To is { } type ? With(keys, key, known with { Type = type, Change = null })
                    : keys.Where(k => k.Key != key).ToDictionary()),
                cancellation);
        }
    }

    /// <summary>Asked again, a change is as old as it was.</summary>
    private async Task<AttributeChange> AnnouncedAsync(string key, AttributeDefinition known, AttributeType? to, CancellationToken cancellation)
    {
        if (known.Change is { } change && change.To == to)
        {
            return change;
        }

        return await CountAsync(key, cancellation) is > 0 and var count ? throw new AttributeInUse(key, count).ToException() : new(to, clock.GetUtcNow());
    }

    private Task<long> CountAsync(string key, CancellationToken cancellation) =>
        customers.CountAsync(new($"IS_DEFINED(c.attributes[\"{key}\"])", new Dictionary<string, object?>()), cancellation);

    private static Dictionary<string, AttributeDefinition> With(IReadOnlyDictionary<string, AttributeDefinition> keys, string key, AttributeDefinition definition) =>
        new(keys) { [key] = definition };
}
