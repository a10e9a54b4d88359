using System.Net.Mime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Swashbuckle.AspNetCore.SwaggerUI;

namespace XenoCrm.Platform.OpenApi;

/// <summary>
/// Swagger UI is a middleware and a function app has no pipeline of its own to put it into: this is a pipeline with
/// nothing else in it, run by the function that serves <c>/api-docs</c>.
/// </summary>
public sealed class SwaggerUi(IServiceProvider services) : IResult
{
    public const string Path = "api-docs";

    /// <summary>Swagger UI takes a token and cannot log in; this can.</summary>
    private const string LoginScript = "/" + Path + "/login.js";

    private readonly RequestDelegate pipeline = new ApplicationBuilder(services)
        .Map(LoginScript, login => login.Run(SendLoginAsync))
        .UseSwaggerUI(options =>
        {
            options.RoutePrefix = Path;
            options.DocumentTitle = "Xeno CRM API";
            options.SwaggerEndpoint("/api/openapi.json", "Xeno CRM");
            options.InjectJavascript(LoginScript);

            // The areas first: a browser takes seconds to draw all routes.
            options.DocExpansion(DocExpansion.None);
            options.EnablePersistAuthorization();
            options.EnableTryItOutByDefault();
            options.DisplayRequestDuration();
            options.EnableDeepLinking();
            options.EnableFilter();
            options.ShowCommonExtensions();
        })
        .Build();

    /// <summary>Its own files and nothing from elsewhere; it writes styles into its elements.</summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers.ContentSecurityPolicy = Policy;
        return pipeline(httpContext);
    }

    private static async Task SendLoginAsync(HttpContext http)
    {
        await using var script = typeof(SwaggerUi).Assembly.GetManifestResourceStream("login.js")!;
        http.Response.ContentType = MediaTypeNames.Text.JavaScript;
        await script.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}
