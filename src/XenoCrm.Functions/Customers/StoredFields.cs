using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

/// <summary>
/// What an import changes of an item, and how that is taken back: by the names of the stored JSON, the members of
/// <c>attributes</c> and <c>consent</c> one by one.
/// </summary>
/// <param name="select">The part of the item that counts: an object with the stored names.</param>
/// <param name="maps">Members of it whose own members are fields.</param>
/// <param name="pairs">A field, and one that means nothing without it.</param>
internal sealed class StoredFields<T>(Func<T, object> select, string[] maps, (string Field, string With)[] pairs)
    where T : class
{
    /// <summary>Attributes that differ in case only are two: nodes must not take them for one.</summary>
    private static readonly JsonSerializerOptions Exact = new(Json.Options) { PropertyNameCaseInsensitive = false };

    /// <summary>A hash of all fields.</summary>
    public string Print(T item) => WriteJournal.Print(JsonSerializer.SerializeToUtf8Bytes(select(item), Json.Options));

    public Dictionary<string, ValueChange> Between(T before, T after)
    {
        var (old, now) = (Flatten(before), Flatten(after));
        var changes = new Dictionary<string, ValueChange>();
        foreach (var name in old.Keys.Union(now.Keys))
        {
            var (a, b) = (old.GetValueOrDefault(name), now.GetValueOrDefault(name));
            if (!JsonNode.DeepEquals(a, b))
            {
                changes[name] = new(ToElement(a), ToElement(b));
            }
        }

        return changes;
    }

    /// <summary>Puts back what each field was, where it still is what the import made of it.</summary>
    /// <param name="except">Fields to be left.</param>
    /// <returns>The item, the same when nothing could be put back; and the fields that were left.</returns>
    public (T After, IReadOnlyList<string> Left) TakeBack(T item, IReadOnlyDictionary<string, ValueChange> changes, IReadOnlySet<string> except)
    {
        var current = Flatten(item);
        var left = changes.Where(c => except.Contains(c.Key) || !JsonNode.DeepEquals(current.GetValueOrDefault(c.Key), ToNode(c.Value.After))).Select(c => c.Key).ToHashSet();
        foreach (var (field, with) in pairs)
        {
            if (changes.ContainsKey(field) && (left.Contains(with) || except.Contains(with)))
            {
                left.Add(field);
            }
        }

        if (left.Count == changes.Count)
        {
            return (item, [.. left]);
        }

        var document = JsonSerializer.SerializeToNode(item, Exact)!.AsObject();
        foreach (var (name, change) in changes)
        {
            if (left.Contains(name))
            {
                continue;
            }

            var (target, key) = maps.FirstOrDefault(m => name.StartsWith(m + ".", StringComparison.Ordinal)) is { } map
                ? (document[map]!.AsObject(), name[(map.Length + 1)..]) : (document, name);
            if (change.Before is null)
            {
                target.Remove(key);
            }
            else
            {
                target[key] = ToNode(change.Before);
            }
        }

        return (document.Deserialize<T>(Json.Options)!, [.. left]);
    }

    private Dictionary<string, JsonNode?> Flatten(T item)
    {
        var flat = new Dictionary<string, JsonNode?>();
        foreach (var (name, value) in JsonSerializer.SerializeToNode(select(item), Exact)!.AsObject())
        {
            if (!maps.Contains(name))
            {
                flat[name] = value;
                continue;
            }

            foreach (var (key, inner) in value!.AsObject())
            {
                flat[$"{name}.{key}"] = inner;
            }
        }

        return flat;
    }

    private static JsonElement? ToElement(JsonNode? node) => node is null ? null : JsonSerializer.SerializeToElement(node, Json.Options);

    private static JsonNode? ToNode(JsonElement? element) => element is { } value ? JsonSerializer.SerializeToNode(value, Exact) : null;
}

/// <summary>What identifies a customer, what it is like, and what it has agreed to.</summary>
internal static class CustomerFields
{
    public static readonly StoredFields<Customer> Profile = new(
        c => new
        {
            c.ExternalId, c.FirstName, c.LastName, c.Email, c.Phone, c.PhoneUsable, c.City, c.Region, c.Country, c.PostalCode, c.Company, c.Language,
            c.TimeZone, c.Birthday, c.Tags, c.Source, c.Attributes, c.Consent,
        },
        ["attributes", "consent"],
        [("phoneUsable", "phone")]);
}
