using System.Globalization;
using System.Text.Json;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Type checks never give undefined; the StringTo... functions give it for text that is not that kind of JSON.</summary>
internal static class TypeFunctions
{
    public static readonly Dictionary<string, Function> All = new()
    {
        ["IS_ARRAY"] = Is(v => v.Kind == JsonKind.Array),
        ["IS_BOOL"] = Is(v => v.IsBoolean),
        ["IS_DEFINED"] = Is(v => !v.IsUndefined),
        ["IS_NULL"] = Is(v => v.Kind == JsonKind.Null),
        ["IS_NUMBER"] = Is(v => v.Kind == JsonKind.Number),
        ["IS_FINITE_NUMBER"] = Is(v => v.Kind == JsonKind.Number && double.IsFinite(v.Number)),
        ["IS_INTEGER"] = Is(v => v.TryGetInteger(out _)),
        ["IS_OBJECT"] = Is(v => v.Kind == JsonKind.Object),
        ["IS_PRIMITIVE"] = Is(v => v.Kind is JsonKind.Null or JsonKind.False or JsonKind.True or JsonKind.Number or JsonKind.String),
        ["IS_STRING"] = Is(v => v.Kind == JsonKind.String),
        ["IS_DATETIME"] = Is(v => DateFunctions.TryParse(v, out _)),
        ["IIF"] = new(3, 3, a => a[0].Kind == JsonKind.True ? a[1] : a[2]),
        ["STRINGTOARRAY"] = Parse(JsonKind.Array),
        ["STRINGTOBOOLEAN"] = Parse(JsonKind.True, JsonKind.False),
        ["STRINGTONULL"] = Parse(JsonKind.Null),
        ["STRINGTONUMBER"] = Parse(JsonKind.Number),
        ["STRINGTOOBJECT"] = Parse(JsonKind.Object),
        ["TOSTRING"] = new(1, 1, a => Text(a[0])),
    };

    private static Function Is(Func<JsonValue, bool> test) => new(1, 1, a => JsonValue.Of(test(a[0])));

    private static Function Parse(params JsonKind[] kinds) => new(1, 1, a =>
    {
        if (a[0].Kind != JsonKind.String)
        {
            return default;
        }

        try
        {
            using var document = JsonDocument.Parse(a[0].StringMemory);
            var value = JsonValue.Parse(JsonSerializer.SerializeToUtf8Bytes(document.RootElement));
            return kinds.Contains(value.Kind) ? value : default;
        }
        catch (JsonException)
        {
            return default;
        }
    });

    private static JsonValue Text(in JsonValue value) => value.Kind switch
    {
        JsonKind.Undefined => default,
        JsonKind.String => value,
        JsonKind.Number => JsonValue.Of(value.TryGetInteger(out var integer)
            ? integer.ToString(CultureInfo.InvariantCulture)
            : JsonNumber.Text(value.Number)),
        _ => JsonValue.OfUtf8(value.ToUtf8()),
    };
}
