using System.Collections.Specialized;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Web;

namespace Microsoft.Azure.Functions.Worker.Http;

/// <summary>The request model of functions that do not use ASP.NET Core types.</summary>
public abstract class HttpRequestData(FunctionContext functionContext)
{
    private NameValueCollection? _query;

    public abstract Stream Body { get; }

    public abstract HttpHeadersCollection Headers { get; }

    public abstract IReadOnlyCollection<IHttpCookie> Cookies { get; }

    public abstract Uri Url { get; }

    public abstract IEnumerable<ClaimsIdentity> Identities { get; }

    public abstract string Method { get; }

    public FunctionContext FunctionContext { get; } = functionContext;

    public abstract HttpResponseData CreateResponse();

    public virtual NameValueCollection Query => _query ??= HttpUtility.ParseQueryString(Url.Query);
}

public abstract class HttpResponseData(FunctionContext functionContext)
{
    public abstract HttpStatusCode StatusCode { get; set; }

    public abstract HttpHeadersCollection Headers { get; set; }

    public abstract Stream Body { get; set; }

    public abstract HttpCookies Cookies { get; }

    public FunctionContext FunctionContext { get; } = functionContext;

    public static HttpResponseData CreateResponse(HttpRequestData request) => request.CreateResponse();
}

public class HttpHeadersCollection : HttpHeaders
{
    public HttpHeadersCollection()
    {
    }

    public HttpHeadersCollection(IEnumerable<KeyValuePair<string, IEnumerable<string>>> headers)
    {
        foreach (var (name, values) in headers)
            TryAddWithoutValidation(name, values);
    }

    public HttpHeadersCollection(IEnumerable<KeyValuePair<string, string>> headers)
    {
        foreach (var (name, value) in headers)
            TryAddWithoutValidation(name, value);
    }
}

public abstract class HttpCookies
{
    public abstract void Append(string name, string value);

    public abstract void Append(IHttpCookie cookie);

    public abstract IHttpCookie CreateNew();
}

public interface IHttpCookie
{
    string? Domain { get; }

    DateTimeOffset? Expires { get; }

    bool? HttpOnly { get; }

    double? MaxAge { get; }

    string Name { get; }

    string? Path { get; }

    SameSite SameSite { get; }

    bool? Secure { get; }

    string Value { get; }
}

public enum SameSite
{
    None,
    Lax,
    Strict,
    ExplicitNone,
}

public class HttpCookie(string name, string value) : IHttpCookie
{
    public string? Domain { get; set; }

    public DateTimeOffset? Expires { get; set; }

    public bool? HttpOnly { get; set; }

    public double? MaxAge { get; set; }

    public string Name { get; } = name;

    public string? Path { get; set; }

    public SameSite SameSite { get; set; }

    public bool? Secure { get; set; }

    public string Value { get; } = value;
}

public static class HttpRequestDataExtensions
{
    public static HttpResponseData CreateResponse(this HttpRequestData request, HttpStatusCode statusCode)
    {
        var response = request.CreateResponse();
        response.StatusCode = statusCode;
        return response;
    }

    public static async Task<string?> ReadAsStringAsync(this HttpRequestData request)
    {
        using var reader = new StreamReader(request.Body, leaveOpen: true);
        return await reader.ReadToEndAsync();
    }
}

public static class HttpResponseDataExtensions
{
    public static Task WriteStringAsync(this HttpResponseData response, string value)
        => response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(value)).AsTask();

    /// <summary>Writes JSON in the shape of the app's web defaults (camelCase) and sets the content type.</summary>
    public static ValueTask WriteAsJsonAsync<T>(this HttpResponseData response, T instance, CancellationToken cancellationToken = default)
    {
        response.Headers.Remove("Content-Type");
        response.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=utf-8");
        return new(System.Text.Json.JsonSerializer.SerializeAsync(
            response.Body, instance, System.Text.Json.JsonSerializerOptions.Web, cancellationToken));
    }
}
