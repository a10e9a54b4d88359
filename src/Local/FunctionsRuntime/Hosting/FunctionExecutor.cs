using System.Diagnostics;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Queues;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>Runs an invocation through the middleware and the function, with its trace, figures and log.</summary>
internal sealed class FunctionExecutor
{
    private readonly FunctionExecutionDelegate _pipeline;
    private readonly QueueOutputs _outputs;
    private readonly ILogger<FunctionExecutor> _logger;

    public FunctionExecutor(
        IEnumerable<Func<FunctionExecutionDelegate, FunctionExecutionDelegate>> middleware, QueueOutputs outputs, ILogger<FunctionExecutor> logger)
    {
        _outputs = outputs;
        _logger = logger;
        _pipeline = middleware.Reverse().Aggregate((FunctionExecutionDelegate)CallFunction, (next, wrap) => wrap(next));
    }

    /// <summary>Returns when the function and its output bindings are done; throws what the function threw.</summary>
    public async Task Run(Invocation invocation)
    {
        var function = invocation.Function;
        var started = Stopwatch.GetTimestamp();
        using var activity = Telemetry.Start(invocation);
        invocation.Activity = activity;
        if (_logger.IsEnabled(LogLevel.Debug))
            _logger.LogDebug("Executing {Function} ({InvocationId})", function.Name, invocation.InvocationId);
        try
        {
            await _pipeline(invocation);
            if (function.QueueOutputs.Length > 0)
                await _outputs.Send(function, invocation.Result.Value, invocation.CancellationToken);
            Telemetry.Invocations.Add(1, Tag(function));
        }
        catch (Exception e)
        {
            Telemetry.Failures.Add(1, Tag(function));
            activity?.SetStatus(ActivityStatusCode.Error, e.GetType().Name);
            activity?.AddException(e);
            LogFailure(invocation, e);
            throw;
        }
        finally
        {
            if (Telemetry.Duration.Enabled)
                Telemetry.Duration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, Tag(function), new("faas.trigger", function.TriggerKind));
        }
    }

    private void LogFailure(Invocation invocation, Exception e)
    {
        // A caller that hung up or a host that stops is not a fault of the function.
        if (e is OperationCanceledException && invocation.CancellationToken.IsCancellationRequested)
            _logger.LogInformation("{Function} ({InvocationId}) was cancelled", invocation.Function.Name, invocation.InvocationId);
        else
            _logger.LogError(e, "{Function} ({InvocationId}) failed", invocation.Function.Name, invocation.InvocationId);
    }

    private static KeyValuePair<string, object?> Tag(Function function) => new("faas.name", function.Name);

    private static Task CallFunction(FunctionContext context)
    {
        // Middleware may hand on a context of its own that wraps ours.
        var invocation = context as Invocation ?? context.Features.Get<Invocation>()!;
        return invocation.Function.Invoker.Invoke(invocation);
    }
}
