using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <summary>Puts each route's role and scope, its security schemes and its 401 and 403 into the API document.</summary>
internal sealed class DescribeAccess : IOperationFilter
{
    public const string Bearer = "bearer";
    public const string Key = "apiKey";

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var function = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<HttpFunction>().Single();
        if (function.Get<RequireRoleAttribute>() is not { } required)
        {
            return;
        }

        var scope = AccessTable.Of(function).Scope;
        operation.Description += $" Role: {required.Role.ToString().ToLowerInvariant()}." + scope switch
        {
            null => " Not with an API key.",
            Access.AnyKey => " With any API key.",
            _ => $" Scope of an API key: {scope}.",
        };
        operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] }];
        if (scope is not null)
        {
            operation.Security.Add(new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Key, context.Document)] = [] });
        }

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
