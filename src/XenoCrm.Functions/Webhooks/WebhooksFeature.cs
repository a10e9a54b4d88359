using FluentValidation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Delivery;
using XenoCrm.Platform;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Webhooks;

public static class WebhooksFeature
{
    /// <summary>Tells subscribers what happens to campaigns and messages.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<WebhookOptions>().Bind(configuration.GetSection(WebhookOptions.Section))
            .Validate(o => o.Timeout > TimeSpan.Zero && o.Timeout <= TimeSpan.FromSeconds(60), "Webhooks__Timeout must be above 0 and at most 60 s.")
            .Validate(o => o.DisableAfter > TimeSpan.Zero, "Webhooks__DisableAfter must be above 0.")
            .Validate(o => o.ConcurrentPosts is >= 1 and <= 100, "Webhooks__ConcurrentPosts must be between 1 and 100.")
            .ValidateOnStart();
        services.AddWorkspaceStore<WebhookSubscription>(WebhookSubscription.KindName, isAudited: true);
        services.AddSingleton(WebhookDeliveryStore.Definition);
        services.AddSingleton<WebhookDeliveryStore>();
        services.AddSingleton<IValidator<SubscriptionInput>, SubscriptionInputValidator>();
        services.AddSingleton<IValidator<SubscriptionPatch>, SubscriptionPatchValidator>();
        services.AddSingleton<SaveSubscription>();
        services.AddSingleton<Receivers>();
        services.AddSingleton<WebhookPoster>();
        services.AddSingleton<DeliverWebhook>();
        services.AddSingleton<ReplayDeliveries>();
        services.AddSingleton<PublishEvents>();
        services.AddSingleton<IMessageListener>(provider => provider.GetRequiredService<PublishEvents>());
        services.AddApiTag("Webhooks", "Outgoing webhooks: who is told of campaigns and messages, and the log of what was sent.");
        services.ConfigureSwaggerGen(o => o.DocumentFilter<DescribeWebhooks>());

        // No proxy: it would look up the receiver's name itself. Of the answer nothing is read but its head.
        services.AddHttpClient(WebhookPoster.ClientName, c => c.Timeout = Timeout.InfiniteTimeSpan).RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(provider =>
            {
                var allowPrivate = provider.GetRequiredService<IOptions<WebhookOptions>>().Value.AllowPrivateAddresses;
                return new SocketsHttpHandler
                {
                    AllowAutoRedirect = false, UseProxy = false, UseCookies = false, MaxResponseHeadersLength = 16, MaxResponseDrainSize = 16 * 1024,
                    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                    ConnectCallback = (context, cancellation) => ReceiverAddress.ConnectAsync(context.DnsEndPoint, allowPrivate, cancellation),
                };
            });
        return services;
    }
}
