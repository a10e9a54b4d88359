using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.Azure.Functions.Worker.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using XenoCrm.Local.FunctionsRuntime.Blobs;
using XenoCrm.Local.FunctionsRuntime.Http;
using XenoCrm.Local.FunctionsRuntime.Queues;

#pragma warning disable MA0054 // The serializer's and the parsers' own messages quote their input, which may be personal data.

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>Chooses, once per parameter, where its value comes from.</summary>
internal static class ParameterBinding
{
    /// <exception cref="FunctionsStartException">The parameter can never be given a value.</exception>
    public static ParameterBinder For(
        ParameterInfo parameter, TriggerBindingAttribute trigger, ParameterInfo triggerParameter, IConfiguration configuration)
    {
        var type = parameter.ParameterType;
        if (type.IsByRef || type.IsPointer)
            throw new FunctionsStartException("ref, out and pointer parameters cannot be bound.");
        if (typeof(FunctionContext).IsAssignableFrom(type))
            return invocation => new(invocation);
        if (type == typeof(CancellationToken))
            return invocation => new(invocation.CancellationToken);
        if (parameter.GetCustomAttribute<InputBindingAttribute>() is { } input)
        {
            return input is BlobInputAttribute blob
                ? BlobBinding.Input(parameter, blob, configuration)
                : throw new FunctionsStartException($"the local runtime does not know {input.GetType().Name}.");
        }
        if (parameter == triggerParameter)
        {
            return trigger switch
            {
                HttpTriggerAttribute => HttpBinding.Trigger(type),
                QueueTriggerAttribute => QueueBinding.Trigger(type),
                BlobTriggerAttribute => BlobBinding.Trigger(type),
                _ => Timers.TimerBinding.Trigger(type),
            };
        }
        if (trigger is HttpTriggerAttribute)
        {
            if (parameter.IsDefined(typeof(FromBodyAttribute)))
                return HttpBinding.Body(type);
            if (HttpBinding.TryRequest(type) is { } request)
                return request;
        }
        return ByName(parameter, trigger, configuration);
    }

    /// <summary>From the binding data, by the parameter's name, ignoring case.</summary>
    private static ParameterBinder ByName(ParameterInfo parameter, TriggerBindingAttribute trigger, IConfiguration configuration)
    {
        var name = parameter.Name!;
        var type = parameter.ParameterType;
        var nullable = !type.IsValueType || Nullable.GetUnderlyingType(type) is not null;
        object? missing = parameter.HasDefaultValue ? parameter.DefaultValue : null;
        var optional = parameter.HasDefaultValue || nullable;
        if (!optional && !Names(trigger, configuration).Contains(name, StringComparer.OrdinalIgnoreCase))
            throw new FunctionsStartException($"nothing called '{name}' comes with the trigger; it has {string.Join(", ", Names(trigger, configuration))}.");

        if (trigger is HttpTriggerAttribute)
        {
            return invocation => new(invocation.Http!.Request.RouteValues.TryGetValue(name, out var value) && value is not null
                ? ConvertTo(type, value, name)
                : optional ? missing : throw Missing(name));
        }
        return invocation =>
        {
            var data = invocation.BindingContext.BindingData;
            return new(data.TryGetValue(name, out var value) && value is not null
                ? ConvertTo(type, value, name)
                : optional ? missing : throw Missing(name));
        };
    }

    private static IEnumerable<string> Names(TriggerBindingAttribute trigger, IConfiguration configuration) => trigger switch
    {
        HttpTriggerAttribute { Route: { } route } => TemplateParser.Parse(route).Parameters.Select(p => p.Name!),
        QueueTriggerAttribute => QueueBinding.DataNames,
        BlobTriggerAttribute blob => [.. BlobBinding.DataNames, .. BlobPath.Parse(Settings.Resolve(blob.BlobPath, configuration)).Names],
        _ => [],
    };

    /// <summary>Text to the simple types, anything else by JSON, as the real worker's converters do.</summary>
    internal static object? ConvertTo(Type type, object value, string name)
    {
        if (type.IsInstanceOfType(value))
            return value;
        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (target.IsInstanceOfType(value))
            return value;
        try
        {
            var text = value switch
            {
                string s => s,
                DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
                _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
            };
            if (target == typeof(string))
                return text;
            if (target == typeof(Guid))
                return Guid.Parse(text);
            if (target == typeof(DateTime))
                return DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
            if (target == typeof(DateTimeOffset))
                return DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            if (target == typeof(bool))
                return bool.Parse(text);
            if (target.IsEnum)
                return Enum.Parse(target, text, ignoreCase: true);
            if (target.IsPrimitive || target == typeof(decimal))
                return Convert.ChangeType(text, target, CultureInfo.InvariantCulture);
            return JsonSerializer.Deserialize(text, target, Json.Options);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException or JsonException)
        {
            throw new BindingException($"Cannot convert the value of '{name}' to {target.Name}.");
        }
    }

    private static BindingException Missing(string name) => new($"The trigger gave no value for '{name}'.");
}

/// <summary>A parameter could not be given its value. The message holds the name and the type, never the value.</summary>
public sealed class BindingException : Exception
{
    public BindingException(string message)
        : base(message)
    {
    }

    public BindingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

internal static class Json
{
    /// <summary>The real worker's default: names as written, read case-insensitively.</summary>
    public static readonly JsonSerializerOptions Options = new() { PropertyNameCaseInsensitive = true };

    /// <summary>What the app has configured (<c>Configure&lt;JsonSerializerOptions&gt;</c>), as the real worker takes it.</summary>
    public static JsonSerializerOptions OptionsOf(Invocation invocation)
        => invocation.InstanceServices.GetRequiredService<IOptions<JsonSerializerOptions>>().Value;
}
