using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>One request and its response, in the terms of the gateway protocol.</summary>
internal sealed class Exchange(HttpContext context)
{
    /// <summary>A batch may have about 2.2 MB of operations; patches and queries are far below.</summary>
    private const int MaxBody = 4 * 1024 * 1024;

    private readonly IHeaderDictionary _request = context.Request.Headers;
    private readonly IHeaderDictionary _response = context.Response.Headers;
    private string? _activityId;

    public string Method => context.Request.Method;

    /// <summary>The path's segments, unescaped once. The raw target is used because the server decodes paths in its own way.</summary>
    public string[] Segments { get; } = Split(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);

    public string? Header(string name) => _request.TryGetValue(name, out var value) ? value.ToString() : null;

    public string? Query(string name) => context.Request.Query.TryGetValue(name, out var value) ? value.ToString() : null;

    public bool Flag(string name) => _request.TryGetValue(name, out var value) && string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);

    public void SetHeader(string name, string value) => _response[name] = value;

    public CancellationToken Aborted => context.RequestAborted;

    /// <summary>The request's body; the memory is the caller's.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadBody()
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync();
            if (result.Buffer.Length > MaxBody)
            {
                throw new EmulatorException(413, $"Request size is too large: at most {MaxBody} bytes are allowed.");
            }

            if (result.IsCompleted)
            {
                var body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return body;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    public async ValueTask<JsonObject> ReadJson()
    {
        try
        {
            var body = await ReadBody();
            var json = JsonNode.Parse(body.Span) as JsonObject ?? throw new EmulatorException(400, "The body is not a JSON object.");
            _ = json.Count; // finds a property that is there twice now and not later
            return json;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new EmulatorException(400, $"The body is not valid JSON: {error.Message}");
        }
    }

    /// <summary>How many items a page may have; -1 when the server decides.</summary>
    public int MaxItemCount() => int.TryParse(Header("x-ms-max-item-count"), CultureInfo.InvariantCulture, out var count) && count > 0 ? count : -1;

    /// <summary>Headers that every response about a container's items has, errors included: sessions and diagnostics read them.</summary>
    public void SetSession(Database database, Container container)
    {
        SetLsn(container);
        _response["x-ms-documentdb-partitionkeyrangeid"] = "0";
        _response["x-ms-content-path"] = container.Rid;
        if (Ascii.IsValid(database.Id) && Ascii.IsValid(container.Definition.Id))
        {
            _response["x-ms-alt-content-path"] = $"dbs/{database.Id}/colls/{container.Definition.Id}";
        }
    }

    /// <summary>How far the container is: after a write, at least that write.</summary>
    public void SetLsn(Container container)
    {
        var lsn = container.View.Lsn.ToString(CultureInfo.InvariantCulture);
        _response["x-ms-session-token"] = "0:-1#" + lsn;
        _response["lsn"] = lsn;
    }

    /// <summary>Request units.</summary>
    public double Charge { get; private set; } = 1;

    public void SetCharge(double charge)
    {
        Charge = charge;
        _response["x-ms-request-charge"] = charge.ToString("0.##", CultureInfo.InvariantCulture);
    }

    /// <summary>Where a query or a feed goes on, if it does.</summary>
    public string? Continuation() => Header("x-ms-continuation") is { Length: > 0 } token ? token : null;

    public ValueTask Respond(int status, ReadOnlyMemory<byte> body)
    {
        Begin(status);
        if (body.IsEmpty)
        {
            if (status is not (204 or 304))
            {
                context.Response.ContentLength = 0;
            }

            return default;
        }

        context.Response.ContentLength = body.Length;
        return Send(context.Response.BodyWriter, body);
    }

    public ValueTask Respond(int status) => Respond(status, default);

    public ValueTask RespondError(int status, string message, int subStatus = 0)
    {
        if (subStatus != 0)
        {
            _response["x-ms-substatus"] = subStatus.ToString(CultureInfo.InvariantCulture);
        }

        var body = new JsonObject
        {
            ["code"] = Code(status),
            ["message"] = $"Message: {{\"Errors\":[{JsonSerializer.Serialize(message)}]}}\r\nActivityId: {ActivityId()}, XenoCrm.Local.CosmosEmulator",
        };
        return Respond(status, MetadataJson.Bytes(body));
    }

    private static async ValueTask Send(PipeWriter writer, ReadOnlyMemory<byte> body) => await writer.WriteAsync(body);

    private void Begin(int status)
    {
        context.Response.StatusCode = status;
        _response["x-ms-activity-id"] = ActivityId();
        if (!_response.ContainsKey("x-ms-request-charge"))
        {
            _response["x-ms-request-charge"] = "1";
        }

        if (!_response.ContainsKey("Content-Type"))
        {
            _response.ContentType = "application/json";
        }
    }

    /// <summary>The SDK reads a GUID from it, errors included.</summary>
    private string ActivityId() => _activityId ??= Guid.TryParse(Header("x-ms-activity-id"), out var given) ? given.ToString() : Guid.NewGuid().ToString();

    private static string Code(int status) => status switch
    {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        412 => "PreconditionFailed",
        413 => "RequestEntityTooLarge",
        429 => "429",
        503 => "ServiceUnavailable",
        _ => "InternalServerError",
    };

    private static string[] Split(string rawTarget)
    {
        var end = rawTarget.IndexOf('?');
        var path = (end < 0 ? rawTarget : rawTarget[..end]).Trim('/');
        if (path.Length == 0)
        {
            return [];
        }

        var segments = path.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            if (segments[i].Contains('%'))
            {
                segments[i] = Uri.UnescapeDataString(segments[i]);
            }
        }

        return segments;
    }
}
