using FluentValidation;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

public static class AccountsFeature
{
    /// <summary>Users, sign-in, sessions, API keys, the enforcement of roles and scopes (<see cref="AccessMiddleware"/>), and the audit log.</summary>
    public static IServiceCollection AddAccounts(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AuthOptions>().Bind(configuration.GetSection(AuthOptions.Section))
            .Validate(o => o.SigningKeys.Count > 0 && o.SigningKeys.All(IsUsable), "Auth__SigningKeys__0__Id and __Key are required; a key is at least 32 bytes (256 bits) in base64.")
            .Validate(o => o.SigningKeys.DistinctBy(k => k.Id).Count() == o.SigningKeys.Count, "Auth__SigningKeys__*__Id must differ.")
            .Validate(o => o.TokenLifetime > TimeSpan.Zero && o.TokenLifetime <= TimeSpan.FromHours(1), "Auth__TokenLifetime must be above 0 and at most an hour.")
            .Validate(o => o.RevocationDelay <= TimeSpan.FromMinutes(1), "Auth__RevocationDelay must be at most a minute.")
            .Validate(o => o.FailuresAllowed >= 1 && o.FirstLock > TimeSpan.Zero && o.LongestLock >= o.FirstLock, "Auth__FailuresAllowed, __FirstLock and __LongestLock make no sense.")
            .Validate<IHostEnvironment>(
                (_, environment) => !SampleSecrets.IsProduction(environment, configuration) || SampleSecrets.FindIn(configuration).Count == 0,
                "The secrets of local.settings.sample.json are known to everybody and are refused outside of development; replace: "
                + string.Join(", ", SampleSecrets.FindIn(configuration)))
            .ValidateOnStart();
        services.AddOptions<AuditOptions>().Bind(configuration.GetSection(AuditOptions.Section))
            .Validate(o => o.Retention >= TimeSpan.FromDays(1), "Audit__Retention must be at least a day.").ValidateOnStart();
        services.Configure<PasswordHasherOptions>(o => o.IterationCount = Passwords.Iterations);

        services.AddWorkspaceStore<User>(User.KindName, isAudited: true);
        services.AddWorkspaceStore<Session>(Session.KindName);
        services.AddWorkspaceStore<ApiKey>(ApiKey.KindName, isAudited: true);
        services.AddWorkspaceStore<LoginAttempt>(LoginAttempt.KindName);
        services.AddSingleton(AuditLog.Definition);
        services.AddSingleton<AuditLog>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<Tokens>();
        services.AddSingleton<RefreshTokens>();
        services.AddSingleton<AccountCache>();
        services.AddSingleton<AccessTable>();
        services.AddSingleton<Authentication>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<LoginAttempts>();
        services.AddSingleton<Login>();
        services.AddSingleton<GoogleSignIn>();
        services.AddSingleton<ChangePassword>();
        services.AddSingleton<UserStore>();
        services.AddSingleton<SaveUser>();
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<IValidator<LoginRequest>, LoginValidator>();
        services.AddSingleton<IValidator<RefreshRequest>, RefreshValidator>();
        services.AddSingleton<IValidator<GoogleRequest>, GoogleValidator>();
        services.AddSingleton<IValidator<ChangePasswordRequest>, ChangePasswordValidator>();
        services.AddSingleton<IValidator<UserInput>, UserInputValidator>();
        services.AddSingleton<IValidator<UserPatch>, UserPatchValidator>();
        services.AddSingleton<IValidator<ApiKeyInput>, ApiKeyInputValidator>();
        services.AddHostedService<CreateFirstAdministrator>();
        services.Configure<SwaggerGenOptions>(Describe);
        services.AddApiTag("Accounts", "Log in, who may do what, and who did what.");
        return services;
    }

    private static void Describe(SwaggerGenOptions options)
    {
        options.OperationFilter<DescribeAccess>();
        options.AddSecurityDefinition(DescribeAccess.Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "JWT",
            Description = "The accessToken of POST /api/auth/login.",
        });
        options.AddSecurityDefinition(DescribeAccess.Key, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey,
            In = ParameterLocation.Header,
            Name = Authentication.KeyHeader,
            Description = "The key of POST /api/api-keys, for programs.",
        });
    }

    private static bool IsUsable(SigningKey key) =>
        key.Id.Length > 0 && Convert.TryFromBase64String(key.Key, new byte[key.Key.Length], out var length) && length >= 32;
}
