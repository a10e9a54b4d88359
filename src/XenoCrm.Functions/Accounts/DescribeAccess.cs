using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <summary>Puts each route's role, its security scheme and its 401 and 403 into the API document.</summary>
internal sealed class DescribeAccess : IOperationFilter
{
    public const string Scheme = "bearer";

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var function = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<HttpFunction>().Single();
        if (function.Get<RequireRoleAttribute>() is not { } required)
        {
            return;
        }

        operation.Description += $" Role: {required.Role.ToString().ToLowerInvariant()}.";
        operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, context.Document)] = [] }];
        operation.Responses ??= [];
        foreach (var (status, text) in new[] { ("401", "Unauthorized"), ("403", "Forbidden") })
        {
            operation.Responses.TryAdd(status, new OpenApiResponse
            {
                Description = text,
                Content = new Dictionary<string, IOpenApiMediaType>
                {
                    ["application/problem+json"] = new OpenApiMediaType { Schema = context.SchemaGenerator.GenerateSchema(typeof(ProblemDocument), context.SchemaRepository) },
                },
            });
        }
    }
}
