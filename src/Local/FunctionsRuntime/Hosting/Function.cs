using System.Collections.Immutable;
using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using XenoCrm.Local.FunctionsRuntime.Queues;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>A function of the app: its method, its trigger, and the compiled way to call it.</summary>
internal sealed class Function
{
    public required string Name { get; init; }

    public required MethodInfo Method { get; init; }

    public required TriggerBindingAttribute Trigger { get; init; }

    public required ParameterInfo TriggerParameter { get; init; }

    public required FunctionDefinition Definition { get; init; }

    public required FunctionInvoker Invoker { get; init; }

    public RetryAttribute? Retry { get; init; }

    public required QueueOutput[] QueueOutputs { get; init; }

    public string ActivityName => field ??= "function " + Name;

    /// <summary>The kinds that OpenTelemetry's faas.trigger knows.</summary>
    public string TriggerKind => Trigger switch
    {
        HttpTriggerAttribute => "http",
        QueueTriggerAttribute => "pubsub",
        BlobTriggerAttribute => "datasource",
        _ => "timer",
    };

    public string ShortClassName => Method.DeclaringType!.Name + "." + Method.Name;
}

internal sealed class ReflectedDefinition : FunctionDefinition
{
    public ReflectedDefinition(string name, MethodInfo method)
    {
        Name = name;
        // Blob receipts and timer states are kept under it: it must not change when code moves.
        Id = "Host.Functions." + name;
        EntryPoint = method.DeclaringType!.FullName + "." + method.Name;
        PathToAssembly = method.DeclaringType.Assembly.Location;
        Parameters = [.. method.GetParameters().Select(Parameter)];
        InputBindings = method.GetParameters()
            .Select(p => (Parameter: p, Binding: p.GetCustomAttribute<BindingAttribute>()))
            .Where(p => p.Binding is not null)
            .Select(p => new ReflectedBinding(p.Parameter.Name!, TypeOf(p.Binding!), BindingDirection.In))
            .ToImmutableDictionary(b => b.Name, b => (BindingMetadata)b);
        OutputBindings = Outputs(method).ToImmutableDictionary(b => b.Name, b => b);
    }

    public override ImmutableArray<FunctionParameter> Parameters { get; }

    public override string PathToAssembly { get; }

    public override string EntryPoint { get; }

    public override string Id { get; }

    public override string Name { get; }

    public override IImmutableDictionary<string, BindingMetadata> InputBindings { get; }

    public override IImmutableDictionary<string, BindingMetadata> OutputBindings { get; }

    private static FunctionParameter Parameter(ParameterInfo parameter)
    {
        var binding = parameter.GetCustomAttribute<BindingAttribute>();
        var properties = ImmutableDictionary<string, object>.Empty;
        if (binding is not null)
            properties = properties.Add("bindingAttribute", binding);
        return new FunctionParameter(
            parameter.Name!, parameter.ParameterType, parameter.HasDefaultValue, parameter.HasDefaultValue ? parameter.DefaultValue : null, properties);
    }

    private static IEnumerable<BindingMetadata> Outputs(MethodInfo method)
    {
        if (method.GetParameters().Any(p => p.IsDefined(typeof(HttpTriggerAttribute))))
            yield return new ReflectedBinding("$return", "http", BindingDirection.Out);
        else if (method.GetCustomAttribute<OutputBindingAttribute>() is { } output)
            yield return new ReflectedBinding("$return", TypeOf(output), BindingDirection.Out);
        foreach (var property in Queues.QueueOutputs.PropertiesOf(method))
        {
            if (property.Binding is not HttpResultAttribute)
                yield return new ReflectedBinding(property.Property.Name, TypeOf(property.Binding), BindingDirection.Out);
        }
    }

    /// <summary>HttpTriggerAttribute is "httpTrigger", BlobInputAttribute "blob", QueueOutputAttribute "queue".</summary>
    private static string TypeOf(BindingAttribute binding)
    {
        var name = binding.GetType().Name.Replace("Attribute", "").Replace("Input", "").Replace("Output", "");
        return char.ToLowerInvariant(name[0]) + name[1..];
    }
}

internal sealed class ReflectedBinding(string name, string type, BindingDirection direction) : BindingMetadata
{
    public override string Name { get; } = name;

    public override string Type { get; } = type;

    public override BindingDirection Direction { get; } = direction;
}
