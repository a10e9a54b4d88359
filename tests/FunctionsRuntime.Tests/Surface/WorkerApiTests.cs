using System.Reflection;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Surface;

/// <summary>
/// Whatever this runtime offers under the worker's names is what the worker offers (worker-api.txt): sources that compile
/// against it compile against the packages. The other way round it may offer less; who misses something gets no build.
/// </summary>
public sealed class WorkerApiTests
{
    private static readonly Assembly Local = typeof(FunctionAttribute).Assembly;

    /// <summary>A type's line, and its members'.</summary>
    private static readonly Dictionary<string, (string Line, List<string> Members)> Worker = Read();

    public static TheoryData<string> Types => [.. Offered().Select(Name)];

    [Fact]
    public void The_description_is_read() => Worker.Count.ShouldBeGreaterThan(40);

    [Theory]
    [MemberData(nameof(Types))]
    public void A_type_is_the_workers(string name)
    {
        var type = Offered().Single(t => Name(t) == name);
        Worker.ShouldContainKey(name, "the worker has no such public type");
        var (line, members) = Worker[name];

        Kind(type).ShouldBe(line.Split(' ').First(w => w is "class" or "interface" or "enum" or "delegate"));
        var usage = type.GetCustomAttribute<AttributeUsageAttribute>();
        if (line.Contains(" [", StringComparison.Ordinal) && typeof(Attribute).IsAssignableFrom(type))
        {
            // Wider than the worker's would let something compile here alone; abstract ones stand on nothing.
            var targets = line[(line.IndexOf('[', StringComparison.Ordinal) + 1)..^1].Split(", ").Select(Enum.Parse<AttributeTargets>).Aggregate((a, b) => a | b);
            ((usage?.ValidOn ?? AttributeTargets.All) & ~targets).ShouldBe((AttributeTargets)0, $"{name} may stand where the worker's must not");
            BaseNames(type).ShouldContain(line.Split(" : ")[1].Split(' ')[0]);
        }

        Members(type).Where(member => !members.Exists(known => Matches(member, known))).ShouldBeEmpty($"members of {name} that the worker's does not have");
    }

    private static IEnumerable<Type> Offered() =>
        Local.GetExportedTypes().Where(t => t.Namespace is { } space && (space.StartsWith("Microsoft.Azure.Functions.Worker", StringComparison.Ordinal) || space == "Microsoft.Extensions.Hosting"));

    private static IEnumerable<string> BaseNames(Type type)
    {
        for (var parent = type.BaseType; parent is not null; parent = parent.BaseType)
        {
            yield return Text(parent);
        }
    }

    private static string Kind(Type type) =>
        type.IsEnum ? "enum" : type.IsInterface ? "interface" : typeof(Delegate).IsAssignableFrom(type) ? "delegate" : "class";

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(n => $"{n} = {Convert.ToInt32(Enum.Parse(type, n), null)}");
        }

        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return [Text(type.GetMethod("Invoke")!)];
        }

        const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        return type.GetConstructors().Where(_ => !type.IsAbstract).Select(c => $"new({Parameters(c)})")
            .Concat(type.GetProperties(Declared).Select(p => $"{Text(p.PropertyType)} {p.Name} {{ {(p.GetMethod?.IsPublic == true ? "get; " : "")}{(p.SetMethod?.IsPublic == true ? "set; " : "")}}}"))
            .Concat(type.GetMethods(Declared).Where(m => !m.IsSpecialName && m.GetBaseDefinition().DeclaringType == type).Select(Text));
    }

    /// <summary>Optional parameters of the worker's may be missing; a setter may.</summary>
    private static bool Matches(string member, string known)
    {
        if (member == known || member == known.Replace("{ get; set; }", "{ get; }", StringComparison.Ordinal))
        {
            return true;
        }

        var (ours, theirs) = (Split(member), Split(known));
        return ours.Head == theirs.Head
            && ours.Parameters.Count <= theirs.Parameters.Count
            && theirs.Parameters.Skip(ours.Parameters.Count).All(p => p.EndsWith('?'))
            && ours.Parameters.Zip(theirs.Parameters, (a, b) => a == b || a.TrimEnd('?') + "?" == b).All(same => same);
    }

    private static (string Head, List<string> Parameters) Split(string member)
    {
        var open = member.IndexOf('(', StringComparison.Ordinal);
        if (open < 0)
        {
            return (member, []);
        }

        var parameters = new List<string>();
        var (depth, start) = (0, open + 1);
        for (var i = start; i < member.Length; i++)
        {
            depth += member[i] == '<' ? 1 : member[i] == '>' ? -1 : 0;
            if (depth == 0 && member[i] is ',' or ')')
            {
                parameters.Add(member[start..i].Trim());
                start = i + 1;
            }
        }

        return (member[..open], parameters is [""] ? [] : parameters);
    }

    private static string Text(MethodInfo method) => $"{(method.IsStatic ? "static " : "")}{Text(method.ReturnType)} {method.Name}({Parameters(method)})";

    private static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(p => Text(p.ParameterType) + (p.IsOptional && !IsNullable(p.ParameterType) ? "?" : "")));

    private static bool IsNullable(Type type) => Nullable.GetUnderlyingType(type) is not null;

    private static string Text(Type type) =>
        type.IsArray ? $"{Text(type.GetElementType()!)}[]"
        : Nullable.GetUnderlyingType(type) is { } inner ? $"{Text(inner)}?"
        : type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Text))}>"
        : type.Name;

    private static string Name(Type type) => $"{type.Namespace}.{Text(type)}";

    private static Dictionary<string, (string Line, List<string> Members)> Read()
    {
        var types = new Dictionary<string, (string, List<string> Members)>();
        List<string>? members = null;
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Surface", "worker-api.txt")).Where(l => l.Length > 0 && l[0] != '#'))
        {
            if (line[0] == ' ')
            {
                members!.Add(line.Trim());
                continue;
            }

            members = [];
            types.Add(line.Split(' ').First(w => w.Contains('.', StringComparison.Ordinal)), (line, members));
        }

        return types;
    }
}
