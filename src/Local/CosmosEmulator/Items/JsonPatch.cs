using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Local.CosmosEmulator.Sql;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Items;

/// <summary>
/// A partial update: <c>{"condition":"FROM c WHERE …","operations":[{"op","path","value"|"from"}]}</c>. All operations of
/// one patch succeed, or the item stays as it was.
/// </summary>
internal sealed class JsonPatch
{
    private const int MaxOperations = 10;
    private const int ConditionFailed = 1110;

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 1000,
    };

    private static readonly JsonDocumentOptions ReadOptions = new() { MaxDepth = 1000 };

    private readonly List<(string Op, string[] Path, string[]? From, JsonNode? Value)> _operations = [];
    private readonly CompiledFilter? _condition;

    private JsonPatch(CompiledFilter? condition) => _condition = condition;

    /// <exception cref="EmulatorException">It is not a patch the service accepts.</exception>
    public static JsonPatch Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            // The JavaScript SDK sends a patch without a condition as the bare array.
            var body = JsonNode.Parse(utf8, documentOptions: ReadOptions);
            var result = new JsonPatch((string?)(body as JsonObject)?["condition"] is { } condition ? CompiledFilter.Compile(condition) : null);
            var operations = body as JsonArray ?? (body as JsonObject)?["operations"] as JsonArray ?? throw Bad("it has no operations");
            if (operations.Count is 0 or > MaxOperations)
            {
                throw Bad($"it has {operations.Count} operations; one to {MaxOperations} are allowed");
            }

            foreach (var operation in operations)
            {
                result.Add(operation as JsonObject ?? throw Bad("an operation is not an object"));
            }

            return result;
        }
        catch (SqlException error)
        {
            throw new EmulatorException(400, $"The condition of the patch is not valid: {error.Message}");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw Bad(error.Message);
        }
    }

    /// <summary>The item after the patch.</summary>
    public ItemBody Apply(Container container, ItemOperation operation, ItemVersion current)
    {
        if (_condition is not null && !_condition.Matches(current.Json))
        {
            throw new EmulatorException(412, "One of the specified pre-condition is not met: the condition of the patch is false.", ConditionFailed);
        }

        var body = container.Layout.BodyOf(current);
        var closed = new byte[body.Length + 1];
        body.CopyTo(closed);
        closed[^1] = (byte)'}';
        JsonNode root;
        try
        {
            root = JsonNode.Parse(closed, documentOptions: ReadOptions)!;
            foreach (var (op, path, from, value) in _operations)
            {
                Apply(root, op, path, from, value?.DeepClone());
            }
        }
        catch (ArgumentException)
        {
            throw Bad("the item has a property twice");
        }

        var to = new ArrayBufferWriter<byte>(closed.Length + 256);
        using (var writer = new Utf8JsonWriter(to, WriterOptions))
        {
            root.WriteTo(writer);
        }

        var patched = ItemBody.Parse(to.WrittenSpan, container);
        if (!patched.Key.Equals(operation.Key) || patched.Id != operation.Id)
        {
            throw Bad("the id and the partition key cannot be changed");
        }

        return patched;
    }

    private void Add(JsonObject operation)
    {
        var op = ((string?)operation["op"] ?? throw Bad("an operation has no op")).ToLowerInvariant();
        var path = Split((string?)operation["path"] ?? throw Bad("an operation has no path"));
        if (op is not ("add" or "set" or "replace" or "remove" or "incr" or "move"))
        {
            throw Bad($"the operation '{op}' does not exist");
        }

        if (op is "add" or "set" or "replace" or "incr" && !operation.ContainsKey("value"))
        {
            throw Bad($"'{op}' needs a value");
        }

        var value = operation["value"];
        if (op == "incr" && value?.GetValueKind() != JsonValueKind.Number)
        {
            throw Bad("'incr' needs a number");
        }

        var from = op == "move" ? Split((string?)operation["from"] ?? throw Bad("'move' needs a from")) : null;
        if (from is not null && path.Length > from.Length && path.AsSpan(0, from.Length).SequenceEqual(from))
        {
            throw Bad("a value cannot be moved into itself");
        }

        foreach (var target in from is null ? [path] : new[] { path, from })
        {
            if (target is ["id"] || (target[0] is "_rid" or "_self" or "_etag" or "_ts" or "_attachments"))
            {
                throw Bad($"'/{target[0]}' cannot be changed");
            }
        }

        _operations.Add((op, path, from, value));
    }

    private static void Apply(JsonNode root, string op, string[] path, string[]? from, JsonNode? value)
    {
        if (from is not null)
        {
            value = Take(root, from);
            op = "set";
        }

        var parent = Parent(root, path);
        var name = path[^1];
        if (parent is JsonArray array)
        {
            ApplyToArray(array, op, path, value);
            return;
        }

        var target = (JsonObject)parent;
        switch (op)
        {
            case "remove":
                if (!target.Remove(name))
                {
                    throw Absent(path);
                }

                return;
            case "replace" when !target.ContainsKey(name):
                throw Absent(path);
            case "incr":
                target[name] = target.TryGetPropertyValue(name, out var old) ? Sum(old, value!, path) : value;
                return;
            default:
                target[name] = value;
                return;
        }
    }

    private static void ApplyToArray(JsonArray array, string op, string[] path, JsonNode? value)
    {
        if (path[^1] == "-" && op is "add" or "set")
        {
            array.Add(value);
            return;
        }

        if (!int.TryParse(path[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var index) || index > array.Count
            || (index == array.Count && op is not ("add" or "set")))
        {
            throw Absent(path);
        }

        switch (op)
        {
            case "remove":
                array.RemoveAt(index);
                break;
            case "add":
                array.Insert(index, value);
                break;
            case "set" when index == array.Count:
                array.Add(value);
                break;
            case "incr":
                array[index] = Sum(array[index], value!, path);
                break;
            default:
                array[index] = value;
                break;
        }
    }

    private static JsonNode? Take(JsonNode root, string[] path)
    {
        var parent = Parent(root, path);
        if (parent is JsonObject target && target.TryGetPropertyValue(path[^1], out var value))
        {
            target.Remove(path[^1]);
            return value;
        }

        if (parent is JsonArray array && int.TryParse(path[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < array.Count)
        {
            value = array[index];
            array.RemoveAt(index);
            return value;
        }

        throw Absent(path);
    }

    private static JsonNode Parent(JsonNode root, string[] path)
    {
        var node = root;
        foreach (var segment in path.AsSpan(0, path.Length - 1))
        {
            node = node switch
            {
                JsonObject target => target[segment],
                JsonArray array when int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < array.Count => array[index],
                _ => null,
            } ?? throw Absent(path);
        }

        return node is JsonObject or JsonArray ? node : throw Absent(path);
    }

    /// <summary>Integers stay integers.</summary>
    private static JsonNode Sum(JsonNode? old, JsonNode add, string[] path)
    {
        if (old?.GetValueKind() != JsonValueKind.Number)
        {
            throw Bad($"'/{string.Join('/', path)}' is not a number");
        }

        var (x, y) = ((System.Text.Json.Nodes.JsonValue)old, (System.Text.Json.Nodes.JsonValue)add);
        if (x.TryGetValue(out long a) && y.TryGetValue(out long b) && a + (Int128)b is var sum && sum >= long.MinValue && sum <= long.MaxValue)
        {
            return (long)sum;
        }

        var result = x.GetValue<double>() + y.GetValue<double>();
        return double.IsFinite(result) ? result : throw Bad($"'/{string.Join('/', path)}' would not be a finite number");
    }

    private static string[] Split(string path)
    {
        if (path.Length < 2 || path[0] != '/')
        {
            throw Bad($"the path '{path}' does not start with /");
        }

        return [.. path[1..].Split('/').Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static EmulatorException Absent(string[] path) => Bad($"'/{string.Join('/', path)}' does not exist");

    private static EmulatorException Bad(string why) => new(400, $"The patch is not valid: {why}.");
}
