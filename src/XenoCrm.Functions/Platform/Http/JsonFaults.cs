using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

/// <summary>What the JSON reader refused, in words that a caller can act on: no names of .NET types, and a suggestion for a misspelt member.</summary>
public static partial class JsonFaults
{
    /// <summary>A string with half a surrogate pair is well-formed JSON, but no text.</summary>
    public static Problem NoText { get; } = new JsonMalformed("A text in the body is not valid Unicode.");

    public static Problem Twice { get; } = new JsonMalformed("An object in the body has a member twice.");

    /// <param name="pointer">Where the JSON is in the request; empty when it is the whole body.</param>
    public static Problem Describe(JsonException exception, string pointer = "")
    {
        // An inner exception of the reader: the JSON is not well-formed. Without one it was, up to a value that does not fit.
        return exception.InnerException is JsonException || exception.Path is null
            ? new JsonMalformed($"Line {exception.LineNumber + 1}, byte {exception.BytePositionInLine}.")
            : RequestInvalid.At(pointer + Pointer(exception.Path), Explain(exception.Message, Pointer(exception.Path)));
    }

    /// <summary>Reads a part of a body that must not fail the rest of it.</summary>
    /// <param name="faults">Receives what does not fit, and the rest is read; null: then there is a problem.</param>
    /// <returns>Null with the problem when it cannot be read.</returns>
    public static T? TryRead<T>(JsonElement json, out Problem? problem, BodyFaults? faults = null)
        where T : class
    {
        try
        {
            var value = json.Deserialize<T>(Json.Strict);
            problem = value is null ? RequestInvalid.At("", "An object is expected.") : null;
            return value;
        }
        catch (JsonException exception)
        {
            problem = Describe(exception);
        }
        catch (InvalidOperationException)
        {
            problem = NoText;
        }

        return problem is RequestInvalid ? TryReadRest<T>(json, ref problem, faults) : null;
    }

    private static T? TryReadRest<T>(JsonElement json, ref Problem problem, BodyFaults? faults)
        where T : class
    {
        try
        {
            var all = faults ?? new BodyFaults();
            var value = all.Read<T>(JsonNode.Parse(json.GetRawText()), Json.Strict);
            if (faults is null || value is null)
            {
                all.ThrowIfAny();
            }

            return value;
        }
        catch (ProblemException exception)
        {
            problem = exception.Problem;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            // A member twice, or half a character: the first fault is all that can be told.
        }

        return null;
    }

    private static string Explain(string message, string pointer)
    {
        if (Unmapped().Match(message) is { Success: true } unmapped)
        {
            var name = unmapped.Groups["name"].Value;
            return Members(unmapped.Groups["type"].Value) is { Count: > 0 } members ? Unknown(name, members) : $"There is no member '{name}' here.";
        }

        if (Unconvertible().Match(message) is { Success: true } type)
        {
            // For a record with a constructor the reader names the record, and means its member.
            var member = pointer[(pointer.LastIndexOf('/') + 1)..];
            var of = Find(type.Groups["type"].Value) is { IsClass: true } found ? Json.Strict.GetTypeInfo(found).Properties.FirstOrDefault(p => p.Name == member) : null;
            return Expected(of?.PropertyType.FullName ?? type.Groups["type"].Value);
        }

        if (Missing().Match(message) is { Success: true } missing)
        {
            return $"Members are missing: {missing.Groups["names"].Value}.";
        }

        return Duplicate().Match(message) is { Success: true } twice
            ? $"The member '{twice.Groups["name"].Value}' is there twice."
            : message.Split(" Path:")[0].Split(" LineNumber:")[0];
    }

    /// <summary>Says that there is no such member, and which one may have been meant.</summary>
    public static string Unknown(string name, IReadOnlyCollection<string> members)
    {
        var nearest = members.MinBy(m => Distance(name, m))!;
        return Distance(name, nearest) <= Math.Max(2, nearest.Length / 3)
            ? $"There is no member '{name}' here. Is '{nearest}' meant?"
            : $"There is no member '{name}' here; there are {string.Join(", ", members)}.";
    }

    /// <summary><c>$.items[0]['first.name']</c> → <c>/items/0/first.name</c>.</summary>
    private static string Pointer(string path)
    {
        var pointer = new StringBuilder(path.Length);
        foreach (Match step in Step().Matches(path))
        {
            var name = step.Groups["name"].Value;
            pointer.Append('/').Append(name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
        }

        return pointer.Length == 0 ? "/" : pointer.ToString();
    }

    private static string Expected(string type) => type switch
    {
        _ when type.Contains("DateOnly", StringComparison.Ordinal) => "A date is expected, such as 1990-04-01.",
        _ when type.Contains("DateTimeOffset", StringComparison.Ordinal) => "A time in ISO 8601 is expected, such as 2026-01-31T08:15:00Z.",
        _ when type.Contains("Dictionary", StringComparison.Ordinal) => "An object is expected.",
        _ when type.Contains("List", StringComparison.Ordinal) || type.EndsWith("[]", StringComparison.Ordinal) => "A list is expected.",
        _ when type.Contains("String", StringComparison.Ordinal) => "A text is expected, not a number or anything else.",
        _ when type.Contains("Boolean", StringComparison.Ordinal) => "true or false is expected.",
        _ when type.Contains("Int32", StringComparison.Ordinal) || type.Contains("Int64", StringComparison.Ordinal) => "A whole number is expected, not a text.",
        _ when type.Contains("Decimal", StringComparison.Ordinal) || type.Contains("Double", StringComparison.Ordinal) => "A number is expected, not a text.",
        _ when Find(type) is { IsEnum: true } choice => $"One of {string.Join(", ", Enum.GetNames(choice).Select(JsonNamingPolicy.CamelCase.ConvertName))} is expected.",
        _ => "An object is expected.",
    };

    private static IReadOnlyCollection<string> Members(string type) =>
        Find(type) is { } found ? [.. Json.Strict.GetTypeInfo(found).Properties.Select(p => p.Name)] : [];

    /// <summary>The types of bodies are this assembly's.</summary>
    private static Type? Find(string name) => OwnType().Match(name) is { Success: true } own ? typeof(JsonFaults).Assembly.GetType(own.Value) : null;

    /// <summary>Edits that make one name of the other, whatever the case.</summary>
    private static int Distance(string a, string b)
    {
        if (a.Length > 64)
        {
            return int.MaxValue;
        }

        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = diagonal + (char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }

    [GeneratedRegex(@"^The JSON property '(?<name>.*)' could not be mapped to any \.NET member contained in type '(?<type>[^']+)'", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Unmapped();

    [GeneratedRegex(@"^The JSON value could not be converted to (?<type>\S+?)\.?( Path:|$)", RegexOptions.ExplicitCapture)]
    private static partial Regex Unconvertible();

    [GeneratedRegex(@"was missing required properties including: (?<names>.+?)\.( Path:|$)", RegexOptions.ExplicitCapture)]
    private static partial Regex Missing();

    [GeneratedRegex(@"^Duplicate property '(?<name>.*)' encountered", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Duplicate();

    [GeneratedRegex(@"\.(?<name>[^.\[\]]+)|\[(?<name>\d+)\]|\['(?<name>.*?)'\]", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Step();

    [GeneratedRegex(@"XenoCrm(\.\w+)+", RegexOptions.ExplicitCapture)]
    private static partial Regex OwnType();
}
