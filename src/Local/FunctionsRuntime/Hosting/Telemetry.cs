using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>
/// Traces and figures under the name of the real worker, so that an exporter configured for it works here too.
/// Instrument names are OpenTelemetry's for functions as a service.
/// </summary>
internal static class Telemetry
{
    public const string Name = "Microsoft.Azure.Functions.Worker";

    public static readonly ActivitySource Source = new(Name);

    private static readonly Meter s_meter = new(Name);

    public static readonly Counter<long> Invocations =
        s_meter.CreateCounter<long>("faas.invocations", "{invocation}", "Invocations that ended well.");

    public static readonly Counter<long> Failures =
        s_meter.CreateCounter<long>("faas.errors", "{error}", "Invocations that ended with an exception.");

    public static readonly Histogram<double> Duration =
        s_meter.CreateHistogram<double>("faas.invoke_duration", "s", "Time from the trigger to the function's end.");

    public static readonly Gauge<long> QueueDepth =
        s_meter.CreateGauge<long>("functions.queue.depth", "{message}", "Messages in the queue, as storage estimates them.");

    /// <summary>
    /// Starts the activity of an invocation. Without a listener one is still started for background triggers, so that
    /// log lines and outgoing calls of one run share a trace id; an HTTP request already has the server's.
    /// </summary>
    public static Activity? Start(Invocation invocation)
    {
        var function = invocation.Function;
        var kind = function.TriggerKind switch
        {
            "http" => ActivityKind.Server,
            "timer" => ActivityKind.Internal,
            _ => ActivityKind.Consumer,
        };
        var activity = Source.StartActivity(function.ActivityName, kind, invocation.ParentTrace);
        if (activity is null && invocation.Http is null)
        {
            activity = new Activity(function.ActivityName);
            if (invocation.ParentTrace.TraceId != default)
            {
                activity.SetParentId(invocation.ParentTrace.TraceId, invocation.ParentTrace.SpanId, invocation.ParentTrace.TraceFlags);
                activity.TraceStateString = invocation.ParentTrace.TraceState;
            }
            activity.Start();
        }
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("faas.name", function.Name);
            activity.SetTag("faas.invocation_id", invocation.InvocationId);
            activity.SetTag("faas.trigger", function.TriggerKind);
        }
        return activity;
    }
}
