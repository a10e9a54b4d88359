using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>
/// An order of a list, and where in it a page begins: after a value and an id, not after a number of items, so that
/// nothing is skipped or repeated whatever is written meanwhile. Customers without the value come last, in the order
/// of their ids, in both directions.
/// </summary>
/// <param name="Path">What decides, and the id where it is equal; null: the id alone, which is the order of creation.</param>
/// <param name="IsOptional">Not every customer has it.</param>
public sealed record CustomerSort(string Name, string? Path, bool IsOptional, bool IsDescending, Func<Customer, object?>? Value)
{
    private static readonly Dictionary<string, (string Path, bool IsOptional, Func<Customer, object?> Value)> Fields = new()
    {
        ["createdAt"] = ("/createdAt", false, c => UtcTimeConverter.Write(c.CreatedAt)),
        ["updatedAt"] = ("/updatedAt", false, c => UtcTimeConverter.Write(c.UpdatedAt)),
        ["lastActiveAt"] = ("/lastActiveAt", true, c => c.LastActiveAt is { } at ? UtcTimeConverter.Write(at) : null),
        ["totalSpend"] = ("/totalSpend", false, c => c.TotalSpend),
        ["orderCount"] = ("/orderCount", false, c => c.OrderCount),
        ["lastName"] = ("/sortName", true, c => c.SortName),
    };

    /// <summary>Each needs a composite index with the id.</summary>
    public static IEnumerable<string> Paths => Fields.Values.Select(f => f.Path);

    public static string Names => string.Join(", ", Fields.Keys);

    /// <summary>Reads <c>?sort=-totalSpend</c>; absent: the newest first.</summary>
    public static CustomerSort From(HttpRequest request)
    {
        var text = request.Query["sort"].ToString();
        if (text.Length == 0)
        {
            return new("", null, false, IsDescending: true, null);
        }

        var descending = text.StartsWith('-');
        return Fields.TryGetValue(descending ? text[1..] : text, out var field)
            ? new(text, field.Path, field.IsOptional, descending, field.Value)
            : throw RequestInvalid.At("/sort", $"One of {Names} is expected, with - in front for descending order.").ToException();
    }

    /// <summary>Where the page after this customer begins.</summary>
    public string PositionOf(Customer last) => JsonSerializer.Serialize(new Position(last.Id, Value?.Invoke(last) is { } value ? JsonSerializer.SerializeToElement(value) : null), Json.Options);

    /// <summary>The page after a position (null: the first), as the queries that it takes one after the other until it is full.</summary>
    public IEnumerable<(CustomerFilter Filter, string OrderBy)> Queries(CustomerFilter filter, string? position)
    {
        var after = position is null ? null : JsonSerializer.Deserialize<Position>(position, Json.Options);
        var (direction, beyond) = IsDescending ? ("DESC", "<") : ("ASC", ">");
        if (Path is not null && (after is null || after.Value is not null))
        {
            var path = "c." + Path[1..];
            var order = $"{path} {direction}, c.id {direction}";
            if (after is null)
            {
                yield return (IsOptional ? filter.And($"IS_DEFINED({path})") : filter, order);
            }
            else
            {
                // The first condition is implied by the second, and tells the index where to begin.
                yield return (filter.And(
                    $"{path} {beyond}= @sortValue AND ({path} {beyond} @sortValue OR c.id {beyond} @sortId)",
                    ("@sortValue", Plain(after.Value!.Value)), ("@sortId", after.Id)), order);
            }
        }

        if (Path is null || IsOptional)
        {
            // Ids are hexadecimal: 'g' is above all of them, and below the ids of other items in the container.
            var rest = Path is null ? filter : filter.And($"NOT IS_DEFINED(c.{Path[1..]})");
            yield return (after is null || (Path is not null && after.Value is not null)
                ? rest.And("c.id < @sortId", ("@sortId", "g"))
                : rest.And($"c.id {beyond} @sortId AND c.id < @sortEnd", ("@sortId", after.Id), ("@sortEnd", "g")), $"c.id {direction}");
        }
    }

    private static object Plain(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetInt64() : value.GetString()!;

    /// <param name="Value">Absent: the page begins among those without one.</param>
    private sealed record Position(string Id, JsonElement? Value);
}
