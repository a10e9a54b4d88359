using System.Reflection;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.Extensions.Configuration;
using XenoCrm.Local.FunctionsRuntime.Queues;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>
/// The functions of the app, found by reflection. Everything that the real SDK refuses to build, or the real host to
/// load, is refused here too: better at the start, with the function's name, than at the first event.
/// </summary>
internal sealed class FunctionCatalog
{
    private const string AzureHint = "Remove it, or build and run the Azure flavour (-p:FunctionsRuntime=Azure, func start).";

    private readonly List<string> _errors = [];

    private FunctionCatalog()
    {
    }

    public List<Function> Functions { get; } = [];

    /// <summary>Functions that <c>AzureWebJobs.NAME.Disabled</c> switches off.</summary>
    public List<Function> Disabled { get; } = [];

    /// <exception cref="FunctionsStartException">Names every function that cannot run and says why.</exception>
    public static FunctionCatalog Find(IEnumerable<Type> types, IConfiguration configuration, bool aspNetCore)
    {
        var catalog = new FunctionCatalog();
        foreach (var type in types)
        {
            const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
            foreach (var method in type.GetMethods(all))
            {
                if (method.GetCustomAttribute<FunctionAttribute>() is not { } attribute)
                    continue;
                if (catalog.Read(attribute.Name, method, configuration, aspNetCore) is not { } function)
                    continue;
                var disabled = configuration[$"AzureWebJobs.{function.Name}.Disabled"] is "1" or "true" or "True";
                (disabled ? catalog.Disabled : catalog.Functions).Add(function);
            }
        }
        foreach (var same in catalog.Functions.GroupBy(f => f.Name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1))
            catalog._errors.Add($"Function '{same.Key}' is declared {same.Count()} times: {string.Join(", ", same.Select(f => f.ShortClassName))}. Names are unique, ignoring case.");
        if (catalog._errors.Count > 0)
            throw new FunctionsStartException(string.Join(Environment.NewLine, catalog._errors));
        return catalog;
    }

    private Function? Read(string name, MethodInfo method, IConfiguration configuration, bool aspNetCore)
    {
        var before = _errors.Count;
        var where = $"Function '{name}' ({method.DeclaringType!.Name}.{method.Name})";
        if (!IsName(name))
            _errors.Add($"{where}: the name must begin with a letter and hold only letters, digits, '_' and '-', at most 128.");
        if (!method.IsPublic || method.IsGenericMethodDefinition)
            _errors.Add($"{where}: the method must be public and not generic.");
        if (!method.IsStatic && (method.DeclaringType.IsAbstract || method.DeclaringType.ContainsGenericParameters))
            _errors.Add($"{where}: its class is abstract or generic and cannot be created.");

        var triggers = method.GetParameters().SelectMany(p => p.GetCustomAttributes().Where(IsTrigger).Select(a => (Parameter: p, Attribute: a))).ToList();
        if (triggers.Count != 1)
        {
            _errors.Add(triggers.Count == 0
                ? $"{where} has no trigger: give one parameter [HttpTrigger], [QueueTrigger], [BlobTrigger] or [TimerTrigger]. {AzureHint}"
                : $"{where} has {triggers.Count} triggers ({string.Join(", ", triggers.Select(t => t.Attribute.GetType().Name))}); a function has exactly one.");
            return null;
        }
        if (triggers[0].Attribute is not (HttpTriggerAttribute or QueueTriggerAttribute or BlobTriggerAttribute or TimerTriggerAttribute))
        {
            _errors.Add($"{where}: the local runtime does not know {triggers[0].Attribute.GetType().Name}; it offers HTTP, queue, blob and timer triggers. {AzureHint}");
            return null;
        }

        var trigger = (TriggerBindingAttribute)triggers[0].Attribute;
        var retry = method.GetCustomAttribute<RetryAttribute>();
        if (retry is not null && trigger is not TimerTriggerAttribute)
            _errors.Add($"{where}: {retry.GetType().Name} works on timers only, the real SDK refuses it here (AZFW0012). A queue message is retried up to maxDequeueCount, a blob five times.");
        if (trigger is HttpTriggerAttribute && !aspNetCore && UsesAspNetCore(method))
            _errors.Add($"{where} uses ASP.NET Core types: call builder.ConfigureFunctionsWebApplication() before Build().");

        var binders = new List<ParameterBinder>();
        foreach (var parameter in method.GetParameters())
        {
            try
            {
                binders.Add(ParameterBinding.For(parameter, trigger, triggers[0].Parameter, configuration));
            }
            catch (FunctionsStartException e)
            {
                _errors.Add($"{where}, parameter '{parameter.Name}': {e.Message}");
            }
        }
        return _errors.Count > before ? null : new Function
        {
            Name = name,
            Method = method,
            Trigger = trigger,
            TriggerParameter = triggers[0].Parameter,
            Retry = retry,
            QueueOutputs = QueueOutput.Of(method),
            Definition = new ReflectedDefinition(name, method),
            Invoker = new FunctionInvoker(method, [.. binders]),
        };
    }

    // By name as well as by type: a trigger of a package that this runtime does not know may have a base type of its own.
    private static bool IsTrigger(Attribute attribute)
        => attribute is TriggerBindingAttribute || attribute.GetType().Name.EndsWith("TriggerAttribute", StringComparison.Ordinal);

    private static bool IsName(string name)
        => name is { Length: > 0 and <= 128 } && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    private static bool UsesAspNetCore(MethodInfo method)
    {
        var result = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericArguments()[0] : method.ReturnType;
        return typeof(IActionResult).IsAssignableFrom(result)
            || typeof(Microsoft.AspNetCore.Http.IResult).IsAssignableFrom(result)
            || method.GetParameters().Any(p => p.ParameterType == typeof(Microsoft.AspNetCore.Http.HttpRequest) || p.ParameterType == typeof(Microsoft.AspNetCore.Http.HttpContext));
    }
}
