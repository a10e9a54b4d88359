using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace XenoCrm.Platform;

/// <summary>The JSON of this service, on the wire, in storage and in queue messages.</summary>
public static class Json
{
    /// <summary>camelCase, absent instead of null, enums as camelCase text, UTC times as <c>2026-01-31T08:15:00.000Z</c>.</summary>
    public static JsonSerializerOptions Options { get; } = Create(JsonUnmappedMemberHandling.Skip);

    /// <summary>As <see cref="Options"/>, for what callers send: an unknown member is an error, so that a typing mistake is not ignored.</summary>
    public static JsonSerializerOptions Strict { get; } = Create(JsonUnmappedMemberHandling.Disallow);

    /// <summary>As <see cref="Strict"/>, for bodies with a tree in them whose own reader says where it is too deep.</summary>
    public static JsonSerializerOptions StrictTree { get; } = Create(JsonUnmappedMemberHandling.Disallow, maxDepth: 512);

    /// <summary>As <see cref="Strict"/>, for lists whose items are read one by one later: what is wrong in one is not to fail the others.</summary>
    public static JsonSerializerOptions StrictList { get; } = Create(JsonUnmappedMemberHandling.Disallow, isTwiceAllowed: true);

    private static JsonSerializerOptions Create(JsonUnmappedMemberHandling unmapped, int maxDepth = 32, bool? isTwiceAllowed = null)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.Strict,
            UnmappedMemberHandling = unmapped,
            // Which of two members of one name counts would depend on who reads it.
            AllowDuplicateProperties = isTwiceAllowed ?? unmapped == JsonUnmappedMemberHandling.Skip,
            MaxDepth = maxDepth,
            Converters = { new UtcTimeConverter(), new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}

/// <summary>
/// Times have one width and one zone, so that their text sorts as they do: Cosmos compares them as strings.
/// Reads any ISO 8601 time with an offset; a time without one is taken as UTC.
/// </summary>
public sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>Characters of a time, whichever.</summary>
    public const int Length = 24;

    public static string Write(DateTimeOffset value) => value.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String
            && DateTimeOffset.TryParse(reader.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var value))
        {
            return value;
        }

        throw new JsonException("A time in ISO 8601 is expected, such as 2026-01-31T08:15:00Z.");
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<char> text = stackalloc char[24];
        value.UtcDateTime.TryFormat(text, out var length, Format, CultureInfo.InvariantCulture);
        writer.WriteStringValue(text[..length]);
    }
}
