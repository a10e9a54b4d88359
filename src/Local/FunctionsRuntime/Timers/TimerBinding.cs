using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Timers;

internal static class TimerBinding
{
    /// <summary>A <see cref="TimerInfo"/>, its JSON as a string, or any type of the app's own with the same properties.</summary>
    public static ParameterBinder Trigger(Type type)
    {
        if (type == typeof(TimerInfo))
            return invocation => new(invocation.Event<TimerInfo>());
        if (type == typeof(string))
            return invocation => new(JsonSerializer.Serialize(invocation.Event<TimerInfo>()));
        if (type == typeof(object))
            return invocation => new(invocation.Event<TimerInfo>());
        return invocation => new(JsonSerializer.SerializeToElement(invocation.Event<TimerInfo>()).Deserialize(type, Json.Options));
    }
}
