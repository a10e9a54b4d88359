using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>The account, databases, containers, partition key ranges and offers.</summary>
internal sealed class CatalogEndpoints(Store store)
{
    /// <summary>
    /// What the SDK cannot do without: the consistency level, and an engine configuration that is a string with a non-empty
    /// object. No locations: then the client stays at the address it was given.
    /// </summary>
    private static readonly byte[] AccountBody = """
        {"id":"localhost","_rid":"localhost","_self":"","media":"//media/","addresses":"//addresses/","_dbs":"//dbs/","writableLocations":[],"readableLocations":[],"enableMultipleWriteLocations":false,"userReplicationPolicy":{"asyncReplication":false,"minReplicaSetSize":1,"maxReplicasetSize":1},"userConsistencyPolicy":{"defaultConsistencyLevel":"Session"},"systemReplicationPolicy":{"minReplicaSetSize":1,"maxReplicasetSize":1},"readPolicy":{"primaryReadCoefficient":1,"secondaryReadCoefficient":1},"queryEngineConfiguration":"{\"maxSqlQueryInputLength\":262144,\"maxJoinsPerSqlQuery\":10,\"maxLogicalAndPerSqlQuery\":2000,\"maxLogicalOrPerSqlQuery\":2000,\"maxInExpressionItemsCount\":16000,\"sqlAllowTop\":true,\"sqlAllowSubQuery\":true,\"sqlAllowScalarSubQuery\":true}"}
        """u8.ToArray();

    public static ValueTask Account(Exchange exchange) =>
        exchange.Method == "GET" ? exchange.Respond(200, AccountBody) : throw NotAllowed(exchange);

    public async ValueTask Databases(Exchange exchange)
    {
        if (exchange.Method == "GET" || IsQuery(exchange))
        {
            await RespondFeed(exchange, string.Empty, "Databases", store.Databases.Select(d => (ReadOnlyMemory<byte>)d.Json));
        }
        else if (exchange.Method == "POST")
        {
            var created = await store.CreateDatabase(await exchange.ReadJson());
            await Respond(exchange, 201, created.Json);
        }
        else
        {
            throw NotAllowed(exchange);
        }
    }

    public async ValueTask Database(Exchange exchange, string name)
    {
        switch (exchange.Method)
        {
            case "GET":
                await Respond(exchange, 200, RequireDatabase(name).Json);
                break;
            case "DELETE":
                await store.DeleteDatabase(name, exchange.Header("If-Match"));
                await exchange.Respond(204);
                break;
            default:
                throw NotAllowed(exchange);
        }
    }

    public async ValueTask Containers(Exchange exchange, string databaseName)
    {
        var database = RequireDatabase(databaseName);
        if (exchange.Method == "GET" || IsQuery(exchange))
        {
            await RespondFeed(exchange, database.Rid, "DocumentCollections",
                database.Containers.Values.OrderBy(c => c.Number).Select(c => (ReadOnlyMemory<byte>)c.Json));
        }
        else if (exchange.Method == "POST")
        {
            var created = await store.CreateContainer(databaseName, await exchange.ReadJson());
            exchange.SetSession(database, created);
            await Respond(exchange, 201, created.Json);
        }
        else
        {
            throw NotAllowed(exchange);
        }
    }

    public async ValueTask Container(Exchange exchange, string databaseName, string name)
    {
        var database = RequireDatabase(databaseName);
        switch (exchange.Method)
        {
            case "GET":
                var container = RequireContainer(database, name);
                exchange.SetSession(database, container);
                await Respond(exchange, 200, container.Json);
                break;
            case "PUT":
                var replaced = await store.ReplaceContainer(databaseName, name, await exchange.ReadJson(), exchange.Header("If-Match"));
                exchange.SetSession(database, replaced);
                await Respond(exchange, 200, replaced.Json);
                break;
            case "DELETE":
                await store.DeleteContainer(databaseName, name, exchange.Header("If-Match"));
                await exchange.Respond(204);
                break;
            default:
                throw NotAllowed(exchange);
        }
    }

    /// <summary>One range that covers all. The SDK asks again with the etag until it gets 304.</summary>
    public ValueTask PartitionKeyRanges(Exchange exchange, string databaseName, string name)
    {
        var container = RequireContainer(RequireDatabase(databaseName), name);
        exchange.SetHeader("etag", "\"1\"");
        if (exchange.Header("If-None-Match") == "\"1\"")
        {
            exchange.SetHeader("x-ms-item-count", "0");
            return exchange.Respond(304);
        }

        exchange.SetHeader("x-ms-item-count", "1");
        return exchange.Respond(200, Encoding.UTF8.GetBytes(
            $$"""{"_rid":"{{container.Rid}}","PartitionKeyRanges":[{"id":"0","minInclusive":"","maxExclusive":"FF","status":"online","parents":[]}],"_count":1}"""));
    }

    /// <summary>No offers: like a serverless account, reading the throughput gives null.</summary>
    public static ValueTask Offers(Exchange exchange) => RespondFeed(exchange, string.Empty, "Offers", []);

    private Database RequireDatabase(string name) => store.FindDatabase(name) ?? throw EmulatorException.NotFound($"database '{name}'");

    private static Container RequireContainer(Database database, string name) => database.Find(name) ?? throw EmulatorException.NotFound($"container '{name}'");

    private static bool IsQuery(Exchange exchange) => exchange.Method == "POST" && exchange.Flag("x-ms-documentdb-isquery");

    private static ValueTask Respond(Exchange exchange, int status, byte[] json)
    {
        exchange.SetHeader("etag", (string?)JsonNode.Parse(json)!["_etag"] ?? string.Empty);
        return exchange.Respond(status, json);
    }

    /// <summary>All of a feed on one page; a query (name or id filters of the portal and of tools) is run over it.</summary>
    private static async ValueTask RespondFeed(Exchange exchange, string rid, string name, IEnumerable<ReadOnlyMemory<byte>> resources)
    {
        if (IsQuery(exchange))
        {
            var query = QueryText.Parse(await exchange.ReadBody());
            resources = Sql.CompiledQuery.Compile(query.Sql).Execute(new ListSource(resources), query.Parameters, -1, null).Documents;
        }

        var body = new ArrayBufferWriter<byte>();
        var count = FeedBody.Write(body, rid, name, resources);
        exchange.SetHeader("x-ms-item-count", count.ToString(CultureInfo.InvariantCulture));
        await exchange.Respond(200, body.WrittenMemory);
    }

    private static EmulatorException NotAllowed(Exchange exchange) => new(405, $"{exchange.Method} is not allowed here.");
}

/// <summary>The envelope of every feed.</summary>
internal static class FeedBody
{
    /// <summary>A page without items that is not the last.</summary>
    public static ValueTask RespondEmpty(Exchange exchange, Container container, string continuation)
    {
        var body = new ArrayBufferWriter<byte>();
        Write(body, container.Rid, "Documents", []);
        exchange.SetHeader("x-ms-item-count", "0");
        exchange.SetHeader("x-ms-continuation", continuation);
        return exchange.Respond(200, body.WrittenMemory);
    }

    public static int Write(ArrayBufferWriter<byte> to, string rid, string name, IEnumerable<ReadOnlyMemory<byte>> documents)
    {
        to.Write(Encoding.ASCII.GetBytes($"{{\"_rid\":\"{rid}\",\"{name}\":["));
        var count = 0;
        foreach (var document in documents)
        {
            if (count++ > 0)
            {
                to.Write(","u8);
            }

            to.Write(document.Span);
        }

        to.Write(Encoding.ASCII.GetBytes($"],\"_count\":{count}}}"));
        return count;
    }
}
