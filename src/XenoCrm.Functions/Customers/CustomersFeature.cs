using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

public static class CustomersFeature
{
    /// <summary>Customers and what identifies them. Needs an <see cref="ISegmentTagger"/>, which Segments provides.</summary>
    public static IServiceCollection AddCustomers(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<WorkspaceOptions>()
            .Validate(o => IsKey(o.AddressKey), "Workspace__AddressKey must be at least 32 bytes in base64. It replaces Delivery__SuppressionKey.").ValidateOnStart();
        services.AddSingleton<AddressHasher>();
        services.AddSingleton(CustomerStore.Definition);
        services.AddSingleton(CustomerIdentities.Definition);
        services.AddSingleton<CustomerStore>();
        services.AddSingleton<CustomerTags>();
        services.AddSingleton<CustomerFigures>();
        services.AddSingleton<CustomerProfiles>();
        services.AddSingleton<AttributeSchema>();
        services.AddSingleton<ChangeAttribute>();
        services.AddSingleton<CustomerWriter>();
        services.AddSingleton<CustomerViews>();
        services.AddSingleton<CustomerFilters>();
        services.AddSingleton<ListCustomers>();
        services.AddSingleton<ExportCustomers>();
        services.AddSingleton<SaveCustomer>();
        services.AddSingleton<BulkCustomers>();
        services.AddSingleton<RecordVisit>();
        services.AddSingleton<ChangeTags>();
        services.AddSingleton<IValidator<AttributeInput>, AttributeInputValidator>();
        services.AddSingleton<IValidator<BulkCustomersBody>, BulkCustomersValidator>();
        services.AddSingleton<IValidator<VisitInput>, VisitValidator>();
        services.AddSingleton<IValidator<CustomerInput>, CustomerInputValidator>();
        services.AddSingleton<IValidator<TagsInput>, TagsInputValidator>();
        services.AddApiTag("Customers", "The people: profile, consent, tags, typed attributes, visits.");
        return services;
    }

    private static bool IsKey(string? text) =>
        text is not null && Convert.TryFromBase64String(text, new byte[text.Length], out var length) && length >= 32;
}
