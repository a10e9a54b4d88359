using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Sql;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>The body of a query: its text and its parameters as the JSON array they came in.</summary>
internal readonly record struct QueryText(string Sql, ReadOnlyMemory<byte> Parameters)
{
    public static QueryText Parse(ReadOnlyMemory<byte> body)
    {
        string? sql = null;
        ReadOnlyMemory<byte> parameters = default;
        var reader = new Utf8JsonReader(body.Span);
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isQuery = reader.ValueTextEquals("query"u8);
                var isParameters = reader.ValueTextEquals("parameters"u8);
                reader.Read();
                if (isQuery)
                {
                    sql = reader.GetString();
                }

                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (isParameters)
                {
                    parameters = body[start..(int)reader.BytesConsumed];
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new EmulatorException(400, $"The query is not valid JSON: {error.Message}");
        }

        return new QueryText(sql ?? throw new EmulatorException(400, "The body has no \"query\"."), parameters);
    }
}

/// <summary>Query plans and pages.</summary>
internal sealed class QueryEndpoints(Store store, ThroughputLimit? limit, EmulatorOptions options)
{
    /// <summary>
    /// Characters of query text to keep compiled. Applications have some dozens of texts, but ReadMany makes one for each
    /// number of items, up to 60 KB long, and some build texts from values: neither must fill the memory.
    /// </summary>
    private const int MaxCompiledText = 2_000_000;

    /// <summary>
    /// The plan that makes the SDK pass every query through unchanged: with no features named it has nothing to merge, and
    /// with one range covering all there is nothing to merge.
    /// </summary>
    private static readonly byte[] PassThrough =
        """{"partitionedQueryExecutionInfoVersion":2,"queryInfo":{},"queryRanges":[{"min":"","max":"FF","isMinInclusive":true,"isMaxInclusive":false}]}"""u8.ToArray();

    private readonly ConcurrentDictionary<string, CompiledQuery> _compiled = new();
    private int _compiledText;

    /// <summary>The service's form of an error in a query, with the position.</summary>
    public static string Describe(SqlException error) => MetadataJson.Text(new JsonObject
    {
        ["errors"] = new JsonArray(new JsonObject
        {
            ["severity"] = "Error",
            ["location"] = error.Position < 0 ? null : new JsonObject { ["start"] = error.Position, ["end"] = error.End },
            ["code"] = error.Code,
            ["message"] = error.Message,
        }),
    });

    public async ValueTask Plan(Exchange exchange, Container container)
    {
        _ = container;
        Compile(QueryText.Parse(await exchange.ReadBody()).Sql); // an error in the text is reported here
        await exchange.Respond(200, PassThrough);
    }

    public async ValueTask Page(Exchange exchange, Container container)
    {
        var text = QueryText.Parse(await exchange.ReadBody());
        RequireScope(exchange);
        var continuation = exchange.Continuation();
        if (options.EmptyPages && EmptyPages.Due(ref continuation))
        {
            await FeedBody.RespondEmpty(exchange, container, continuation!);
            return;
        }

        var (page, charge, body) = Run(container, Scope.Of(exchange, container), text, exchange.MaxItemCount(), continuation);
        exchange.SetCharge(charge);
        limit?.Spend(charge);
        exchange.SetHeader("x-ms-item-count", page.Documents.Count.ToString(CultureInfo.InvariantCulture));
        if (page.Continuation is { } next)
        {
            exchange.SetHeader("x-ms-continuation", next);
        }

        await exchange.Respond(200, body.WrittenMemory);
    }

    private static void RequireScope(Exchange exchange)
    {
        if (!exchange.Flag("x-ms-documentdb-query-enablecrosspartition")
            && exchange.Header("x-ms-documentdb-partitionkey") is null
            && exchange.Header("x-ms-documentdb-partitionkeyrangeid") is null
            && exchange.Header("x-ms-start-epk") is null)
        {
            throw new EmulatorException(400, "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition to true, or specify x-ms-documentdb-partitionkey.", 1004);
        }
    }

    /// <summary>One page with what it costs and the body that carries it.</summary>
    public (QueryPage Page, double Charge, ArrayBufferWriter<byte> Body) Run(Container container, Scope scope, QueryText text, int maxItems, string? continuation)
    {
        var page = Compile(text.Sql).Execute(new ContainerSource(store, container, scope), text.Parameters, maxItems, continuation);
        var body = new ArrayBufferWriter<byte>(512 + page.Documents.Sum(d => d.Length + 1));
        FeedBody.Write(body, container.Rid, "Documents", page.Documents);
        return (page, RequestCharge.Query(page.ItemsRead, page.BytesRead, body.WrittenCount), body);
    }

    private CompiledQuery Compile(string sql)
    {
        if (_compiled.TryGetValue(sql, out var query))
        {
            return query;
        }

        query = CompiledQuery.Compile(sql, options.Time);
        if (Interlocked.Add(ref _compiledText, sql.Length) > MaxCompiledText)
        {
            _compiled.Clear();
            Interlocked.Exchange(ref _compiledText, sql.Length);
        }

        return _compiled[sql] = query;
    }
}
