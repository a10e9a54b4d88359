using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace XenoCrm.Platform.Errors;

/// <summary>What a caller can do about a problem, whatever the occurrence; else it is the detail of one that has no parameters.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RemedyAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}

/// <summary>The codes of a problem that is made with one of several.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class CodesAttribute(int status, params string[] codes) : Attribute
{
    public int Status { get; } = status;

    public IReadOnlyList<string> Codes { get; } = codes;
}

/// <param name="Area">The feature that it belongs to.</param>
/// <param name="Remedy">What to do about it.</param>
public sealed record ProblemEntry(string Code, int Status, string Title, string Area, string Remedy);

/// <summary>Every failure that this service can answer, read from the types of the failures: <see cref="Problem"/>.</summary>
public sealed class ProblemCatalogue
{
    private readonly Dictionary<Type, IReadOnlyList<ProblemEntry>> byType;

    public ProblemCatalogue(Assembly assembly)
    {
        byType = assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Problem)) && !t.IsAbstract).ToDictionary(t => t, EntriesOf);
        All = [.. byType.Values.SelectMany(e => e).DistinctBy(e => (e.Code, e.Status)).OrderBy(e => e.Code, StringComparer.Ordinal).ThenBy(e => e.Status)];
    }

    public IReadOnlyList<ProblemEntry> All { get; }

    public IReadOnlyList<ProblemEntry> Of(Type problem) => byType[problem];

    private static IReadOnlyList<ProblemEntry> EntriesOf(Type type)
    {
        var area = type.Namespace!.Split('.') is [_, var feature, ..] ? feature : "";
        var constructor = type.GetConstructors().First(c => c.GetParameters() is not [var only] || only.ParameterType != type);
        var parameters = constructor.GetParameters();
        var sample = (Problem)constructor.Invoke([.. parameters.Select(p => Sample(p.ParameterType))]);
        var codes = type.GetCustomAttributes<CodesAttribute>().SelectMany(c => c.Codes.Select(code => (Code: code, c.Status))).ToList();
        if (codes.Count == 0)
        {
            codes.Add((sample.Code, sample.Status));
        }

        return [.. codes.Select(c => new ProblemEntry(
            c.Code, c.Status, sample.Title, area,
            type.GetCustomAttribute<RemedyAttribute>()?.Text ?? (parameters.Length == 0 ? sample.Detail : Usual(c.Status))))];
    }

    private static string Usual(int status) => status switch
    {
        308 => "Use the address in Location from now on.",
        400 => "Correct the request; 'detail' and 'errors' say where.",
        403 => "Ask somebody whose role allows it.",
        404 => "Check the id: it may be misspelt, or what it named was deleted.",
        409 => "'detail' says what is in the way. Read the resource again, and repeat when it allows it.",
        413 => "Send less at once; 'detail' says how much is accepted.",
        415 => "Send the content type that 'detail' names.",
        422 => "Correct the content; 'detail' says what cannot be used.",
        >= 500 => "Nothing is wrong with the request: send it again in a moment.",
        _ => "'detail' says what to do.",
    };

    /// <summary>Only code, status and title of the sample are looked at; they do not depend on its values.</summary>
    private static object? Sample(Type type) =>
        type == typeof(string) ? ""
        : Nullable.GetUnderlyingType(type) is not null ? null
        : type.IsValueType ? Activator.CreateInstance(type)
        : type.IsInterface && type.GenericTypeArguments is [var item] && type.IsAssignableFrom(item.MakeArrayType()) ? Array.CreateInstance(item, 0)
        : type.IsInterface && type.GenericTypeArguments is [var key, var value] ? Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(key, value))
        : typeof(IEnumerable).IsAssignableFrom(type) ? null
        : RuntimeHelpers.GetUninitializedObject(type);
}
