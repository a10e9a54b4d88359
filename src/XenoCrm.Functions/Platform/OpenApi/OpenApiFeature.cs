using System.Reflection;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

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
        services.AddSingleton<SwaggerUi>();
        services.AddSwaggerGen(options =>
        {
            options.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "Xeno CRM",
                Version = "1",
                Description = "Customers, orders, imports, live segments, campaigns with an account of every message, receipts.",
            });
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
            options.TagActionsBy(description => [description.ActionDescriptor.RouteValues["controller"]!]);
            options.CustomSchemaIds(SchemaId);
            options.OperationFilter<DescribeOperations>();
        });
        return services;
    }

    /// <summary><c>Page&lt;CustomerView&gt;</c> → <c>CustomerViewPage</c>.</summary>
    private static string SchemaId(Type type) => type.IsGenericType
        ? string.Concat(type.GetGenericArguments().Select(SchemaId)) + type.Name.Split('`')[0]
        : type.Name;
}
