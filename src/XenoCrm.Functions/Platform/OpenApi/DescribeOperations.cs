using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.Idempotency;

namespace XenoCrm.Platform.OpenApi;

/// <summary>Adds what the generator cannot infer: ids, texts, limits of parameters, headers, examples.</summary>
internal sealed class DescribeOperations(Examples examples) : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var function = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<HttpFunction>().Single();
        var describe = function.Get<DescribeAttribute>()!;
        var example = examples.Of(function.Name);
        operation.OperationId = function.Name;
        operation.Summary = describe.Summary;
        operation.Description = describe.Details ?? describe.Summary + ".";
        operation.Parameters ??= [];
        foreach (var parameter in operation.Parameters.OfType<OpenApiParameter>())
        {
            Describe(parameter, function, example);
        }

        DescribeHeaders(operation, function);
        DescribeFile(operation);
        AddExamples(operation, example);
    }

    private static void Describe(OpenApiParameter parameter, HttpFunction function, Example? example)
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

        if (example?.Parameters?.TryGetValue(parameter.Name!, out var value) == true)
        {
            parameter.Example = Typed(value, parameter.Schema);
        }
    }

    /// <summary>A number or true or false as itself, also where null is allowed beside it.</summary>
    private static JsonNode? Typed(string value, IOpenApiSchema? schema) =>
        (schema?.Type & ~JsonSchemaType.Null) is JsonSchemaType.Integer or JsonSchemaType.Number or JsonSchemaType.Boolean ? JsonNode.Parse(value) : JsonValue.Create(value);

    private static void DescribeHeaders(OpenApiOperation operation, HttpFunction function)
    {
        var responses = operation.Responses ?? [];
        if (responses.ContainsKey("412"))
        {
            operation.Parameters!.Add(Header(
                "If-Match", responses.ContainsKey("428"), "The ETag of the resource as you read it, or *: if it has changed since, the answer is 412."));
        }

        if (function.Get<IdempotentAttribute>() is null)
        {
            return;
        }

        operation.Parameters!.Add(Header(
            "Idempotency-Key", isRequired: false,
            "Chosen by you for this request, such as a UUID. Sent again with the same body within 24 hours, it does not happen again: you get the first answer, with Idempotency-Replayed: true. With another body it is 422.",
            schema => schema.MaxLength = RequestKey.MaxLength));
        foreach (var response in responses.Where(r => r.Key[0] == '2').Select(r => r.Value).OfType<OpenApiResponse>())
        {
            response.Headers ??= new Dictionary<string, IOpenApiHeader>();
            response.Headers["Idempotency-Replayed"] = new OpenApiHeader
            {
                Description = "true: this is the answer to a former request with the same Idempotency-Key.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [JsonValue.Create("true")] },
            };
        }
    }

    private static OpenApiParameter Header(string name, bool isRequired, string description, Action<OpenApiSchema>? describe = null)
    {
        var schema = new OpenApiSchema { Type = JsonSchemaType.String };
        describe?.Invoke(schema);
        return new() { Name = name, In = ParameterLocation.Header, Required = isRequired, Description = description, Schema = schema };
    }

    /// <summary>A form carries the file in a part of any name.</summary>
    private static void DescribeFile(OpenApiOperation operation)
    {
        if (operation.RequestBody?.Content?.TryGetValue("multipart/form-data", out var form) == true && form is OpenApiMediaType type)
        {
            type.Encoding = null;
            type.Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { "file" },
                Properties = new Dictionary<string, IOpenApiSchema> { ["file"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } },
            };
        }
    }

    private static void AddExamples(OpenApiOperation operation, Example? example)
    {
        foreach (var (name, content) in operation.RequestBody?.Content ?? new Dictionary<string, IOpenApiMediaType>())
        {
            if (example?.Body is { } body && name != "multipart/form-data" && content is OpenApiMediaType type)
            {
                type.Example = body.DeepClone();
            }
        }

        if (example?.Answer is { } answer && operation.Responses?.TryGetValue(example.Status.ToString(), out var response) == true)
        {
            foreach (var type in (response.Content ?? new Dictionary<string, IOpenApiMediaType>()).Where(c => c.Key.EndsWith("json", StringComparison.Ordinal)).Select(c => c.Value).OfType<OpenApiMediaType>())
            {
                type.Example = answer.DeepClone();
            }
        }
    }
}
