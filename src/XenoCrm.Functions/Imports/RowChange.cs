using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform;

namespace XenoCrm.Imports;

/// <param name="Field">As columns are mapped: <c>email</c>, <c>attributes.fax</c>, <c>consent.email</c>.</param>
/// <param name="Before">Absent when there was nothing.</param>
/// <param name="After">Absent when there is nothing any more.</param>
public sealed record FieldChange(string Field, JsonElement? Before, JsonElement? After);

/// <summary>What a row of a dry run would do.</summary>
/// <param name="CustomerId">The customer that it means; absent when it would be created, or the row fails.</param>
/// <param name="Fields">Only those that would change; absent for a row that changes what an earlier, distant row of the file would have created.</param>
/// <param name="Issues">Why it would fail, and what is doubtful.</param>
public sealed record RowChange(long Row, WriteOutcome Outcome, string? CustomerId, IReadOnlyList<FieldChange>? Fields, IReadOnlyList<RowIssue>? Issues)
{
    public static IReadOnlyList<FieldChange> Between(Customer? before, Customer? after) => Between(Flatten(before), Flatten(after));

    public static IReadOnlyList<FieldChange> Between(Order? before, Order? after) => Between(Flatten(before), Flatten(after));

    private static List<FieldChange> Between(SortedDictionary<string, JsonElement> before, SortedDictionary<string, JsonElement> after)
    {
        var changes = new List<FieldChange>();
        foreach (var field in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
        {
            var was = before.TryGetValue(field, out var b) ? b : (JsonElement?)null;
            var becomes = after.TryGetValue(field, out var a) ? a : (JsonElement?)null;
            if (was is null || becomes is null || !JsonElement.DeepEquals(was.Value, becomes.Value))
            {
                changes.Add(new(field, was, becomes));
            }
        }

        return changes;
    }

    private static SortedDictionary<string, JsonElement> Flatten(Customer? customer)
    {
        var fields = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        if (customer is null)
        {
            return fields;
        }

        foreach (var property in JsonSerializer.SerializeToElement(CustomerInput.From(customer) with { Attributes = null, Consent = null }, Json.Options).EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Array || property.Value.GetArrayLength() > 0)
            {
                fields[property.Name] = property.Value;
            }
        }

        foreach (var (name, value) in customer.Attributes)
        {
            fields[ColumnMap.AttributePrefix + name] = value;
        }

        foreach (var (channel, consent) in customer.Consent)
        {
            fields["consent." + channel] = JsonSerializer.SerializeToElement(consent.State, Json.Options);
        }

        return fields;
    }

    private static SortedDictionary<string, JsonElement> Flatten(Order? order)
    {
        var fields = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        if (order is null)
        {
            return fields;
        }

        fields["orderNumber"] = JsonSerializer.SerializeToElement(order.OrderNumber, Json.Options);
        fields["amount"] = JsonSerializer.SerializeToElement(Money.ToMajor(order.Amount, order.Currency), Json.Options);
        fields["currency"] = JsonSerializer.SerializeToElement(order.Currency, Json.Options);
        fields["status"] = JsonSerializer.SerializeToElement(order.Status, Json.Options);
        fields["placedAt"] = JsonSerializer.SerializeToElement(order.PlacedAt, Json.Options);
        if (order.Refunded > 0)
        {
            fields["refunded"] = JsonSerializer.SerializeToElement(Money.ToMajor(order.Refunded, order.Currency), Json.Options);
        }

        if (order.Items.Count > 0)
        {
            fields["items"] = JsonSerializer.SerializeToElement(
                order.Items.Select(i => new { i.Product, i.Category, i.Quantity, UnitPrice = Money.ToMajor(i.UnitPrice, order.Currency) }), Json.Options);
        }

        return fields;
    }
}
