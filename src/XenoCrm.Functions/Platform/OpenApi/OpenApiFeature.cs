using System.Reflection;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.OpenApi;

public static class OpenApiFeature
{
    /// <summary>The API document, generated from the functions of <paramref name="assembly"/>, and Swagger UI.</summary>
    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services, Assembly assembly)
    {
        var functions = new HttpFunctions(assembly);
        services.AddSingleton(functions);
        services.AddSingleton<IApiDescriptionGroupCollectionProvider>(new FunctionDescriptions(functions));
        services.AddSingleton<ISerializerDataContractResolver>(new JsonSerializerDataContractResolver(Json.Options));
        services.AddSingleton(new Examples(assembly));
        services.AddSingleton(new ProblemCatalogue(assembly));
        services.AddSingleton<SwaggerUi>();
        services.AddSwaggerGen(options =>
        {
            options.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "Xeno CRM",
                Version = "1",
                Description = "Customers, orders, imports, live segments, campaigns with an account of every message, receipts.",
                Contact = new OpenApiContact { Name = "Xeno CRM" },
            });
            options.TagActionsBy(description => [description.ActionDescriptor.RouteValues["controller"]!]);
            options.CustomSchemaIds(SchemaId);
            options.SchemaFilter<DescribeSchemas>();
            options.OperationFilter<DescribeOperations>();
            options.DocumentFilter<DescribeDocument>();
        });

        // After all others: they add failures.
        services.PostConfigure<SwaggerGenOptions>(options => options.OperationFilter<DescribeProblems>());
        return services;
    }

    /// <param name="area">The feature's folder, which is the tag of its routes.</param>
    /// <param name="description">What its routes are about, for the API document.</param>
    public static IServiceCollection AddApiTag(this IServiceCollection services, string area, string description) =>
        services.AddSingleton(new ApiTag(area, description));

    /// <summary><c>Page&lt;CustomerView&gt;</c> → <c>CustomerViewPage</c>.</summary>
    private static string SchemaId(Type type) => type.IsGenericType
        ? string.Concat(type.GetGenericArguments().Select(SchemaId)) + type.Name.Split('`')[0]
        : type.Name;
}

/// <summary>What the routes of a feature are about.</summary>
public sealed record ApiTag(string Area, string Description);
