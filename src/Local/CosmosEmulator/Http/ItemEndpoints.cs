using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>Point operations.</summary>
internal sealed class ItemEndpoints(Store store, ThroughputLimit? limit)
{
    public async ValueTask CreateOrUpsert(Exchange exchange, Container container)
    {
        var body = ItemBody.Parse((await exchange.ReadBody()).Span, container);
        RequireSameKey(exchange, body);
        await Write(exchange, container, new ItemOperation
        {
            Kind = exchange.Flag("x-ms-documentdb-is-upsert") ? OperationKind.Upsert : OperationKind.Create,
            Key = body.Key,
            Id = body.Id,
            Body = body,
            IfMatch = exchange.Header("If-Match"),
            IfNoneMatch = exchange.Header("If-None-Match"),
            Minimal = IsMinimal(exchange),
        });
    }

    public async ValueTask Point(Exchange exchange, Container container, string id)
    {
        switch (exchange.Method)
        {
            case "GET":
                await Read(exchange, container, id);
                break;
            case "PUT":
                var body = ItemBody.Parse((await exchange.ReadBody()).Span, container);
                RequireSameKey(exchange, body);
                if (body.Id != id)
                {
                    throw new EmulatorException(400, $"The id of the item ('{body.Id}') is not the one of the address ('{id}').");
                }

                await Write(exchange, container, Operation(exchange, OperationKind.Replace, body.Key, id, body));
                break;
            case "PATCH":
                var key = RequireKey(exchange, container);
                var patch = JsonPatch.Parse((await exchange.ReadBody()).Span);
                await Write(exchange, container, Operation(exchange, OperationKind.Patch, key, id, patch: patch));
                break;
            case "DELETE":
                await Write(exchange, container, Operation(exchange, OperationKind.Delete, RequireKey(exchange, container), id));
                break;
            default:
                throw new EmulatorException(405, $"{exchange.Method} is not allowed here.");
        }
    }

    /// <summary>The key of the header, with as many values as the container has paths.</summary>
    public static PartitionKey RequireKey(Exchange exchange, Container container)
    {
        var header = exchange.Header("x-ms-documentdb-partitionkey")
            ?? throw new EmulatorException(400, "The partition key is missing: x-ms-documentdb-partitionkey.");
        var key = PartitionKey.Parse(header);
        var paths = container.Definition.KeyPaths.Count;
        return key.Count == paths
            ? key
            : throw new EmulatorException(400, $"The partition key has {key.Count} values, the container's key has {paths}.", 1001);
    }

    private static ItemOperation Operation(Exchange exchange, OperationKind kind, PartitionKey key, string id, ItemBody? body = null, JsonPatch? patch = null) => new()
    {
        Kind = kind,
        Key = key,
        Id = id,
        Body = body,
        Patch = patch,
        IfMatch = exchange.Header("If-Match"),
        Minimal = IsMinimal(exchange),
    };

    private static bool IsMinimal(Exchange exchange) => exchange.Header("Prefer") is { } prefer && prefer.Contains("return=minimal", StringComparison.OrdinalIgnoreCase);

    private static void RequireSameKey(Exchange exchange, ItemBody body)
    {
        if (exchange.Header("x-ms-documentdb-partitionkey") is { } header && !PartitionKey.Parse(header).Equals(body.Key))
        {
            throw new EmulatorException(400, "PartitionKey extracted from document doesn't match the one specified in the header.", 1001);
        }
    }

    private ValueTask Read(Exchange exchange, Container container, string id)
    {
        var key = RequireKey(exchange, container);
        var version = container.View.Find(key, id, store.UnixNow);
        if (version is null)
        {
            Charge(exchange, RequestCharge.Miss);
            return exchange.RespondError(404, "Resource Not Found: no item has this id and partition key.");
        }

        var etag = container.Layout.Etag(version);
        exchange.SetHeader("etag", etag);
        if (exchange.Header("If-None-Match") is { } known && (known == etag || known == "*"))
        {
            Charge(exchange, RequestCharge.Miss);
            return exchange.Respond(304);
        }

        Charge(exchange, RequestCharge.Read(version.Json.Length));
        return exchange.Respond(200, version.Json);
    }

    private async ValueTask Write(Exchange exchange, Container container, ItemOperation operation)
    {
        await store.Write(new ItemRequest(container, [operation], atomic: true));
        exchange.SetLsn(container);
        Charge(exchange, operation.Charge);
        if (operation.Etag is { } etag)
        {
            exchange.SetHeader("etag", etag);
        }

        if (operation.Message is { } message)
        {
            await exchange.RespondError(operation.Status, message, operation.SubStatus);
        }
        else
        {
            await exchange.Respond(operation.Status, operation.Answer);
        }
    }

    private void Charge(Exchange exchange, double charge)
    {
        exchange.SetCharge(charge);
        limit?.Spend(charge);
    }
}
