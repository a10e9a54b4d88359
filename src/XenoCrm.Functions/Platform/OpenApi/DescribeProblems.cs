using System.Net;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Idempotency;

namespace XenoCrm.Platform.OpenApi;

/// <summary>Says of each failure of a route which codes it can have.</summary>
internal sealed class DescribeProblems(HttpFunctions functions, ProblemCatalogue catalogue) : IOperationFilter
{
    private const string ContentType = "application/problem+json";

    private readonly ReachableProblems reachable = new(functions.Assembly);
    private readonly Dictionary<string, IReadOnlyList<ProblemEntry>> byFunction = new(StringComparer.Ordinal);
    private IReadOnlyList<(Type Middleware, IReadOnlySet<Type> Problems)>? middlewares;

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var function = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<HttpFunction>().Single();
        var isOpen = operation.Security is not { Count: > 0 };
        var entries = EntriesOf(function, isOpen);
        operation.Responses ??= [];
        foreach (var redirect in entries.Where(e => e.Status < 400).Select(e => e.Status).Distinct())
        {
            operation.Responses.TryAdd(redirect.ToString(), new OpenApiResponse
            {
                Content = new Dictionary<string, IOpenApiMediaType>
                {
                    [ContentType] = new OpenApiMediaType { Schema = context.SchemaGenerator.GenerateSchema(typeof(ProblemDocument), context.SchemaRepository) },
                },
            });
        }

        foreach (var (status, response) in operation.Responses)
        {
            if (response is OpenApiResponse own && own.Content?.TryGetValue(ContentType, out var content) == true && content is OpenApiMediaType { Schema: { } problem } type)
            {
                var codes = entries.Where(e => e.Status.ToString() == status).ToList();
                own.Description = string.Join(" ", codes.Select(e => $"`{e.Code}`: {e.Title}.").DefaultIfEmpty(((HttpStatusCode)int.Parse(status)).ToString()));
                if (codes.Count > 0)
                {
                    type.Schema = new OpenApiSchema
                    {
                        AllOf =
                        [
                            problem,
                            new OpenApiSchema
                            {
                                Type = JsonSchemaType.Object,
                                Properties = new Dictionary<string, IOpenApiSchema>
                                {
                                    ["code"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. codes.Select(e => (JsonNode)JsonValue.Create(e.Code))] },
                                },
                            },
                        ],
                    };
                }
            }
        }
    }

    private IReadOnlyList<ProblemEntry> EntriesOf(HttpFunction function, bool isOpen)
    {
        lock (byFunction)
        {
            if (!byFunction.TryGetValue(function.Name, out var entries))
            {
                middlewares ??= [.. functions.Assembly.GetTypes().Where(t => t.IsClass && typeof(IFunctionsWorkerMiddleware).IsAssignableFrom(t))
                    .Select(t => (t, reachable.Of(t.GetMethod(nameof(IFunctionsWorkerMiddleware.Invoke))!)))];
                var around = middlewares.Where(m => m.Middleware != typeof(IdempotencyMiddleware) || function.Get<IdempotentAttribute>() is not null)
                    .SelectMany(m => m.Problems).SelectMany(catalogue.Of).Where(e => !isOpen || e.Status is not (401 or 403));
                byFunction[function.Name] = entries = [.. reachable.Of(function.Method).SelectMany(catalogue.Of).Concat(around).DistinctBy(e => (e.Code, e.Status)).OrderBy(e => e.Code, StringComparer.Ordinal)];
            }

            return entries;
        }
    }
}
