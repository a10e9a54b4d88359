using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.OpenApi;

/// <summary>
/// Which problems a function can come to, read from the code that it can reach: a list by hand would be wrong with the next
/// change. It is a little too long, as a method that several functions share is taken for all that it does; what a function
/// declares (<see cref="ProblemsAttribute"/>) picks the statuses.
/// </summary>
internal sealed class ReachableProblems(Assembly assembly)
{
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    private readonly Dictionary<MethodBase, (List<MethodBase> Calls, List<Type> Problems)> bodies = [];
    private readonly ILookup<MethodBase, MethodBase> implementations = ImplementationsOf(assembly);
    private readonly Lock gate = new();

    public IReadOnlySet<Type> Of(MethodBase method)
    {
        lock (gate)
        {
            var problems = new HashSet<Type>();
            var seen = new HashSet<MethodBase>();
            var left = new Stack<MethodBase>([method]);
            while (left.TryPop(out var next))
            {
                if (!seen.Add(next))
                {
                    continue;
                }

                var (calls, made) = BodyOf(next);
                problems.UnionWith(made);
                calls.ForEach(left.Push);
            }

            return problems;
        }
    }

    private (List<MethodBase> Calls, List<Type> Problems) BodyOf(MethodBase method)
    {
        if (!bodies.TryGetValue(method, out var body))
        {
            bodies[method] = body = ([], []);
            if (method.GetCustomAttribute<StateMachineAttribute>() is { } machine)
            {
                body.Calls.Add(Definition(machine.StateMachineType.GetMethod("MoveNext", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)!));
            }

            body.Calls.AddRange(implementations[method]);
            if (method is { DeclaringType: { } type, IsStatic: false, IsConstructor: false } && !type.IsGenericType)
            {
                // What its constructor hands on as delegates is called too.
                body.Calls.AddRange(type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic));
            }

            if (method is { DeclaringType.TypeInitializer: { } initializer, IsConstructor: false })
            {
                body.Calls.Add(Definition(initializer));
            }

            Read(method, body.Calls, body.Problems);
        }

        return body;
    }

    private void Read(MethodBase method, List<MethodBase> calls, List<Type> problems)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
        {
            return;
        }

        var ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            var value = code[at] == 0xFE ? unchecked((short)(0xFE00 | code[at + 1])) : code[at];
            var op = Codes[value];
            at += op.Size;
            if (op.OperandType == OperandType.InlineMethod && Resolve(method.Module, BitConverter.ToInt32(code, at), ofType, ofMethod) is { DeclaringType: { } owner } target && owner.Assembly == assembly)
            {
                calls.Add(Definition(target));
                if (op == OpCodes.Newobj && owner.IsSubclassOf(typeof(Problem)))
                {
                    problems.Add(owner);
                }
                else if (op == OpCodes.Newobj && typeof(IResult).IsAssignableFrom(owner))
                {
                    // Run after the function, by the host.
                    calls.AddRange(owner.GetMethods().Where(m => m.Name == nameof(IResult.ExecuteAsync)).Select(Definition));
                }
            }

            at += op.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static MethodBase? Resolve(Module module, int token, Type[]? ofType, Type[]? ofMethod)
    {
        try
        {
            return module.ResolveMethod(token, ofType, ofMethod);
        }
        catch (Exception exception) when (exception is ArgumentException or MissingMethodException or TypeLoadException or FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Generic or not, a method is looked at once.</summary>
    private static MethodBase Definition(MethodBase method) => method.Module.ResolveMethod(method.MetadataToken)!;

    /// <summary>What may run when a method of an interface or a base class is called.</summary>
    private static ILookup<MethodBase, MethodBase> ImplementationsOf(Assembly assembly)
    {
        var found = new List<(MethodBase Called, MethodBase Runs)>();
        foreach (var type in assembly.GetTypes().Where(t => !t.IsInterface && !t.ContainsGenericParameters))
        {
            foreach (var contract in type.GetInterfaces().Where(i => i.Assembly == assembly))
            {
                var map = type.GetInterfaceMap(contract);
                found.AddRange(map.InterfaceMethods.Zip(map.TargetMethods).Where(m => m.Second.Module.Assembly == assembly).Select(m => (Definition(m.First), Definition(m.Second))));
            }

            foreach (var method in type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly).Where(m => m.IsVirtual))
            {
                var called = method.GetBaseDefinition();
                if (called != method && called.Module.Assembly == assembly)
                {
                    found.Add((Definition(called), method));
                }
            }
        }

        return found.ToLookup(f => f.Called, f => f.Runs);
    }
}
