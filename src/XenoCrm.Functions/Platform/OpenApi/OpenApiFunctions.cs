using System.Net.Mime;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.Swagger;
using XenoCrm.Platform.Http;

namespace XenoCrm.Platform.OpenApi;

public sealed class OpenApiFunctions(IAsyncSwaggerProvider provider, SwaggerUi ui)
{
    [Function("GetOpenApiDocument")]
    [Public("It describes the API and holds no data.")]
    public async Task<IResult> Document([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/openapi.json")] HttpRequest request)
    {
        var document = await provider.GetSwaggerAsync("v1");

        // Where the document is. The Host header is the caller's: a cache on the way would hand out another's address.
        document.Servers = [new OpenApiServer { Url = "/" }];
        var json = await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, request.HttpContext.RequestAborted);
        return Results.Text(json, MediaTypeNames.Application.Json);
    }

    [Function("GetApiDocs")]
    [Public("Static pages; what they call is protected.")]
    public IResult Docs([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = SwaggerUi.Path + "/{*path}")] HttpRequest request) => ui;
}
