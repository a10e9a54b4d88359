using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace XenoCrm.Segments;

/// <summary>Puts the tree of a rule into the API document, wherever a member called <c>rule</c> has no schema of its own.</summary>
internal sealed class DescribeRule : IDocumentFilter
{
    private const string Member = "rule";

    public void Apply(OpenApiDocument swaggerDoc, DocumentFilterContext context)
    {
        var schemas = swaggerDoc.Components!.Schemas!;
        foreach (var schema in schemas.Values.OfType<OpenApiSchema>())
        {
            if (schema.Properties?.TryGetValue(Member, out var rule) == true && rule is OpenApiSchema { Type: null })
            {
                schema.Properties[Member] = new OpenApiSchemaReference("Rule", swaggerDoc);
            }
        }

        schemas["Rule"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = $"What the component react-querybuilder reads and writes. At most {RuleParser.MaxDepth} levels and {RuleParser.MaxRules} comparisons.",
            Required = new HashSet<string> { "combinator", "rules" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["id"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["combinator"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [JsonValue.Create("and"), JsonValue.Create("or")] },
                ["not"] = new OpenApiSchema { Type = JsonSchemaType.Boolean },
                ["rules"] = new OpenApiSchema
                {
                    Type = JsonSchemaType.Array,
                    Items = new OpenApiSchema { AnyOf = [new OpenApiSchemaReference("Rule", swaggerDoc), new OpenApiSchemaReference("RuleComparison", swaggerDoc)] },
                },
            },
        };
        schemas["RuleComparison"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "GET /api/segments/fields lists the fields, their types and operators.",
            Required = new HashSet<string> { "field", "operator" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["id"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["field"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["operator"] = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. RuleOperators.All.Select(o => (JsonNode)JsonValue.Create(o))] },
                ["value"] = new OpenApiSchema { Description = "A text, a number, true or false, or a list of them, as field and operator want it." },
            },
        };
    }
}
