using System.Collections.Immutable;

namespace Microsoft.Azure.Functions.Worker;

public abstract class FunctionDefinition
{
    public abstract ImmutableArray<FunctionParameter> Parameters { get; }

    public abstract string PathToAssembly { get; }

    /// <summary>Full name of the class, a dot, name of the method.</summary>
    public abstract string EntryPoint { get; }

    /// <summary>The same at every start, as long as the function keeps its name.</summary>
    public abstract string Id { get; }

    public abstract string Name { get; }

    public abstract IImmutableDictionary<string, BindingMetadata> InputBindings { get; }

    public abstract IImmutableDictionary<string, BindingMetadata> OutputBindings { get; }
}

public class FunctionParameter(
    string name, Type type, bool hasDefaultValue, object? defaultValue, IReadOnlyDictionary<string, object> properties)
{
    public FunctionParameter(string name, Type type)
        : this(name, type, false, null, ImmutableDictionary<string, object>.Empty)
    {
    }

    public FunctionParameter(string name, Type type, bool hasDefaultValue, object? defaultValue)
        : this(name, type, hasDefaultValue, defaultValue, ImmutableDictionary<string, object>.Empty)
    {
    }

    public FunctionParameter(string name, Type type, IReadOnlyDictionary<string, object> properties)
        : this(name, type, false, null, properties)
    {
    }

    public string Name { get; } = name;

    public Type Type { get; } = type;

    public bool HasDefaultValue { get; } = hasDefaultValue;

    public bool IsReferenceOrNullableType { get; } = !type.IsValueType || Nullable.GetUnderlyingType(type) is not null;

    public object? DefaultValue { get; } = defaultValue;

    /// <summary>Holds the binding attribute of the parameter under <c>bindingAttribute</c>.</summary>
    public IReadOnlyDictionary<string, object> Properties { get; } = properties;
}

public abstract class BindingMetadata
{
    public abstract string Name { get; }

    /// <summary>The type as function.json names it: <c>httpTrigger</c>, <c>queueTrigger</c>, <c>blob</c>...</summary>
    public abstract string Type { get; }

    public abstract BindingDirection Direction { get; }
}

public enum BindingDirection
{
    In,
    Out,
}
