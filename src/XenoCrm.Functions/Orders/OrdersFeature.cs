using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Orders;

public static class OrdersFeature
{
    /// <summary>Orders, and the totals of customers that follow from them.</summary>
    public static IServiceCollection AddOrders(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AttributionOptions>().Bind(configuration.GetSection(AttributionOptions.Section))
            .Validate(o => o.ClickWindow >= TimeSpan.Zero && o.DeliveryWindow >= TimeSpan.Zero, "Delivery__Attribution__ClickWindow and DeliveryWindow must not be negative.")
            .ValidateOnStart();
        services.AddSingleton<Attribution>();
        services.AddSingleton<CreditOrders>();
        services.AddSingleton<CampaignOrders>();
        services.AddSingleton<OrderFigures>();
        services.AddSingleton<OrderStore>();
        services.AddSingleton<CustomerTurns>();
        services.AddSingleton<OrderWriter>();
        services.AddSingleton<OrderViews>();
        services.AddSingleton<ListOrders>();
        services.AddSingleton<ExportOrders>();
        services.AddSingleton<SaveOrder>();
        services.AddSingleton<BulkOrders>();
        services.AddSingleton<ReadOverview>();
        services.AddSingleton<ReadTimeline>();
        services.AddSingleton<DeleteCustomer>();
        services.AddSingleton<MergeCustomers>();
        services.AddSingleton<IValidator<MergeRequest>, MergeValidator>();
        services.AddSingleton<IValidator<BulkOrdersRequest>, BulkOrdersValidator>();
        services.AddSingleton<IValidator<OrderInput>, OrderInputValidator>();
        services.AddApiTag("Orders", "Orders, and what follows from them for their customers: totals, overview, timeline, merge.");
        return services;
    }
}
