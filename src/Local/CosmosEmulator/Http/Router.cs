using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using XenoCrm.Local.CosmosEmulator.Explorer;
using XenoCrm.Local.CosmosEmulator.Sql;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>From a request to who answers it, by the raw path and the protocol's headers.</summary>
internal sealed class Router
{
    private readonly EmulatorOptions _options;
    private readonly Store _store;
    private readonly CatalogEndpoints _catalog;
    private readonly ItemEndpoints _items;
    private readonly QueryEndpoints _queries;
    private readonly FeedEndpoints _feeds;
    private readonly BatchEndpoints _batches;
    private readonly ExplorerEndpoints _explorer;
    private readonly ThroughputLimit? _limit;
    private readonly InjectedFaults _faults = new();
    private long _requests, _hundredthsOfUnits;

    public Router(Store store, EmulatorOptions options)
    {
        (_store, _options) = (store, options);
        _catalog = new CatalogEndpoints(store);
        _limit = options.Throughput is { } throughput ? new ThroughputLimit(throughput, options.Time) : null;
        _items = new ItemEndpoints(store, _limit);
        _queries = new QueryEndpoints(store, _limit, options);
        _feeds = new FeedEndpoints(store, _limit, options);
        _batches = new BatchEndpoints(store, _limit);
        _explorer = new ExplorerEndpoints(store, _queries);
    }

    public async Task Handle(HttpContext context)
    {
        var exchange = new Exchange(context);
        try
        {
            if (exchange.Segments is ["_health"])
            {
                await exchange.Respond(200, "{\"status\":\"ok\"}"u8.ToArray());
                return;
            }

            if (exchange.Segments is ["_stats"])
            {
                var units = Interlocked.Read(ref _hundredthsOfUnits) / 100.0;
                await exchange.Respond(200, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"requests":{{Interlocked.Read(ref _requests)}},"requestUnits":{{units}}}""")));
                return;
            }

            if (exchange.Segments is ["_faults"])
            {
                await _faults.Handle(exchange);
                return;
            }

            if (exchange.Segments is ["_explorer", ..])
            {
                await _explorer.Handle(exchange);
                return;
            }

            if (_options.Authenticate)
            {
                MasterKey.Require(exchange);
            }

            // As in the service, only what touches items is charged.
            if (_limit is not null && exchange.Segments is ["dbs", _, "colls", _, "docs", ..] && _limit.RetryAfterMilliseconds() is { } wait)
            {
                exchange.SetHeader("x-ms-retry-after-ms", wait.ToString(CultureInfo.InvariantCulture));
                await exchange.RespondError(429, "Request rate is large. More Request Units may be needed, so no changes were made.", 3200);
                return;
            }

            if (exchange.Segments is ["dbs", _, "colls", _, "docs", ..] && _faults.Next(exchange) is var (status, subStatus, message))
            {
                exchange.SetHeader("x-ms-retry-after-ms", "20");
                await exchange.RespondError(status, message, subStatus);
                return;
            }

            try
            {
                await Route(exchange);
            }
            finally
            {
                if (exchange.Segments is ["dbs", _, "colls", _, "docs", ..])
                {
                    Interlocked.Increment(ref _requests);
                    Interlocked.Add(ref _hundredthsOfUnits, (long)(exchange.Charge * 100));
                }
            }
        }
        catch (EmulatorException refused)
        {
            await exchange.RespondError(refused.Status, refused.Message, refused.SubStatus);
        }
        catch (SqlException error)
        {
            await exchange.RespondError(400, QueryEndpoints.Describe(error));
        }
        catch (BadHttpRequestException error) when (!context.Response.HasStarted)
        {
            await exchange.RespondError(error.StatusCode, error.Message);
        }
        catch (Exception) when (exchange.Aborted.IsCancellationRequested)
        {
            // The client is gone.
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            _options.Messages.WriteLine($"{exchange.Method} {string.Join('/', exchange.Segments)}: {error}");
            await exchange.RespondError(500, $"The emulator failed: {error.Message}");
        }
    }

    private ValueTask Route(Exchange exchange)
    {
        switch (exchange.Segments)
        {
            case []:
                return CatalogEndpoints.Account(exchange);
            case ["dbs"]:
                return _catalog.Databases(exchange);
            case ["dbs", var database]:
                return _catalog.Database(exchange, database);
            case ["dbs", var database, "colls"]:
                return _catalog.Containers(exchange, database);
            case ["dbs", var database, "colls", var container]:
                return _catalog.Container(exchange, database, container);
            case ["dbs", var database, "colls", var container, "pkranges"]:
                return _catalog.PartitionKeyRanges(exchange, database, container);
            case ["offers"]:
                return CatalogEndpoints.Offers(exchange);
            case ["dbs", var database, "colls", var container, "docs"]:
                return Items(exchange, Find(exchange, database, container));
            case ["dbs", var database, "colls", var container, "docs", var id]:
                return _items.Point(exchange, Find(exchange, database, container), id);
            default:
                throw EmulatorException.NotFound(exchange.Method + " /" + string.Join('/', exchange.Segments));
        }
    }

    /// <summary>What a POST means is in its headers; a plan request has no isquery header, so it is asked first.</summary>
    private ValueTask Items(Exchange exchange, Container container)
    {
        switch (exchange.Method)
        {
            case "POST" when exchange.Flag("x-ms-cosmos-is-query-plan-request"):
                return _queries.Plan(exchange, container);
            case "POST" when exchange.Flag("x-ms-cosmos-is-batch-request"):
                return _batches.Batch(exchange, container);
            case "POST" when exchange.Flag("x-ms-documentdb-isquery") || exchange.Header("Content-Type") is "application/query+json":
                return _queries.Page(exchange, container);
            case "POST":
                return _items.CreateOrUpsert(exchange, container);
            case "GET" when exchange.Header("A-IM") is not null:
                return _feeds.ChangeFeed(exchange, container);
            case "GET":
                return _feeds.ReadFeed(exchange, container);
            default:
                throw new EmulatorException(405, $"{exchange.Method} is not allowed here.");
        }
    }

    private Container Find(Exchange exchange, string databaseName, string containerName)
    {
        var database = _store.FindDatabase(databaseName) ?? throw EmulatorException.NotFound($"database '{databaseName}'");
        var container = database.Find(containerName) ?? throw EmulatorException.NotFound($"container '{containerName}'");
        exchange.SetSession(database, container);
        RequireReached(exchange, container);
        return container;
    }

    /// <summary>
    /// A session token from the future: the client outlived data that is gone. Tokens read <c>0:-1#123</c>, several ranges
    /// are joined by commas.
    /// </summary>
    private static void RequireReached(Exchange exchange, Container container)
    {
        if (exchange.Header("x-ms-session-token") is not { Length: > 0 } token)
        {
            return;
        }

        var text = token.AsSpan();
        var lsn = text.IndexOf('#') is >= 0 and var at ? text[(at + 1)..] : text[(text.IndexOf(':') + 1)..];
        if (lsn.IndexOfAny('#', ',') is >= 0 and var end)
        {
            lsn = lsn[..end];
        }

        if (long.TryParse(lsn, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) && asked > container.View.Lsn)
        {
            throw new EmulatorException(404, $"The read session is not available for the input session token: it asks for LSN {asked}, the container is at {container.View.Lsn}.", 1002);
        }
    }
}
