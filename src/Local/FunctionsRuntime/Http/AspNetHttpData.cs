using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Http;

/// <summary>The worker's own request model over the server's request.</summary>
internal sealed class AspNetRequestData(Invocation invocation) : HttpRequestData(invocation)
{
    private readonly HttpRequest _request = invocation.Http!.Request;
    private HttpHeadersCollection? _headers;

    public override Stream Body => _request.Body;

    public override HttpHeadersCollection Headers
        => _headers ??= new HttpHeadersCollection(_request.Headers.Select(h => new KeyValuePair<string, IEnumerable<string>>(h.Key, h.Value!)));

    public override IReadOnlyCollection<IHttpCookie> Cookies
        => [.. _request.Cookies.Select(c => new Microsoft.Azure.Functions.Worker.Http.HttpCookie(c.Key, c.Value))];

    public override Uri Url => new(_request.GetEncodedUrl());

    public override IEnumerable<ClaimsIdentity> Identities => _request.HttpContext.User.Identities;

    public override string Method => _request.Method;

    public override HttpResponseData CreateResponse() => new AspNetResponseData(invocation);
}

/// <summary>A response that is held until the function has returned it, then written to the server's.</summary>
internal sealed class AspNetResponseData(FunctionContext context) : HttpResponseData(context)
{
    private readonly CookieJar _cookies = new();

    public override HttpStatusCode StatusCode { get; set; } = HttpStatusCode.OK;

    public override HttpHeadersCollection Headers { get; set; } = [];

    public override Stream Body { get; set; } = new MemoryStream();

    public override HttpCookies Cookies => _cookies;

    public async Task WriteTo(HttpResponse response)
    {
        response.StatusCode = (int)StatusCode;
        foreach (var (name, values) in Headers)
            response.Headers[name] = values.ToArray();
        foreach (var cookie in _cookies.All)
            response.Cookies.Append(cookie.Name, cookie.Value, Options(cookie));
        if (Body.CanSeek)
            Body.Position = 0;
        await using var body = Body;
        if (!body.CanSeek || body.Length > 0)
            await body.CopyToAsync(response.Body, response.HttpContext.RequestAborted);
    }

    private static CookieOptions Options(IHttpCookie cookie) => new()
    {
        Domain = cookie.Domain,
        Expires = cookie.Expires,
        HttpOnly = cookie.HttpOnly ?? false,
        MaxAge = cookie.MaxAge is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        Path = cookie.Path,
        Secure = cookie.Secure ?? false,
        SameSite = cookie.SameSite switch
        {
            SameSite.Lax => SameSiteMode.Lax,
            SameSite.Strict => SameSiteMode.Strict,
            SameSite.ExplicitNone => SameSiteMode.None,
            _ => SameSiteMode.Unspecified,
        },
    };

    private sealed class CookieJar : HttpCookies
    {
        public List<IHttpCookie> All { get; } = [];

        public override void Append(string name, string value)
            => All.Add(new Microsoft.Azure.Functions.Worker.Http.HttpCookie(name, value));

        public override void Append(IHttpCookie cookie) => All.Add(cookie);

        public override IHttpCookie CreateNew() => new Microsoft.Azure.Functions.Worker.Http.HttpCookie("", "");
    }
}
