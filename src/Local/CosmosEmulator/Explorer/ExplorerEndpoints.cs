using System.Buffers;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using XenoCrm.Local.CosmosEmulator.Http;
using XenoCrm.Local.CosmosEmulator.Sql;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Explorer;

/// <summary>
/// A page that shows what is stored and runs queries. It reads only, and asks for no key: the key is public, and the emulator
/// listens on loopback. What must be kept out are web pages of other origins in the developer's browser: see
/// <see cref="RequireOwnPage"/>.
/// </summary>
internal sealed class ExplorerEndpoints(Store store, QueryEndpoints queries)
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string Page = ReadPage();

    public async ValueTask Handle(Exchange exchange)
    {
        try
        {
            RequireLoopbackName(exchange);
            await Route(exchange);
        }
        catch (Exception error) when (error is EmulatorException or JsonException)
        {
            var status = error is EmulatorException refused ? refused.Status : 400;
            await RespondError(exchange, status, status.ToString(CultureInfo.InvariantCulture), error.Message, -1, -1);
        }
        catch (SqlException error)
        {
            await RespondError(exchange, 400, error.Code, error.Message, error.Position, error.End);
        }
    }

    private ValueTask Route(Exchange exchange)
    {
        switch (exchange.Segments)
        {
            case [_] when exchange.Method == "GET":
                return Html(exchange);
            case [_, "catalog"] when exchange.Method == "GET":
                RequireOwnPage(exchange);
                return Catalog(exchange);
            case [_, "query"] when exchange.Method == "POST":
                RequireOwnPage(exchange);
                return Query(exchange);
            default:
                throw EmulatorException.NotFound(exchange.Method + " /" + string.Join('/', exchange.Segments));
        }
    }

    /// <summary>A foreign name that resolves to 127.0.0.1 (DNS rebinding) would make its pages pages of this origin.</summary>
    private static void RequireLoopbackName(Exchange exchange)
    {
        var host = exchange.Header("Host") ?? string.Empty;
        var name = host.StartsWith('[') ? host[..(host.IndexOf(']') + 1)] : host.Split(':')[0];
        if (!name.Equals("localhost", StringComparison.OrdinalIgnoreCase) && !(IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address)))
        {
            throw new EmulatorException(403, $"The explorer answers only at 127.0.0.1 or localhost, not at '{host}'.");
        }
    }

    /// <summary>
    /// Browsers say where a request comes from; and a page of another origin can set a header of its own only after a
    /// preflight, which nothing here answers.
    /// </summary>
    private static void RequireOwnPage(Exchange exchange)
    {
        var site = exchange.Header("Sec-Fetch-Site");
        var origin = exchange.Header("Origin");
        if (exchange.Header("x-explorer") is null
            || site is not (null or "same-origin")
            || (origin is not null && origin != "http://" + exchange.Header("Host")))
        {
            throw new EmulatorException(403, "Only the explorer's own page may ask this.");
        }
    }

    private static ValueTask Html(Exchange exchange)
    {
        var nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        exchange.SetHeader("Content-Type", "text/html; charset=utf-8");
        exchange.SetHeader("Content-Security-Policy", $"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        exchange.SetHeader("X-Content-Type-Options", "nosniff");
        exchange.SetHeader("Referrer-Policy", "no-referrer");
        exchange.SetHeader("Cache-Control", "no-store");
        return exchange.Respond(200, Encoding.UTF8.GetBytes(Page.Replace("{nonce}", nonce, StringComparison.Ordinal)));
    }

    private ValueTask Catalog(Exchange exchange) => Respond(exchange, 200, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("databases"u8);
        foreach (var database in store.Databases)
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, database.Id);
            writer.WriteStartArray("containers"u8);
            foreach (var container in database.Containers.Values.OrderBy(c => c.Definition.Id, StringComparer.Ordinal))
            {
                writer.WriteStartObject();
                writer.WriteString("id"u8, container.Definition.Id);
                writer.WriteNumber("items"u8, container.View.ByRid.Count);
                writer.WriteNumber("bytes"u8, container.LiveBytes);
                writer.WriteStartArray("keyPaths"u8);
                foreach (var path in container.Definition.KeyPathTexts)
                {
                    writer.WriteStringValue(path);
                }

                writer.WriteEndArray();
                writer.WritePropertyName("definition"u8);
                writer.WriteRawValue(container.Json, skipInputValidation: true);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>
    /// A page of a query. Documents are answered as texts: the browser would round numbers that no double holds.
    /// </summary>
    private async ValueTask Query(Exchange exchange)
    {
        var body = await exchange.ReadBody();
        var text = QueryText.Parse(body);
        var (databaseId, containerId, key, count, continuation) = ReadTarget(body);
        var container = store.FindDatabase(databaseId)?.Find(containerId) ?? throw EmulatorException.NotFound($"container '{databaseId}/{containerId}'");
        var (page, charge, _) = queries.Run(container, new Http.Scope(key, null, null), text, count, continuation);
        await Respond(exchange, 200, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("documents"u8);
            foreach (var document in page.Documents)
            {
                writer.WriteStringValue(document.Span);
            }

            writer.WriteEndArray();
            writer.WriteNumber("charge"u8, charge);
            writer.WriteNumber("itemsRead"u8, page.ItemsRead);
            if (page.Continuation is { } next)
            {
                writer.WriteString("continuation"u8, next);
            }

            writer.WriteEndObject();
        });
    }

    private static (string Database, string Container, PartitionKey? Key, int Count, string? Continuation) ReadTarget(ReadOnlyMemory<byte> body)
    {
        using var json = JsonDocument.Parse(body);
        return (
            Text("database") ?? string.Empty,
            Text("container") ?? string.Empty,
            json.RootElement.TryGetProperty("partitionKey", out var key) ? PartitionKey.Parse(key.GetRawText()) : null,
            json.RootElement.TryGetProperty("maxItemCount", out var count) && count.TryGetInt32(out var items) && items > 0 ? Math.Min(items, 1_000) : 50,
            Text("continuation"));

        string? Text(string name) => json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    private static ValueTask RespondError(Exchange exchange, int status, string code, string message, int start, int end) => Respond(exchange, status, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("code"u8, code);
        writer.WriteString("message"u8, message);
        writer.WriteNumber("start"u8, start);
        writer.WriteNumber("end"u8, end);
        writer.WriteEndObject();
    });

    private static ValueTask Respond(Exchange exchange, int status, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(body, Relaxed))
        {
            write(writer);
        }

        exchange.SetHeader("X-Content-Type-Options", "nosniff");
        return exchange.Respond(status, body.WrittenMemory);
    }

    private static string ReadPage()
    {
        using var stream = typeof(ExplorerEndpoints).Assembly.GetManifestResourceStream("explorer.html")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
