using System.Linq.Expressions;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>Gives the value of one parameter. Synchronous where it can be: most parameters need no wait.</summary>
internal delegate ValueTask<object?> ParameterBinder(Invocation invocation);

/// <summary>
/// Calls a function's method: binds the parameters, creates the class from the invocation's services and invokes a
/// delegate that was compiled once (reflection per call costs about a third of an empty HTTP request).
/// </summary>
internal sealed class FunctionInvoker(MethodInfo method, ParameterBinder[] binders)
{
    private readonly Func<object?, object?[], ValueTask<object?>> _call = Compile(method);

    private readonly ObjectFactory? _create = method.IsStatic
        ? null
        : ActivatorUtilities.CreateFactory(method.DeclaringType!, Type.EmptyTypes);

    /// <summary>Leaves what the function returned in <see cref="Invocation.Result"/>.</summary>
    public async Task Invoke(Invocation invocation)
    {
        var arguments = binders.Length == 0 ? [] : new object?[binders.Length];
        for (var i = 0; i < binders.Length; i++)
        {
            var value = binders[i](invocation);
            arguments[i] = value.IsCompletedSuccessfully ? value.Result : await value;
        }

        var instance = _create?.Invoke(invocation.InstanceServices, null);
        try
        {
            invocation.Result.Value = await _call(instance, arguments);
        }
        finally
        {
            if (instance is IAsyncDisposable asyncDisposable)
                await asyncDisposable.DisposeAsync();
            else
                (instance as IDisposable)?.Dispose();
        }
    }

    private static Func<object?, object?[], ValueTask<object?>> Compile(MethodInfo method)
    {
        var instance = Expression.Parameter(typeof(object), "instance");
        var arguments = Expression.Parameter(typeof(object?[]), "arguments");
        var call = Expression.Call(
            method.IsStatic ? null : Expression.Convert(instance, method.DeclaringType!),
            method,
            method.GetParameters().Select((p, i) =>
                Expression.Convert(Expression.ArrayIndex(arguments, Expression.Constant(i)), p.ParameterType)));
        return Expression.Lambda<Func<object?, object?[], ValueTask<object?>>>(Result(call), instance, arguments).Compile();
    }

    private static Expression Result(MethodCallExpression call)
    {
        var type = call.Type;
        if (type == typeof(void))
            return Expression.Block(call, Expression.Default(typeof(ValueTask<object?>)));
        if (type == typeof(Task) || type == typeof(ValueTask))
            return Expression.Call(typeof(FunctionInvoker), nameof(Completed), null, call);
        if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>)))
            return Expression.Call(typeof(FunctionInvoker), nameof(Value), type.GetGenericArguments(), call);
        return Expression.New(
            typeof(ValueTask<object?>).GetConstructor([typeof(object)])!, Expression.Convert(call, typeof(object)));
    }

    private static async ValueTask<object?> Completed(Task task)
    {
        await task;
        return null;
    }

    private static async ValueTask<object?> Completed(ValueTask task)
    {
        await task;
        return null;
    }

    private static async ValueTask<object?> Value<T>(Task<T> task) => await task;

    private static async ValueTask<object?> Value<T>(ValueTask<T> task) => await task;
}
