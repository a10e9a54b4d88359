using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Campaigns;

public enum MergeKind
{
    Text,
    Number,
    Money,

    /// <summary>A day, or the day of a time in the customer's time zone.</summary>
    Day,
}

/// <summary>The customer's fields that a template may name, and their text.</summary>
public sealed class MergeFields(IOptions<WorkspaceOptions> workspace)
{
    public const string AttributePrefix = "attributes.";

    /// <summary>Where the recipient can stop the messages. Not a field of the customer: every message has its own.</summary>
    public const string UnsubscribeUrl = "unsubscribeUrl";

    private sealed record Field(MergeKind Kind, Func<Customer, object?> Read);

    private static readonly Dictionary<string, Field> Fields = new()
    {
        ["externalId"] = Text(c => c.ExternalId),
        ["firstName"] = Text(c => c.FirstName),
        ["lastName"] = Text(c => c.LastName),
        ["fullName"] = Text(c => (c.FirstName, c.LastName) switch { (null, var l) => l, (var f, null) => f, var (f, l) => f + " " + l }),
        ["email"] = Text(c => c.Email),
        ["phone"] = Text(c => c.Phone),
        ["city"] = Text(c => c.City),
        ["region"] = Text(c => c.Region),
        ["country"] = Text(c => c.Country),
        ["postalCode"] = Text(c => c.PostalCode),
        ["company"] = Text(c => c.Company),
        ["language"] = Text(c => c.Language),
        ["birthday"] = new(MergeKind.Day, c => c.Birthday),
        ["totalSpend"] = new(MergeKind.Money, c => c.TotalSpend),
        ["averageOrderValue"] = new(MergeKind.Money, c => c.AverageOrderValue),
        ["orderCount"] = new(MergeKind.Number, c => (decimal)c.OrderCount),
        ["visits"] = new(MergeKind.Number, c => (decimal)c.Visits),
        ["firstOrderAt"] = new(MergeKind.Day, c => LocalDay(c, c.FirstOrderAt)),
        ["lastOrderAt"] = new(MergeKind.Day, c => LocalDay(c, c.LastOrderAt)),
        ["lastVisitAt"] = new(MergeKind.Day, c => LocalDay(c, c.LastVisitAt)),
        ["lastActiveAt"] = new(MergeKind.Day, c => LocalDay(c, c.LastActiveAt)),
    };

    public static IEnumerable<string> Names => Fields.Keys.Append(UnsubscribeUrl).Order();

    public static bool Exists(string field) => Fields.ContainsKey(field) || field == UnsubscribeUrl || IsAttribute(field);

    /// <summary>What the field holds; null for an attribute, which may hold anything.</summary>
    public static MergeKind? KindOf(string field) => Fields.TryGetValue(field, out var known) ? known.Kind : IsAttribute(field) ? null : MergeKind.Text;

    /// <summary>The values of the slots named, and no others: a template uses few of them, and this runs once per message.</summary>
    public Dictionary<string, object?> Of(Customer customer, string? unsubscribeUrl, IReadOnlyCollection<MergeSlot> slots)
    {
        var values = new Dictionary<string, object?>(slots.Count);
        Dictionary<string, object?>? attributes = null;
        foreach (var slot in slots)
        {
            var text = slot.Field == UnsubscribeUrl ? unsubscribeUrl : Write(customer, slot, Read(customer, slot.Field));
            if (slot is { Format: MergeFormat.Plain } && IsAttribute(slot.Field))
            {
                values["attributes"] = attributes ??= [];
                attributes[slot.Field[AttributePrefix.Length..]] = text;
            }
            else
            {
                values[slot.Name] = text;
            }
        }

        return values;
    }

    /// <summary>Those of the fields that this customer has nothing in.</summary>
    public IReadOnlyList<string> EmptyOf(Customer customer, IEnumerable<string> fields) =>
        [.. fields.Where(f => f != UnsubscribeUrl && Write(customer, new(f, f), Read(customer, f)) is null or "")];

    private string? Write(Customer customer, MergeSlot slot, object? value)
    {
        if (value is null || slot.Format == MergeFormat.Plain)
        {
            return value switch
            {
                long minor => Money.ToMajor(minor, workspace.Value.Currency).ToString(CultureInfo.InvariantCulture),
                DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
                _ => value as string,
            };
        }

        var local = LocalFormat.Of(customer.Language ?? workspace.Value.Language);
        return (slot.Format, value) switch
        {
            (MergeFormat.Number, decimal number) => local.Number(number),
            (MergeFormat.Number, long minor) => local.Number(Money.ToMajor(minor, workspace.Value.Currency)),
            (MergeFormat.Currency, long minor) => local.Currency(Money.ToMajor(minor, workspace.Value.Currency), workspace.Value.Currency),
            (MergeFormat.Currency, decimal amount) => local.Currency(amount, workspace.Value.Currency),
            (MergeFormat.Date, DateOnly day) => local.Day(day, slot.Style),

            // An attribute that holds something else: better as it is than nothing.
            _ => Write(customer, slot with { Format = MergeFormat.Plain }, value),
        };
    }

    private static object? Read(Customer customer, string field) => Fields.TryGetValue(field, out var known)
        ? known.Read(customer)
        : customer.Attributes.TryGetValue(field[AttributePrefix.Length..], out var value) ? Attribute(customer, value) : null;

    private static object? Attribute(Customer customer, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is { Length: > 0 } text =>
            text.Length == 10 && DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day
            : text.Length == UtcTimeConverter.Format.Length - 4 && value.TryGetDateTimeOffset(out var time) ? LocalDay(customer, time)
            : text,
        JsonValueKind.Number => value.TryGetDecimal(out var number) ? number : value.GetRawText(),
        JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    private static Field Text(Func<Customer, string?> read) => new(MergeKind.Text, read);

    private static bool IsAttribute(string field) => field.StartsWith(AttributePrefix, StringComparison.Ordinal) && field.Length > AttributePrefix.Length;

    private static DateOnly? LocalDay(Customer customer, DateTimeOffset? time) => time is not { } at ? null
        : DateOnly.FromDateTime(customer.TimeZone is { } zone && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found)
            ? TimeZoneInfo.ConvertTime(at, found).DateTime
            : at.UtcDateTime);
}
