using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <summary>Who may call which HTTP function, from their attributes. A function that says nothing stops the start.</summary>
public sealed class AccessTable
{
    private readonly Dictionary<string, Role?> byFunction = new(StringComparer.Ordinal);

    public AccessTable(HttpFunctions functions)
    {
        foreach (var function in functions.All)
        {
            var role = function.Get<RequireRoleAttribute>();
            var isPublic = function.Get<Platform.Http.PublicAttribute>() is not null;
            if (isPublic == role is not null)
            {
                throw new InvalidOperationException($"The function {function.Name} must have either [RequireRole] or [Public].");
            }

            byFunction.Add(function.Name, role?.Role);
        }
    }

    /// <returns>Null when anyone may call it.</returns>
    public Role? RoleFor(string function) => byFunction[function];
}

/// <summary>Enforces <see cref="AccessTable"/> on every HTTP function; other triggers have no caller.</summary>
public sealed class AccessMiddleware(AccessTable table, Tokens tokens) : IFunctionsWorkerMiddleware
{
    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        if (context.GetHttpContext() is { } http && table.RoleFor(context.FunctionDefinition.Name) is { } needed)
        {
            var caller = await tokens.VerifyAsync(BearerToken(http)) ?? throw new TokenInvalid().ToException();
            if (caller.Role < needed)
            {
                throw new RoleTooLow(needed).ToException();
            }

            http.SetCaller(caller);
        }

        await next(context);
    }

    private static string BearerToken(HttpContext http) =>
        AuthenticationHeaderValue.TryParse(http.Request.Headers.Authorization, out var header)
        && header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
        && header.Parameter is { Length: > 0 } token
            ? token
            : throw new TokenMissing().ToException();
}
