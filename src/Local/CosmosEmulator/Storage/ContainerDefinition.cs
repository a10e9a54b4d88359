using System.Text;
using System.Text.Json.Nodes;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>What a container was created with, read once from its JSON.</summary>
internal sealed class ContainerDefinition
{
    public required string Id { get; init; }

    /// <summary>Each partition key path as its property names.</summary>
    public required IReadOnlyList<byte[][]> KeyPaths { get; init; }

    /// <summary>The paths as they were given.</summary>
    public required IReadOnlyList<string> KeyPathTexts { get; init; }

    /// <summary>Null: time to live is off. -1: on, without a default. Else seconds.</summary>
    public required int? DefaultTtl { get; init; }

    public required IndexingPolicy Indexing { get; init; }

    /// <exception cref="EmulatorException">The service would refuse it.</exception>
    public static ContainerDefinition Parse(JsonObject body)
    {
        var id = Names.Require(body);
        var key = body["partitionKey"] as JsonObject
            ?? throw new EmulatorException(400, "The container has no partitionKey: {\"paths\":[\"/path\"],\"kind\":\"Hash\",\"version\":2}.");
        var texts = (key["paths"] as JsonArray ?? []).Select(path => (string?)path ?? string.Empty).ToList();
        var hierarchical = string.Equals((string?)key["kind"], "MultiHash", StringComparison.OrdinalIgnoreCase);
        if (texts.Count == 0 || texts.Count > (hierarchical ? 3 : 1))
        {
            throw new EmulatorException(400, $"A partition key of kind {(hierarchical ? "MultiHash has one to three paths" : "Hash has one path")}.");
        }

        var paths = new List<byte[][]>();
        foreach (var text in texts)
        {
            var segments = IndexingPolicy.Split(text);
            if (segments.Length == 0 || segments.Any(s => s.Length == 0 || s is "[]" or "*" or "?"))
            {
                throw new EmulatorException(400, $"The partition key path '{text}' is not valid.");
            }

            paths.Add([.. segments.Select(Encoding.UTF8.GetBytes)]);
        }

        if ((body["uniqueKeyPolicy"]?["uniqueKeys"] as JsonArray)?.Count > 0)
        {
            throw new EmulatorException(400, "Unique keys are not supported by this emulator.");
        }

        // Each of these changes what queries mean: taken and not applied, they would hide a mistake until production.
        foreach (var (name, what) in new[] { ("computedProperties", "Computed properties"), ("vectorEmbeddingPolicy", "Vector embeddings"), ("fullTextPolicy", "Full-text indexes") })
        {
            if (body[name] is JsonArray { Count: > 0 } or JsonObject { Count: > 0 })
            {
                throw new EmulatorException(400, $"{what} are not supported by this emulator: {name}.");
            }
        }

        var ttl = body["defaultTtl"] is JsonValue value
            ? value.TryGetValue(out int seconds) && seconds is -1 or > 0
                ? seconds
                : throw new EmulatorException(400, "defaultTtl must be -1 or a positive number of seconds.")
            : (int?)null;

        return new ContainerDefinition
        {
            Id = id,
            KeyPaths = paths,
            KeyPathTexts = texts,
            DefaultTtl = ttl,
            Indexing = IndexingPolicy.Parse(body),
        };
    }
}

/// <summary>Rules for the ids of databases, containers and items.</summary>
internal static class Names
{
    private const int MaxResourceId = 255, MaxItemIdBytes = 1023;

    public static string Require(JsonObject body)
    {
        if (body["id"] is not JsonValue value || !value.TryGetValue(out string? id) || id.Length == 0)
        {
            throw new EmulatorException(400, "The input content is invalid because the required property 'id' is missing or empty.");
        }

        if (id.Length > MaxResourceId || id.AsSpan().ContainsAny("/\\#?") || id[^1] == ' ')
        {
            throw new EmulatorException(400, $"The id '{id}' is invalid: at most {MaxResourceId} characters, none of / \\ # ?, no space at the end.");
        }

        return id;
    }

    /// <summary>
    /// Null when an item may have the id. "%" followed by two hex digits is refused here, though the service takes it: in
    /// gateway mode the SDK sends such an id as it is, and nobody can tell "a%20b" from "a b".
    /// </summary>
    public static string? ProblemWithItemId(string id)
    {
        if (id.Length == 0)
        {
            return "The id must not be empty.";
        }

        if (id.Length > MaxItemIdBytes / 3 && Encoding.UTF8.GetByteCount(id) is > MaxItemIdBytes and var bytes)
        {
            return $"The id has {bytes} bytes; at most {MaxItemIdBytes} are allowed.";
        }

        if (id.AsSpan().ContainsAny("/\\#?"))
        {
            return $"The id '{id}' contains one of the characters / \\ # ?.";
        }

        for (var at = id.IndexOf('%'); at >= 0; at = id.IndexOf('%', at + 1))
        {
            if (at + 2 < id.Length && char.IsAsciiHexDigit(id[at + 1]) && char.IsAsciiHexDigit(id[at + 2]))
            {
                return $"The id '{id}' contains an escape sequence, which cannot be told from the character it stands for.";
            }
        }

        return null;
    }
}
