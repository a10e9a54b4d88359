using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.ModelBinding.Metadata;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Idempotency;

namespace XenoCrm.Platform.OpenApi;

/// <summary>Shows the functions to the OpenAPI generator as if they were controller actions.</summary>
public sealed partial class FunctionDescriptions(HttpFunctions functions) : IApiDescriptionGroupCollectionProvider
{
    /// <summary>Statuses that every route may answer with a problem document.</summary>
    private static readonly int[] CommonProblems = [400, 429, 500, 503];

    private static readonly EmptyModelMetadataProvider Metadata = new();

    public ApiDescriptionGroupCollection ApiDescriptionGroups { get; } = new(
        [new("v1", [.. from function in functions.All
                       where function.Get<DescribeAttribute>() is not null
                       from method in function.Methods
                       select Describe(function, method)])],
        version: 1);

    private static ApiDescription Describe(HttpFunction function, string method)
    {
        var description = new ApiDescription
        {
            GroupName = "v1",
            HttpMethod = method.ToUpperInvariant(),
            RelativePath = RouteConstraint().Replace(function.Route, "{${name}}"),
            ActionDescriptor = new ActionDescriptor
            {
                DisplayName = function.Name,
                RouteValues = { ["controller"] = function.Area, ["action"] = function.Name },
                EndpointMetadata = [function.Method, function],
            },
        };

        foreach (Match parameter in RouteConstraint().Matches(function.Route))
        {
            description.ParameterDescriptions.Add(Parameter(parameter.Groups["name"].Value, typeof(string), BindingSource.Path, required: true));
        }

        foreach (var query in function.Queries)
        {
            description.ParameterDescriptions.Add(Parameter(query.Name, query.Type, BindingSource.Query, required: false));
        }

        if (function.Get<PagedAttribute>() is not null)
        {
            description.ParameterDescriptions.Add(Parameter("limit", typeof(int), BindingSource.Query, required: false));
            description.ParameterDescriptions.Add(Parameter("cursor", typeof(string), BindingSource.Query, required: false));
        }

        if (function.Get<BodyAttribute>() is { } body)
        {
            description.ParameterDescriptions.Add(Parameter("body", body.Type, BindingSource.Body, required: true));
            foreach (var type in body.ContentTypes)
            {
                description.SupportedRequestFormats.Add(new ApiRequestFormat { MediaType = type });
            }
        }

        foreach (var answer in function.GetAll<AnswersAttribute>())
        {
            description.SupportedResponseTypes.Add(Response(answer.Status, answer.Type, answer.ContentType));
        }

        int[] ofKeys = function.Get<IdempotentAttribute>() is null ? [] : [409, 413, 422];
        int[] ofBodies = function.Get<BodyAttribute>() is null && function.Get<IdempotentAttribute>() is null ? [] : [408];
        foreach (var status in CommonProblems.Concat(function.Get<ProblemsAttribute>()?.Statuses ?? []).Concat(ofKeys).Concat(ofBodies).Distinct().Order())
        {
            description.SupportedResponseTypes.Add(Response(status, typeof(ProblemDocument), "application/problem+json"));
        }

        return description;
    }

    private static ApiParameterDescription Parameter(string name, Type type, BindingSource source, bool required) => new()
    {
        Name = name,
        Source = source,
        Type = type,
        ModelMetadata = Metadata.GetMetadataForType(type),
        IsRequired = required,
        ParameterDescriptor = new ParameterDescriptor { Name = name, ParameterType = type },
    };

    private static ApiResponseType Response(int status, Type? type, string contentType) => new()
    {
        StatusCode = status,
        Type = type ?? typeof(void),
        ModelMetadata = type is null ? null : Metadata.GetMetadataForType(type),
        ApiResponseFormats = type is null ? [] : [new ApiResponseFormat { MediaType = contentType }],
    };

    /// <summary><c>{id:guid}</c>, <c>{*path}</c>: the name without the rest.</summary>
    [GeneratedRegex(@"\{\*{0,2}(?<name>\w+)[^}]*\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RouteConstraint();
}
