using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Options;

namespace XenoCrm.Platform.Http;

/// <summary>Settings under <c>Cors</c>.</summary>
public sealed class CorsOptions
{
    public const string Section = "Cors";

    /// <summary>
    /// Pages of these origins (<c>https://app.example</c>) may call the API from a browser; <c>*</c>: all may. None when
    /// empty. Credentials are headers, never cookies: no page can act for somebody without having their token.
    /// </summary>
    public IList<string> Origins { get; set; } = [];
}

/// <summary>What every answer carries: how browsers are to treat it, and which other pages may read it. Comes first.</summary>
public sealed class HeadersMiddleware(IOptions<CorsOptions> options) : IFunctionsWorkerMiddleware
{
    private const string ApiPolicy = "default-src 'none'; frame-ancestors 'none'";

    private readonly HashSet<string> origins = new(options.Value.Origins.Select(o => o.TrimEnd('/')), StringComparer.OrdinalIgnoreCase);

    public Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        if (context.GetHttpContext() is { } http)
        {
            // When the answer begins: a problem document clears the headers that were set before.
            http.Response.OnStarting(() =>
            {
                Set(http);
                return Task.CompletedTask;
            });
        }

        return next(context);
    }

    private void Set(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.TryAdd("Content-Security-Policy", ApiPolicy);
        headers.TryAdd("Cache-Control", "no-store");

        // Behind a proxy that ends TLS the request itself is plain; over a plain connection browsers ignore the header.
        if (http.Request.IsHttps || http.Request.Headers["X-Forwarded-Proto"].ToString().Equals("https", StringComparison.OrdinalIgnoreCase))
        {
            headers.StrictTransportSecurity = "max-age=31536000; includeSubDomains";
        }

        if (origins.Count == 0)
        {
            return;
        }

        var origin = http.Request.Headers.Origin.ToString();
        headers.Append("Vary", "Origin");
        if (origin.Length > 0 && (origins.Contains(origin) || origins.Contains("*")))
        {
            headers.AccessControlAllowOrigin = origins.Contains("*") ? "*" : origin;
            headers.AccessControlExposeHeaders = "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Content-Disposition";
            if (HttpMethods.IsOptions(http.Request.Method))
            {
                headers.AccessControlAllowMethods = "GET, POST, PUT, PATCH, DELETE";
                headers.AccessControlAllowHeaders = "Authorization, X-Api-Key, Content-Type, If-Match, Idempotency-Key";
                headers.AccessControlMaxAge = "600";
            }
        }
    }
}

/// <summary>Browsers ask before they send what a form could not; <see cref="HeadersMiddleware"/> gives the answer.</summary>
public sealed class PreflightFunction
{
    [Function("AnswerPreflight")]
    [Public("It says what may be asked, and does nothing.")]
    public IResult Run([HttpTrigger(AuthorizationLevel.Anonymous, "options", Route = "{*path}")] HttpRequest request) => Reply.NoContent();
}
