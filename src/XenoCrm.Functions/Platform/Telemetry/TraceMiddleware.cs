using System.Diagnostics;
using System.Text;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Platform.Telemetry;

/// <summary>
/// Takes up the trace that a queue message carries, where the host has not: the one in Azure starts a new trace with every
/// message. Also knows which function the request units of a call are for.
/// </summary>
public sealed class TraceMiddleware : IFunctionsWorkerMiddleware
{
    private static readonly AsyncLocal<string?> Running = new();

    /// <summary>Null outside of functions: at the start.</summary>
    public static string? Function => Running.Value;

    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        Running.Value = context.FunctionDefinition.Name;
        using var activity = Continue(context);
        await next(context);
    }

    private static Activity? Continue(FunctionContext context)
    {
        if (context.GetHttpContext() is not null
            || !context.FunctionDefinition.InputBindings.Values.Any(b => b.Type == "queueTrigger")
            || !context.BindingContext.BindingData.TryGetValue("QueueTrigger", out var message) || message is not string text)
        {
            return null;
        }

        var trace = QueueEnvelope.Of(Encoding.UTF8.GetBytes(text)).Trace;
        return trace.TraceId == Activity.Current?.TraceId ? null : AppTelemetry.Follow(context.FunctionDefinition.Name, [trace, Activity.Current?.Context ?? default]);
    }
}
