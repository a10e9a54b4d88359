using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>
/// Which part of a container a query or a feed sees: all, one partition (or what shares the first values of a hierarchical
/// key), or a range of effective keys [Start, End).
/// </summary>
internal readonly record struct Scope(PartitionKey? Key, string? Start, string? End)
{
    public bool Includes(Item item)
    {
        if (Key is not null)
        {
            return item.Key.StartsWith(Key);
        }

        if (Start is null)
        {
            return true;
        }

        var effective = EffectiveKey.Of(item.Key);
        return string.CompareOrdinal(effective, Start) >= 0 && string.CompareOrdinal(effective, End) < 0;
    }

    public static Scope Of(Exchange exchange, Container container)
    {
        if (exchange.Header("x-ms-documentdb-partitionkey") is { Length: > 0 } header)
        {
            var key = PartitionKey.Parse(header);
            return key.Count <= container.Definition.KeyPaths.Count
                ? new Scope(key.Count == 0 ? null : key, null, null)
                : throw new EmulatorException(400, $"The partition key has {key.Count} values, the container's key has {container.Definition.KeyPaths.Count}.", 1001);
        }

        var (start, end) = (exchange.Header("x-ms-start-epk"), exchange.Header("x-ms-end-epk"));
        return start is null && end is null ? default : new Scope(null, start ?? string.Empty, end is { Length: > 0 } ? end : "FF");
    }
}
