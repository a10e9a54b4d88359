using Microsoft.AspNetCore.Http;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace Microsoft.Azure.Functions.Worker;

public static class FunctionContextExtensions
{
    /// <summary>The key in <see cref="FunctionContext.Items"/> under which the HTTP context is kept; tests may set it.</summary>
    internal const string HttpContextKey = "HttpRequestContext";

    /// <summary>The request and response of an HTTP-triggered invocation; null for any other trigger.</summary>
    public static HttpContext? GetHttpContext(this FunctionContext context)
        => context is Invocation { Http: { } http } ? http
            : context.Items.TryGetValue(HttpContextKey, out var item) ? item as HttpContext : null;
}

public static class FunctionContextBindingFeatureExtensions
{
    /// <summary>
    /// The result of the invocation. Middleware may read it after the function, replace it, or set it and not call the
    /// function at all; an HTTP response is written from it when the first middleware has returned.
    /// </summary>
    public static InvocationResult GetInvocationResult(this FunctionContext context)
        => new(context.Features.Get<InvocationResultFeature>()
            ?? throw new InvalidOperationException("The context does not belong to an invocation of this runtime."));

    /// <inheritdoc cref="GetInvocationResult(FunctionContext)"/>
    public static InvocationResult<T> GetInvocationResult<T>(this FunctionContext context)
        => new(context.Features.Get<InvocationResultFeature>()
            ?? throw new InvalidOperationException("The context does not belong to an invocation of this runtime."));
}

public sealed class InvocationResult
{
    private readonly InvocationResultFeature _result;

    internal InvocationResult(InvocationResultFeature result)
    {
        _result = result;
    }

    public object? Value
    {
        get => _result.Value;
        set => _result.Value = value;
    }
}

public sealed class InvocationResult<T>
{
    private readonly InvocationResultFeature _result;

    internal InvocationResult(InvocationResultFeature result)
    {
        _result = result;
    }

    public T? Value
    {
        get => (T?)_result.Value;
        set => _result.Value = value;
    }
}
