using System.Text;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Http;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>The list of functions that Core Tools prints when it has started, and what this runtime does not offer.</summary>
internal static class StartupTable
{
    public static void Write(
        ILogger logger, FunctionCatalog catalog, IReadOnlyList<ITriggerListener> listeners, IEnumerable<string> addresses, HostSettings settings)
    {
        if (!logger.IsEnabled(LogLevel.Information))
            return;
        var address = addresses.FirstOrDefault()?.TrimEnd('/') ?? "";
        var text = new StringBuilder("Functions:").AppendLine();
        foreach (var function in catalog.Functions.OrderBy(f => f.Trigger is not HttpTriggerAttribute).ThenBy(f => f.Name, StringComparer.OrdinalIgnoreCase))
        {
            text.Append("    ").Append(function.Name).Append(": ");
            if (function.Trigger is HttpTriggerAttribute trigger)
            {
                var methods = trigger.Methods is { Length: > 0 } some ? string.Join(',', some).ToUpperInvariant() : "ANY";
                text.Append('[').Append(methods).Append("] ").Append(address).AppendLine(HttpFrontEnd.PathOf(function, settings.RoutePrefix));
            }
            else
            {
                var type = function.Definition.InputBindings[function.TriggerParameter.Name!].Type;
                text.Append(type).Append(" (").Append(listeners.First(l => l.Function == function).Describe()).AppendLine(")");
            }
        }
        foreach (var function in catalog.Disabled)
            text.Append("    ").Append(function.Name).Append(": disabled by AzureWebJobs.").Append(function.Name).AppendLine(".Disabled");
        text.Append("Not offered by the local runtime: Durable Functions, Service Bus, Event Hubs, Event Grid, proxies, scale controller.");
        logger.LogInformation("{Functions}", text.ToString());
    }
}
