using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using XenoCrm.Platform.Http;

namespace XenoCrm.Accounts;

/// <summary>Enforces <see cref="AccessTable"/> and the rate limits on every HTTP function; other triggers have no caller.</summary>
public sealed class AccessMiddleware(AccessTable table, Authentication authentication, RateLimits limits) : IFunctionsWorkerMiddleware
{
    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        if (context.GetHttpContext() is { } http)
        {
            var access = table[context.FunctionDefinition.Name];
            if (access.IsLimitedByAddress)
            {
                limits.CountAddress(http);
            }

            if (access.Role is { } needed)
            {
                var caller = await authentication.IdentifyAsync(http.Request, http.RequestAborted);
                limits.CountCaller(http, caller.Id);
                Authorize(caller, needed, access.Scope);
                http.SetCaller(caller);
            }
        }

        await next(context);
    }

    private static void Authorize(Caller caller, Role needed, string? scope)
    {
        if (caller.Scopes is { } scopes)
        {
            if (scope is null)
            {
                throw new PeopleOnly().ToException();
            }

            if (scope != Access.AnyKey && !scopes.Contains(scope))
            {
                throw new ScopeMissing(scope).ToException();
            }
        }

        if (caller.Role < needed)
        {
            throw new RoleTooLow(needed).ToException();
        }
    }
}
