using System.Text.Json;
using System.Text.Json.Nodes;
using FluentValidation;
using FluentValidation.Results;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

/// <summary>
/// Everything that is wrong with a body, by JSON pointer. The JSON reader stops at the first member that does not fit: what
/// does not fit is taken out and the rest read again, so that a caller is told of all of it at once. Only bodies with a
/// fault pay for that.
/// </summary>
public sealed class BodyFaults
{
    /// <summary>Nobody reads more, and each costs another reading of the body.</summary>
    private const int Most = 50;

    /// <summary>Of one list; whoever has more wrong in it has taken it for something else.</summary>
    private const int MostOfOne = 10;

    private readonly Dictionary<string, List<string>> byPointer = new(StringComparer.Ordinal);

    public bool Any => byPointer.Count > 0;

    public void Add(string pointer, string message)
    {
        if (!byPointer.TryGetValue(pointer, out var messages))
        {
            byPointer.Add(pointer, messages = []);
        }

        messages.Add(message);
    }

    /// <summary>What a validator says, except of what could not be read anyhow.</summary>
    public void Add(ValidationResult result)
    {
        var unread = byPointer.Keys.ToList();
        foreach (var failure in result.Errors)
        {
            var pointer = Pointer(failure.PropertyName);
            if (!unread.Exists(u => IsWithin(pointer, u) || IsWithin(u, pointer)))
            {
                Add(pointer, failure.ErrorMessage);
            }
        }
    }

    /// <exception cref="ProblemException">400, when there are any.</exception>
    public void ThrowIfAny()
    {
        if (Any)
        {
            throw new RequestInvalid(byPointer.ToDictionary(f => f.Key, f => f.Value.ToArray())).ToException();
        }
    }

    /// <summary>Reads what can be read of well-formed JSON.</summary>
    /// <returns>Null when nothing can.</returns>
    public T? Read<T>(JsonNode? body, JsonSerializerOptions options)
    {
        var emptied = new HashSet<string>(StringComparer.Ordinal);
        for (var round = 0; round < Most; round++)
        {
            try
            {
                return body.Deserialize<T>(options);
            }
            catch (JsonException exception)
            {
                if (JsonFaults.Describe(exception) is not RequestInvalid { Errors: { } errors } || body is null)
                {
                    throw;
                }

                var pointer = errors.Keys.Single();
                Add(pointer, errors[pointer][0]);
                if (!TakeOut(body, pointer, emptied))
                {
                    return default;
                }
            }
        }

        return default;
    }

    /// <summary>An element of a list becomes null, so that the others keep their places; where null does not fit either, the list goes.</summary>
    private static bool TakeOut(JsonNode body, string pointer, HashSet<string> emptied)
    {
        var steps = pointer.Split('/').Skip(1).Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)).ToList();
        JsonNode? parent = body;
        foreach (var step in steps.Take(steps.Count - 1))
        {
            parent = parent switch
            {
                JsonObject o => o.FirstOrDefault(m => m.Key.Equals(step, StringComparison.OrdinalIgnoreCase)).Value,
                JsonArray a when int.TryParse(step, out var at) && at < a.Count => a[at],
                _ => null,
            };
        }

        switch (parent)
        {
            case JsonObject members when members.FirstOrDefault(m => m.Key.Equals(steps[^1], StringComparison.OrdinalIgnoreCase)).Key is { } name:
                return members.Remove(name);
            case JsonArray items when int.TryParse(steps[^1], out var at) && at < items.Count && emptied.Add(pointer) && items.Count(i => i is null) < MostOfOne:
                items[at] = null;
                return true;
            case JsonArray:
                return TakeOut(body, pointer[..pointer.LastIndexOf('/')], emptied);
            default:
                return false;
        }
    }

    private static bool IsWithin(string pointer, string of) => pointer == of || pointer.StartsWith(of + "/", StringComparison.Ordinal);

    /// <summary><c>Address.Lines[0]</c> → <c>/address/lines/0</c>; what is a pointer already stays one.</summary>
    private static string Pointer(string propertyPath) => propertyPath.StartsWith('/') ? propertyPath :
        "/" + string.Join('/', propertyPath.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)
            .Split('.', StringSplitOptions.RemoveEmptyEntries)
            .Select(p => JsonNamingPolicy.CamelCase.ConvertName(p).Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)));
}
