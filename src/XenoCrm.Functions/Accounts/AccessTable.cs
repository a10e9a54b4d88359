using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <summary>What a function's attributes say about who may call it.</summary>
/// <param name="Role">Null when anyone may.</param>
/// <param name="Scope">What an API key needs; null where no key is accepted (or needed).</param>
/// <param name="IsAudited">Whether calls are written to the audit log.</param>
/// <param name="IsLimitedByAddress">Whether callers are counted by their address, since nothing else is known of them.</param>
public sealed record Access(Role? Role, string? Scope, bool IsAudited, bool IsLimitedByAddress)
{
    /// <summary>In the place of a scope: any API key will do.</summary>
    public const string AnyKey = "";
}

/// <summary>Who may call which HTTP function, from their attributes. A function that says nothing stops the start.</summary>
public sealed class AccessTable
{
    private readonly Dictionary<string, Access> byFunction = new(StringComparer.Ordinal);

    public AccessTable(HttpFunctions functions)
    {
        foreach (var function in functions.All)
        {
            var required = function.Get<RequireRoleAttribute>();
            var isPublic = function.Get<PublicAttribute>() is not null;
            if (isPublic == required is not null)
            {
                throw new InvalidOperationException($"The function {function.Name} must have either [RequireRole] or [Public].");
            }

            byFunction.Add(function.Name, Of(function));
        }

        Scopes = [.. byFunction.Values.Select(a => a.Scope).Where(s => !string.IsNullOrEmpty(s)).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Everything that an API key can be good for.</summary>
    public IReadOnlyList<string> Scopes { get; }

    public Access this[string function] => byFunction[function];

    public static Access Of(HttpFunction function)
    {
        var limited = function.Get<LimitByAddressAttribute>() is not null;
        if (function.Get<RequireRoleAttribute>() is not { } required)
        {
            return new(null, null, IsAudited: false, limited);
        }

        var reads = required.Reads || function.Methods.All(m => m.Equals("get", StringComparison.OrdinalIgnoreCase));
        var scope = required.PeopleOnly || required.Role == Role.Admin ? null
            : required.Scope ?? $"{SubjectOf(function.Route)}:{(reads ? "read" : "write")}";
        return new(required.Role, scope, required.Audited || !reads, limited);
    }

    /// <summary>The path's first part below <c>api</c>, or what that part belongs to: integrations need few scopes, not one for each path.</summary>
    private static string SubjectOf(string route) => route.Split('/').ElementAtOrDefault(1) switch
    {
        "data" => "imports",
        "templates" => "campaigns",
        "suppressions" => "delivery",
        "erasures" => "customers",
        "webhook-subscriptions" => "webhooks",
        var first => first ?? route,
    };
}
