using Microsoft.Azure.Functions.Worker.Builder;

namespace XenoCrm.Local.FunctionsRuntime;

/// <summary>What only this runtime offers. A function app that must also build for Azure does not call it; tests do.</summary>
public static class FunctionSource
{
    /// <summary>Takes the functions from these classes instead of from the entry assembly.</summary>
    public static FunctionsApplicationBuilder UseFunctionsFrom(this FunctionsApplicationBuilder builder, params IEnumerable<Type> types)
    {
        builder.FunctionTypes = types;
        return builder;
    }
}
