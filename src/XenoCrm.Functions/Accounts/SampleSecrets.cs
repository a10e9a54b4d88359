using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace XenoCrm.Accounts;

/// <summary>
/// The secrets in <c>local.settings.sample.json</c> are public. They are good for one machine; anywhere else the service
/// does not start with them.
/// </summary>
public static class SampleSecrets
{
    private const string Password = "Local-Admin-1";

    /// <summary>All keys of the sample are this text and a number or purpose, in base64.</summary>
    private static readonly string Key = Convert.ToBase64String("local-development-"u8);

    /// <summary>
    /// Anything but a machine that says <c>Development</c>, as Core Tools and the AppHost do (<c>AZURE_FUNCTIONS_ENVIRONMENT</c>,
    /// <c>DOTNET_ENVIRONMENT</c> or <c>ASPNETCORE_ENVIRONMENT</c>): what is said nowhere is production.
    /// </summary>
    public static bool IsProduction(IHostEnvironment environment, IConfiguration configuration) =>
        configuration["AZURE_FUNCTIONS_ENVIRONMENT"] is { Length: > 0 } functions
            ? !functions.Equals(Environments.Development, StringComparison.OrdinalIgnoreCase)
            : !environment.IsDevelopment();

    /// <returns>The names of the settings that hold one.</returns>
    public static IReadOnlyList<string> FindIn(IConfiguration configuration) =>
    [
        .. configuration.AsEnumerable().Where(s => s.Value is { } value && IsSample(value))
            .Select(s => s.Key.Replace(":", "__", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal),
    ];

    private static bool IsSample(string value) =>
        value == Password || value.StartsWith(Key, StringComparison.Ordinal) || value.StartsWith("whsec_" + Key, StringComparison.Ordinal);
}
