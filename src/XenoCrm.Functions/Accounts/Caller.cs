using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Http;

namespace XenoCrm.Accounts;

/// <summary>Who calls.</summary>
/// <param name="Id">The user's or API key's id.</param>
/// <param name="SessionId">Since when they are logged in; null for an API key.</param>
/// <param name="Scopes">What the API key is good for; null for somebody who has logged in.</param>
public sealed record Caller(string Id, string Name, Role Role, string? SessionId = null, IReadOnlyList<string>? Scopes = null)
{
    public bool IsKey => Scopes is not null;
}

public static class CallerExtensions
{
    private static readonly object Key = new();

    /// <summary>Who calls. Only on functions with <see cref="RequireRoleAttribute"/>: there it is always known.</summary>
    public static Caller Caller(this HttpRequest request) =>
        request.HttpContext.Items[Key] as Caller ?? throw new InvalidOperationException("The function is public: nobody is known to call it.");

    internal static Caller? CallerOrNone(this HttpContext http) => http.Items[Key] as Caller;

    internal static void SetCaller(this HttpContext http, Caller caller)
    {
        http.Items[Key] = caller;
        http.SetPrincipalId(caller.Id);
    }
}
