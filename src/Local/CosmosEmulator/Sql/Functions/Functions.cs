using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal delegate JsonValue Run(ReadOnlySpan<JsonValue> a);

/// <param name="now">When the execution began.</param>
internal delegate JsonValue RunAt(DateTime now, ReadOnlySpan<JsonValue> a);

/// <param name="Max">-1: any number of arguments.</param>
/// <param name="IsPure">The same arguments always give the same value.</param>
internal sealed record Function(int Min, int Max, Run? Run, bool IsPure = true)
{
    public Function(int min, int max, RunAt runAt)
        : this(min, max, (Run?)null, IsPure: false) => RunAt = runAt;

    /// <summary>Set instead of <see cref="Run"/> when the value depends on the time as well.</summary>
    public RunAt? RunAt { get; }
}

/// <summary>The system functions of the documentation by name.</summary>
internal static class Functions
{
    private static readonly Dictionary<string, Function> ByName = new(
        [.. TypeFunctions.All, .. StringFunctions.All, .. MathFunctions.All, .. ArrayFunctions.All, .. DateFunctions.All],
        StringComparer.OrdinalIgnoreCase);

    public static IEnumerable<string> Names => ByName.Keys;

    public static Function Find(CallExpr call)
    {
        if (!ByName.TryGetValue(call.Name, out var function))
        {
            throw Unknown(call);
        }

        return call.Arguments.Count < function.Min || (function.Max >= 0 && call.Arguments.Count > function.Max)
            ? throw WrongCount(call, function.Min, function.Max)
            : function;
    }

    private static SqlException Unknown(CallExpr call)
    {
        var name = call.Name.ToUpperInvariant();
        var family = name.StartsWith("ST_", StringComparison.Ordinal) ? "spatial functions"
            : name == "VECTORDISTANCE" ? "vector functions"
            : name.StartsWith("FULLTEXT", StringComparison.Ordinal) || name == "RRF" ? "full-text functions"
            : null;
        return new(
            family is null
                ? $"'{call.Name}' is not a recognized built-in function name."
                : $"'{call.Name}' is not supported by this emulator: {family} need an index it does not have.",
            call.At,
            call.At + call.Name.Length,
            "SC2005");
    }

    public static SqlException WrongCount(CallExpr call, int min, int max)
    {
        var expected = min == max ? $"{min}" : max < 0 ? $"at least {min}" : $"{min} to {max}";
        return new(
            $"The {call.Name} function requires {expected} argument(s), {call.Arguments.Count} given.", call.At, call.At + call.Name.Length, "SC2050");
    }
}
