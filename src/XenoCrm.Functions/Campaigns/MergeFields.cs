using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Campaigns;

/// <summary>The customer's fields that a template may name, and their text.</summary>
public sealed class MergeFields(IOptions<WorkspaceOptions> workspace)
{
    public const string AttributePrefix = "attributes.";

    private static readonly Dictionary<string, Func<Customer, string, string?>> Fields = new()
    {
        ["externalId"] = (c, _) => c.ExternalId,
        ["firstName"] = (c, _) => c.FirstName,
        ["lastName"] = (c, _) => c.LastName,
        ["fullName"] = (c, _) => (c.FirstName, c.LastName) switch { (null, var l) => l, (var f, null) => f, var (f, l) => f + " " + l },
        ["email"] = (c, _) => c.Email,
        ["phone"] = (c, _) => c.Phone,
        ["city"] = (c, _) => c.City,
        ["region"] = (c, _) => c.Region,
        ["country"] = (c, _) => c.Country,
        ["postalCode"] = (c, _) => c.PostalCode,
        ["company"] = (c, _) => c.Company,
        ["language"] = (c, _) => c.Language,
        ["birthday"] = (c, _) => c.Birthday?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        ["totalSpend"] = (c, currency) => Money.ToMajor(c.TotalSpend, currency).ToString(CultureInfo.InvariantCulture),
        ["averageOrderValue"] = (c, currency) => c.AverageOrderValue is { } v ? Money.ToMajor(v, currency).ToString(CultureInfo.InvariantCulture) : null,
        ["orderCount"] = (c, _) => c.OrderCount.ToString(CultureInfo.InvariantCulture),
        ["visits"] = (c, _) => c.Visits.ToString(CultureInfo.InvariantCulture),
        ["firstOrderAt"] = (c, _) => Day(c.FirstOrderAt),
        ["lastOrderAt"] = (c, _) => Day(c.LastOrderAt),
        ["lastVisitAt"] = (c, _) => Day(c.LastVisitAt),
        ["lastActiveAt"] = (c, _) => Day(c.LastActiveAt),
    };

    public static IEnumerable<string> Names => Fields.Keys.Order();

    public static bool Exists(string field) =>
        Fields.ContainsKey(field) || (field.StartsWith(AttributePrefix, StringComparison.Ordinal) && field.Length > AttributePrefix.Length);

    /// <summary>Only the fields named: a template uses few of them, and this runs once per message.</summary>
    public Dictionary<string, object?> Of(Customer customer, IReadOnlyCollection<string> fields)
    {
        var values = new Dictionary<string, object?>(fields.Count);
        Dictionary<string, object?>? attributes = null;
        foreach (var field in fields)
        {
            if (Fields.TryGetValue(field, out var read))
            {
                values[field] = read(customer, workspace.Value.Currency);
            }
            else
            {
                var key = field[AttributePrefix.Length..];
                values["attributes"] = attributes ??= [];
                attributes[key] = customer.Attributes.TryGetValue(key, out var value) ? Text(value) : null;
            }
        }

        return values;
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    private static string? Day(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
