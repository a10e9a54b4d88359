using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

public static class DeliveryFeature
{
    /// <summary>Planning, sending, receipts, suppressions, and the ledger of it all.</summary>
    public static IServiceCollection AddDelivery(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<DeliveryOptions>().Bind(configuration.GetSection(DeliveryOptions.Section))
            .Validate(o => o.ReceiptWindow > TimeSpan.Zero && o.ReceiptWindow < TimeSpan.FromSeconds(30), "Delivery__ReceiptWindow must be above 0 and below 30 s.")
            .Validate(o => o.ConcurrentRuns is >= 1 and <= 64, "Delivery__ConcurrentRuns must be between 1 and 64.")
            .ValidateOnStart();
        services.AddOptions<GenericVendorOptions>().Bind(configuration.GetSection(GenericVendorOptions.Section))
            .Validate(o => Uri.IsWellFormedUriString(o.BaseAddress, UriKind.Absolute), "Vendors__Generic__BaseAddress must be the vendor's address.")
            .Validate(_ => Uri.IsWellFormedUriString(configuration["PublicBaseAddress"], UriKind.Absolute), "PublicBaseAddress must be the address that vendors reach this service at.")
            .ValidateOnStart();

        // Two log lines per request say nothing that the ledger does not.
        services.AddHttpClient(GenericHttpVendor.HttpClientName).RemoveAllLoggers();

        services.AddSingleton(BatchStore.Definition);
        services.AddSingleton(SuppressionStore.Definition);
        services.AddWorkspaceStore<Plan>(Plan.KindName);
        services.AddWorkspaceStore<PoisonRun>(PoisonRun.KindName);
        services.AddWorkspaceStore<StrayReceipt>(StrayReceipt.KindName);
        services.AddSingleton<BatchStore>();
        services.AddSingleton<SuppressionStore>();
        services.AddSingleton<StrayReceiptStore>();
        services.AddSingleton<IVendor, GenericHttpVendor>();
        services.AddSingleton<VendorGateway>();
        services.AddSingleton<Planner>();
        services.AddSingleton<SendDecisions>();
        services.AddSingleton<TrackingLinks>();
        services.AddSingleton<Sender>();
        services.AddSingleton<PoisonRuns>();
        services.AddSingleton<ReceiptInbox>();
        services.AddSingleton<ReceiptFolder>();
        services.AddSingleton<ReceiptWindow>();
        services.AddSingleton<ApplyReceipts>();
        services.AddSingleton<RecordMessages>();
        services.AddSingleton<CampaignStats>();
        services.AddSingleton<CampaignMessages>();
        services.AddSingleton<IValidator<SuppressionInput>, SuppressionInputValidator>();
        services.AddSingleton(provider => new StandardWebhook(
            provider.GetRequiredService<IOptions<GenericVendorOptions>>().Value.ReceiptSecrets, provider.GetRequiredService<TimeProvider>()));
        return services;
    }
}
