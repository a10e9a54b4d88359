using Microsoft.AspNetCore.Http;

namespace XenoCrm.Platform.Http;

/// <summary>Who asks, for what is kept or counted for each caller. Whoever finds out who it is sets it.</summary>
public static class Principal
{
    private static readonly object Key = new();

    /// <summary>The caller's id; empty on routes that anyone may call.</summary>
    public static string PrincipalId(this HttpContext http) => http.Items[Key] as string ?? "";

    public static void SetPrincipalId(this HttpContext http, string id) => http.Items[Key] = id;
}
