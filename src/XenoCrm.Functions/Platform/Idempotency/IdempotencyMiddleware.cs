using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Platform.Idempotency;

/// <summary>Has functions with <see cref="IdempotentAttribute"/> run by <see cref="IdempotentRequests"/>.</summary>
public sealed class IdempotencyMiddleware(HttpFunctions functions, IdempotentRequests requests) : IFunctionsWorkerMiddleware
{
    private readonly Dictionary<string, IdempotentAttribute> byFunction = functions.All
        .Select(f => (f.Name, Attribute: f.Get<IdempotentAttribute>())).Where(f => f.Attribute is not null).ToDictionary(f => f.Name, f => f.Attribute!);

    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        var function = context.FunctionDefinition.Name;
        if (context.GetHttpContext() is not { } http || !byFunction.TryGetValue(function, out var attribute) || requests.KeyOf(http, function) is not { } key)
        {
            await next(context);
            return;
        }

        context.GetInvocationResult().Value = await requests.RunAsync(http, key, attribute.MaxBodyBytes, async () =>
        {
            await next(context);
            return (IResult)context.GetInvocationResult().Value!;
        });
    }
}
