using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Doubles in, doubles out; the Int... functions work on 64-bit integers. What has no value is NaN, as in JavaScript.</summary>
internal static class MathFunctions
{
    public static readonly Dictionary<string, Function> All = new()
    {
        ["ABS"] = Map(Math.Abs),
        ["ACOS"] = Map(Math.Acos),
        ["ASIN"] = Map(Math.Asin),
        ["ATAN"] = Map(Math.Atan),
        ["ATN2"] = Map(Math.Atan2),
        ["CEILING"] = Map(Math.Ceiling),
        ["COS"] = Map(Math.Cos),
        ["COT"] = Map(x => 1 / Math.Tan(x)),
        ["DEGREES"] = Map(x => 180 / Math.PI * x),
        ["EXP"] = Map(Math.Exp),
        ["FLOOR"] = Map(Math.Floor),
        ["LOG"] = new(1, 2, a => a[0].Kind != JsonKind.Number || (a.Length == 2 && a[1].Kind != JsonKind.Number) ? default
            : JsonValue.Of(a.Length == 1 ? Math.Log(a[0].Number) : a[1].Number == 10 ? Math.Log10(a[0].Number) : Math.Log(a[0].Number, a[1].Number))),
        ["LOG10"] = Map(Math.Log10),
        ["NUMBERBIN"] = new(1, 2, NumberBin),
        ["PI"] = new(0, 0, _ => JsonValue.Of(Math.PI)),
        ["POWER"] = Map(Math.Pow),
        ["RADIANS"] = Map(x => Math.PI * x / 180),
        ["RAND"] = new(0, 0, _ => JsonValue.Of(NextDouble()), IsPure: false),
        ["ROUND"] = new(1, 2, Round),
        ["SIGN"] = Map(x => double.IsNaN(x) ? x : Math.Sign(x)),
        ["SIN"] = Map(Math.Sin),
        ["SQRT"] = Map(Math.Sqrt),
        ["SQUARE"] = Map(x => x * x),
        ["TAN"] = Map(Math.Tan),
        ["TRUNC"] = Map(Math.Truncate),
        ["INTADD"] = Integers((x, y) => x + y),
        ["INTSUB"] = Integers((x, y) => x - y),
        ["INTMUL"] = Integers((x, y) => x * y),
        ["INTDIV"] = Integers((x, y) => y == 0 || (x == long.MinValue && y == -1) ? null : x / y),
        ["INTMOD"] = Integers((x, y) => y == 0 ? null : y == -1 ? 0 : x % y),
        ["INTBITAND"] = Integers((x, y) => x & y),
        ["INTBITOR"] = Integers((x, y) => x | y),
        ["INTBITXOR"] = Integers((x, y) => x ^ y),
        ["INTBITLEFTSHIFT"] = Integers((x, y) => y is < 0 or > 63 ? null : x << (int)y),
        ["INTBITRIGHTSHIFT"] = Integers((x, y) => y is < 0 or > 63 ? null : x >> (int)y),
        ["INTBITNOT"] = new(1, 1, a => a[0].TryGetInteger(out var x) ? JsonValue.Of(~x) : default),
    };

    private static Function Map(Func<double, double> map) => new(1, 1, a => a[0].Kind == JsonKind.Number ? JsonValue.Of(map(a[0].Number)) : default);

    private static Function Map(Func<double, double, double> map) => new(2, 2, a =>
        a[0].Kind == JsonKind.Number && a[1].Kind == JsonKind.Number ? JsonValue.Of(map(a[0].Number, a[1].Number)) : default);

    private static Function Integers(Func<long, long, long?> map) => new(2, 2, a =>
        a[0].TryGetInteger(out var x) && a[1].TryGetInteger(out var y) && map(x, y) is { } result ? JsonValue.Of(result) : default);

    private static double NextDouble()
    {
        Span<byte> bytes = stackalloc byte[8];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        return (BitConverter.ToUInt64(bytes) >> 11) * (1.0 / (1UL << 53));
    }

    private static JsonValue Round(ReadOnlySpan<JsonValue> a)
    {
        if (a[0].Kind != JsonKind.Number)
        {
            return default;
        }

        if (a.Length == 1)
        {
            return JsonValue.Of(Math.Round(a[0].Number, MidpointRounding.AwayFromZero));
        }

        return a[1].TryGetInteger(out var digits) && digits is >= 0 and <= 15
            ? JsonValue.Of(Math.Round(a[0].Number, (int)digits, MidpointRounding.AwayFromZero))
            : default;
    }

    private static JsonValue NumberBin(ReadOnlySpan<JsonValue> a)
    {
        var size = a.Length == 1 ? 1 : a[1].Number;
        return a[0].Kind != JsonKind.Number || double.IsNaN(size) || size == 0 ? default : JsonValue.Of(Math.Floor(a[0].Number / size) * size);
    }
}
