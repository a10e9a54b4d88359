using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace XenoCrm.Webhooks;

/// <summary>Says in the API document what subscribers get.</summary>
internal sealed class DescribeWebhooks : IDocumentFilter
{
    private const string Common = """
        Posted to subscribers (`POST /api/webhook-subscriptions`), signed as Standard Webhooks has it: `webhook-signature` holds
        `v1,` and the base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body` under the subscription's secret (after
        `whsec_`, base64), and another one while a secret is being replaced. At least once, in no particular order; `id` is the same
        each time. Answer 2xx within ten seconds; anything else is tried again for three days. 410 disables the subscription, 429 and
        503 may say `Retry-After`, redirects are not followed. With `batch: true` the body is an array of up to a hundred such events
        and `webhook-id` is the delivery's.
        """;

    public void Apply(OpenApiDocument swaggerDoc, DocumentFilterContext context)
    {
        swaggerDoc.Webhooks = new Dictionary<string, IOpenApiPathItem>
        {
            ["message"] = Describe<MessageEventData>(
                "message.*: something became known of a message",
                "`message.sent`: the vendor has it; `.opened` and `.clicked`: the first time by a person, as far as can be told; `.failed` and `.bounced` with a reason. Each once for a message; `.failed` a second time when it was sent after all.",
                swaggerDoc, context),
            ["campaign"] = Describe<CampaignEventData>("campaign.*: a campaign was launched, paused, resumed, completed, cancelled, or has failed", null, swaggerDoc, context),
            ["test"] = Describe<TestEventData>("webhook.test: a test was asked for", null, swaggerDoc, context),
        };
    }

    private static OpenApiPathItem Describe<TData>(string summary, string? details, OpenApiDocument document, DocumentFilterContext context)
    {
        var schema = context.SchemaGenerator.GenerateSchema(typeof(WebhookEvent<TData>), context.SchemaRepository);
        if (schema is OpenApiSchemaReference { Reference.Id: { } id } && context.SchemaRepository.Schemas[id] is OpenApiSchema { Required: { } required })
        {
            // Of a type's parameter the generator cannot tell.
            required.Add("data");
        }

        var operation = new OpenApiOperation
        {
            OperationId = "On" + typeof(TData).Name[..^"EventData".Length] + "Event",
            Summary = summary,
            Description = (details is null ? "" : details + "\n\n") + Common,
            Tags = new HashSet<OpenApiTagReference> { new("Webhooks", document) },
            Parameters = [.. new[] { "webhook-id", "webhook-timestamp", "webhook-signature" }.Select(Header)],
            RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, IOpenApiMediaType>
                {
                    ["application/json"] = new OpenApiMediaType { Schema = schema },
                },
            },
            Responses = new OpenApiResponses { ["2XX"] = new OpenApiResponse { Description = "It is taken." } },
        };
        return new() { Operations = new Dictionary<HttpMethod, OpenApiOperation> { [HttpMethod.Post] = operation } };
    }

    private static IOpenApiParameter Header(string name) => new OpenApiParameter
    {
        Name = name, In = ParameterLocation.Header, Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Description = $"The {name} of Standard Webhooks.",
    };
}
