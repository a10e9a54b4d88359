using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace XenoCrm.Platform.OpenApi;

/// <summary>Adds what the generator cannot infer: ids, texts, parameter limits.</summary>
internal sealed class DescribeOperations : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var function = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<HttpFunction>().Single();
        var describe = function.Get<DescribeAttribute>()!;
        operation.OperationId = function.Name;
        operation.Summary = describe.Summary;
        operation.Description = describe.Details ?? describe.Summary + ".";

        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
        {
            parameter.Description = function.Queries.FirstOrDefault(q => q.Name == parameter.Name)?.Description
                ?? parameter.Name switch
                {
                    "limit" => $"Items on a page, 1 to {Http.PageRequest.MaxLimit}; {Http.PageRequest.DefaultLimit} when absent.",
                    "cursor" => "The 'next' of the page before.",
                    "id" => "The resource's id.",
                    var name => $"The {name}.",
                };
            if (parameter is { Name: "limit", Schema: OpenApiSchema limit })
            {
                limit.Minimum = "1";
                limit.Maximum = Http.PageRequest.MaxLimit.ToString();
                limit.Default = JsonValue.Create(Http.PageRequest.DefaultLimit);
            }
        }
    }
}
