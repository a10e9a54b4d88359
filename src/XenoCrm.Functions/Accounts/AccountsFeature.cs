using FluentValidation;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Accounts;

public static class AccountsFeature
{
    /// <summary>Users, login, tokens, and the enforcement of roles (<see cref="AccessMiddleware"/>).</summary>
    public static IServiceCollection AddAccounts(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AuthOptions>().Bind(configuration.GetSection(AuthOptions.Section))
            .Validate(o => o.SigningKeys.Count > 0 && o.SigningKeys.All(IsUsable), "Auth__SigningKeys__0__Id and __Key are required; a key is at least 32 bytes in base64.")
            .ValidateOnStart();

        services.AddWorkspaceStore<User>(User.KindName);
        services.AddSingleton<IPasswordHasher<User>, PasswordHasher<User>>();
        services.AddSingleton<Tokens>();
        services.AddSingleton<AccessTable>();
        services.AddSingleton<Login>();
        services.AddSingleton<IValidator<LoginRequest>, LoginValidator>();
        services.AddHostedService<CreateFirstAdministrator>();
        services.Configure<SwaggerGenOptions>(options =>
        {
            options.OperationFilter<DescribeAccess>();
            options.AddSecurityDefinition(DescribeAccess.Scheme, new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "The accessToken of POST /api/auth/login.",
            });
        });
        services.AddApiTag("Accounts", "Log in, and who may do what.");
        return services;
    }

    private static bool IsUsable(SigningKey key) =>
        key.Id.Length > 0 && Convert.TryFromBase64String(key.Key, new byte[key.Key.Length], out var length) && length >= 32;
}
