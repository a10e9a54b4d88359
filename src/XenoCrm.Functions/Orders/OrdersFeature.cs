using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace XenoCrm.Orders;

public static class OrdersFeature
{
    /// <summary>Orders, and the totals of customers that follow from them.</summary>
    public static IServiceCollection AddOrders(this IServiceCollection services, IConfiguration configuration)
    {
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
        return services;
    }
}
