using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker.Http;
using XenoCrm.Local.FunctionsRuntime.Hosting;

#pragma warning disable MA0054 // The serializer's and the parsers' own messages quote their input, which may be personal data.

namespace XenoCrm.Local.FunctionsRuntime.Http;

/// <summary>How a request becomes a parameter.</summary>
internal static class HttpBinding
{
    /// <summary>The parameter that carries [HttpTrigger]: the request, or any other type read from the JSON body.</summary>
    public static ParameterBinder Trigger(Type type) => TryRequest(type) ?? Body(type);

    public static ParameterBinder? TryRequest(Type type)
    {
        if (type == typeof(HttpRequest))
            return invocation => new(invocation.Http!.Request);
        if (type == typeof(HttpContext))
            return invocation => new(invocation.Http!);
        if (type == typeof(HttpRequestData))
            return invocation => new(new AspNetRequestData(invocation));
        return null;
    }

    public static ParameterBinder Body(Type type) => async invocation =>
    {
        var body = invocation.Http!.Request.Body;
        if (type == typeof(Stream))
            return body;
        if (type == typeof(string))
        {
            using var reader = new StreamReader(body, leaveOpen: true);
            return await reader.ReadToEndAsync(invocation.CancellationToken);
        }
        try
        {
            return await JsonSerializer.DeserializeAsync(body, type, Json.OptionsOf(invocation), invocation.CancellationToken);
        }
        catch (JsonException e)
        {
            throw new BindingException($"The body is not the JSON of a {type.Name} (line {e.LineNumber}, byte {e.BytePositionInLine}).");
        }
    };

    /// <summary>Route values by name; the whole query and all headers as JSON under <c>Query</c> and <c>Headers</c>.</summary>
    public static Dictionary<string, object?> BindingData(HttpContext http)
    {
        var data = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase)
        {
            ["Headers"] = JsonSerializer.Serialize(http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString())),
            ["Query"] = JsonSerializer.Serialize(http.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString())),
        };
        foreach (var (name, value) in http.Request.RouteValues)
            data[name] = value;
        return data;
    }
}
