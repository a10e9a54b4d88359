using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>Which part of a container a query or a feed sees: all, one partition, or what shares a prefix of a hierarchical key.</summary>
internal readonly record struct Scope(PartitionKey? Key)
{
    public bool Includes(Item item) => Key is null || item.Key.StartsWith(Key);

    public static Scope Of(Exchange exchange, Container container)
    {
        if (exchange.Header("x-ms-documentdb-partitionkey") is not { Length: > 0 } header)
        {
            return default;
        }

        var key = PartitionKey.Parse(header);
        return key.Count <= container.Definition.KeyPaths.Count
            ? new Scope(key.Count == 0 ? null : key)
            : throw new EmulatorException(400, $"The partition key has {key.Count} values, the container's key has {container.Definition.KeyPaths.Count}.", 1001);
    }
}
