using System.Reflection;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Platform.OpenApi;

/// <summary>An HTTP-triggered function as its attributes declare it.</summary>
/// <param name="Area">The feature folder: the last part of the namespace.</param>
public sealed record HttpFunction(string Name, string Area, string Route, IReadOnlyList<string> Methods, MethodInfo Method)
{
    public T? Get<T>() where T : Attribute => Method.GetCustomAttribute<T>();

    public IEnumerable<QueryAttribute> Queries => GetAll<QueryAttribute>().Concat(GetAll<QueriesAttribute>().SelectMany(q => q.Queries));

    public IEnumerable<T> GetAll<T>() where T : Attribute => Method.GetCustomAttributes<T>();
}

/// <summary>Every HTTP function of the app, read from the same attributes that the host reads: it cannot drift from what runs.</summary>
public sealed class HttpFunctions(Assembly assembly)
{
    public Assembly Assembly { get; } = assembly;

    public IReadOnlyList<HttpFunction> All { get; } =
    [
        .. from type in assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
           let function = method.GetCustomAttribute<FunctionAttribute>()
           let trigger = method.GetParameters().Select(p => p.GetCustomAttribute<HttpTriggerAttribute>()).FirstOrDefault(a => a is not null)
           where function is not null && trigger is not null
           let route = trigger.Route ?? function.Name
           orderby route, function.Name
           select new HttpFunction(function.Name, type.Namespace!.Split('.')[^1], route, trigger.Methods ?? [], method),
    ];
}
