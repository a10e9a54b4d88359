using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

public static class DeliveryFeature
{
    /// <summary>Planning, sending, receipts, suppressions, and the ledger of it all.</summary>
    public static IServiceCollection AddDelivery(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<DeliveryOptions>().Bind(configuration.GetSection(DeliveryOptions.Section))
            .Validate(o => o.MessageRetention is null || o.MessageRetention >= TimeSpan.FromDays(30), "Delivery__MessageRetention must be at least 30 days: receipts come for weeks.")
            .Validate(o => o.ReceiptWindow > TimeSpan.Zero && o.ReceiptWindow < TimeSpan.FromSeconds(30), "Delivery__ReceiptWindow must be above 0 and below 30 s.")
            .Validate(o => o.ConcurrentRuns is >= 1 and <= 64, "Delivery__ConcurrentRuns must be between 1 and 64.")
            .Validate(o => o.Caps.All(c => c is { Messages: >= 1, Days: >= 1 and <= 366 }), "Delivery__Caps needs Messages of at least 1 and Days between 1 and 366.")
            .Validate(o => o.QuietHours.All(q => q.IsValid), "Delivery__QuietHours needs From and To, two different times such as 21:00.")
            .Validate(o => TimeZoneInfo.TryFindSystemTimeZoneById(o.TimeZone, out _), "Delivery__TimeZone must be the IANA name of a time zone, such as Europe/Zurich.")
            .ValidateOnStart();

        AddVendors(services, configuration);
        services.AddOptions<PriceOptions>().Bind(configuration.GetSection(PriceOptions.Section))
            .Validate(o => o.Messages.All(p => p.Amount >= 0) && o.MillionRequestUnits is null or >= 0, "Delivery__Prices: an amount must not be negative.").ValidateOnStart();
        services.AddSingleton<PriceTable>();
        services.AddSingleton(BatchStore.Definition);
        services.AddSingleton(SuppressionStore.Definition);
        services.AddWorkspaceStore<Plan>(Plan.KindName);
        services.AddWorkspaceStore<PoisonRun>(PoisonRun.KindName, isAudited: true);
        services.AddWorkspaceStore<VendorTurns>(VendorTurns.KindName);
        services.AddWorkspaceStore<StrayReceipt>(StrayReceipt.KindName);
        services.AddSingleton<BatchStore>();
        services.AddSingleton<SuppressionStore>();
        services.AddSingleton<StrayReceiptStore>();
        services.AddSingleton<RetryFailed>();
        services.AddSingleton<ForgetMessages>();
        services.AddSingleton<CheckCampaign>();
        services.AddSingleton<TestCampaign>();
        services.AddSingleton<IValidator<TestInput>, TestInputValidator>();
        services.AddSingleton<Planner>();
        services.AddSingleton<SendDecisions>();
        services.AddSingleton<SendTiming>();
        services.AddSingleton<CapBook>();
        services.AddSingleton<SendClaims>();
        services.AddSingleton<WinnerDecision>();
        services.AddSingleton<MergedRecipients>();
        services.AddSingleton<TrackingLinks>();
        services.AddSingleton<Sender>();
        services.AddSingleton<PoisonRuns>();
        services.AddSingleton<PoisonList>();
        services.AddSingleton<ReceiptInbox>();
        services.AddSingleton<ReceiptFolder>();
        services.AddSingleton<ReceiptWindow>();
        services.AddSingleton<ApplyReceipts>();
        services.AddSingleton<RecordMessages>();
        services.AddSingleton<SettleUnknown>();
        services.AddSingleton<CampaignBreakdown>();
        services.AddSingleton<CampaignStats>();
        services.AddSingleton<DeliveryStats>();
        services.AddSingleton<CampaignMessages>();
        services.AddSingleton<CampaignProgress>();
        services.AddSingleton<EngagementTimes>();
        services.AddWorkspaceStore<Reclassification>(Reclassification.KindName, isAudited: true);
        services.AddSingleton<Reclassify>();
        services.AddSingleton<IValidator<ReclassifyInput>, ReclassifyInputValidator>();
        services.AddSingleton<IValidator<SuppressionInput>, SuppressionInputValidator>();
        services.AddApiTag("Delivery", "What became of messages: ledger, messages, receipts of vendors, tracking, suppressions, work that was given up.");
        return services;
    }

    private static void AddVendors(IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<VendorOptions>().Bind(configuration.GetSection(VendorOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<VendorOptions>, VendorOptionsValidator>();
        services.AddOptions<GenericVendorOptions>().Bind(configuration.GetSection(GenericVendorOptions.Section));
        services.AddOptions<SendGridOptions>().Bind(configuration.GetSection(SendGridOptions.Section));
        services.AddOptions<TwilioOptions>().Bind(configuration.GetSection(TwilioOptions.Section));
        services.AddSingleton<IVendor, GenericHttpVendor>();
        services.AddSingleton<IVendor, SendGridVendor>();
        services.AddSingleton<IVendor, TwilioVendor>();
        services.AddSingleton<SendGridSignature>();
        services.AddSingleton<TwilioSignature>();
        services.AddSingleton<VendorPool>();
        services.AddSingleton<VendorThrottle>();
        services.AddSingleton(provider => new StandardWebhook(
            provider.GetRequiredService<IOptions<GenericVendorOptions>>().Value.ReceiptSecrets, provider.GetRequiredService<TimeProvider>()));

        // Two log lines per request say nothing that the ledger does not.
        services.AddHttpClient(VendorHttp.ClientName, c => c.Timeout = Timeout.InfiniteTimeSpan).RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { ConnectTimeout = VendorHttp.ConnectTime, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });
    }
}
