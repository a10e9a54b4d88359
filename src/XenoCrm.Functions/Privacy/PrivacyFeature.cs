using FluentValidation;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Privacy;

public static class PrivacyFeature
{
    /// <summary>What people may ask for: all that is held about them, and that it goes. Downstream of everything that holds any of it.</summary>
    public static IServiceCollection AddPrivacy(this IServiceCollection services)
    {
        services.AddWorkspaceStore<Erasure>(Erasure.KindName, isAudited: true);
        services.AddSingleton<EraseCustomer>();
        services.AddSingleton<ExportPersonalData>();
        services.AddSingleton<IValidator<EraseAddressRequest>, EraseAddressValidator>();
        services.AddApiTag("Privacy", "What people may ask for: all that is held about them, and that it goes.");
        return services;
    }
}
