using System.Globalization;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Orders;

/// <summary>Which orders, in which order. Every condition is on an indexed path of <see cref="Customers.CustomerStore.Definition"/>.</summary>
/// <param name="From">Placed at or after.</param>
/// <param name="To">Placed before.</param>
/// <param name="Min">Minor units, inclusive.</param>
/// <param name="Max">Minor units, inclusive.</param>
/// <param name="Category">One of the items has it, exactly.</param>
public sealed record OrderFilter(
    string? CustomerId = null, OrderStatus? Status = null, string? OrderNumber = null, DateTimeOffset? From = null, DateTimeOffset? To = null,
    long? Min = null, long? Max = null, string? Category = null, OrderSort Sort = OrderSort.NewestFirst)
{
    public static OrderFilter Of(HttpRequest request, string? customerId, string currency)
    {
        var filter = new OrderFilter(
            customerId ?? Text(request, "customerId"),
            StatusOf(request),
            Text(request, "orderNumber"),
            Time(request, "from"),
            Time(request, "to"),
            Amount(request, "minAmount", currency),
            Amount(request, "maxAmount", currency),
            Text(request, "category"),
            SortOf(request));
        return filter;
    }

    /// <summary>Names the list, so that a cursor of another is refused.</summary>
    public string ListName() => "orders/" + ToString();

    public bool IsByAmount => Sort is OrderSort.SmallestFirst or OrderSort.LargestFirst;

    public bool IsDescending => Sort is OrderSort.NewestFirst or OrderSort.LargestFirst;

    /// <summary>The text that the list is ordered by.</summary>
    public string KeyOf(Order order) => IsByAmount ? order.AmountKey : order.SortKey;

    /// <summary>The orders after <paramref name="position"/>, a key that <see cref="KeyOf"/> gave.</summary>
    public (string Sql, Dictionary<string, object> Parameters) ToQuery(string? position, int limit)
    {
        var parameters = new Dictionary<string, object>();
        var where = new List<string>();

        void Where(string condition, string name, object? value)
        {
            if (value is not null)
            {
                where.Add(condition);
                parameters[name] = value;
            }
        }

        // Customers, whose key sorts above all of these, are left out by the bound.
        Where("c.sortKey < @to", "@to", To is { } to ? UtcTimeConverter.Write(to) : Customers.Customer.LastSortKey);
        Where("c.sortKey >= @from", "@from", From is { } from ? UtcTimeConverter.Write(from) : null);
        Where("c.amountKey >= @min", "@min", Min is { } min ? Order.AmountPrefix(min) : null);
        Where("c.amountKey < @max", "@max", Max is { } max ? Order.AmountPrefix(max + 1) : null);
        Where("c.status = @status", "@status", Status);
        Where("c.orderNumber = @number", "@number", OrderNumber);
        Where("c.customerId = @customer", "@customer", CustomerId);
        Where("EXISTS (SELECT VALUE i FROM i IN c.items WHERE i.category = @category)", "@category", Category);

        var key = IsByAmount ? "c.amountKey" : "c.sortKey";
        Where(IsDescending ? $"{key} < @after" : $"{key} > @after", "@after", position);
        return ($"SELECT TOP {limit} * FROM c WHERE {string.Join(" AND ", where)} ORDER BY {key}{(IsDescending ? " DESC" : "")}", parameters);
    }

    private static string? Text(HttpRequest request, string name)
    {
        var value = request.Query[name].ToString().Trim();
        return value.Length == 0 ? null
            : value.Length <= 200 ? value
            : throw RequestInvalid.At("/" + name, "At most 200 characters are expected.").ToException();
    }

    private static OrderStatus? StatusOf(HttpRequest request)
    {
        var text = request.Query["status"].ToString();
        return text.Length == 0 ? null
            : Enum.TryParse<OrderStatus>(text, ignoreCase: true, out var status) && Enum.IsDefined(status) && !char.IsAsciiDigit(text[0]) ? status
            : throw RequestInvalid.At("/status", $"One of {string.Join(", ", Enum.GetNames<OrderStatus>()).ToLowerInvariant()} is expected.").ToException();
    }

    private static DateTimeOffset? Time(HttpRequest request, string name)
    {
        var text = request.Query[name].ToString();
        return text.Length == 0 ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time
            : throw RequestInvalid.At("/" + name, "A date or time in ISO 8601 is expected, such as 2026-01-31 or 2026-01-31T08:15:00Z.").ToException();
    }

    private static long? Amount(HttpRequest request, string name, string currency)
    {
        var text = request.Query[name].ToString();
        return text.Length == 0 ? null
            : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount) && amount <= OrderNormalizer.MaxAmount ? Money.ToMinor(amount, currency)
            : throw RequestInvalid.At("/" + name, $"An amount from 0 to {OrderNormalizer.MaxAmount} is expected, such as 12.50.").ToException();
    }

    private static OrderSort SortOf(HttpRequest request) => request.Query["sort"].ToString() switch
    {
        "" or "-placedAt" => OrderSort.NewestFirst,
        "placedAt" => OrderSort.OldestFirst,
        "-amount" => OrderSort.LargestFirst,
        "amount" => OrderSort.SmallestFirst,
        _ => throw RequestInvalid.At("/sort", "One of placedAt, -placedAt, amount, -amount is expected.").ToException(),
    };
}

public enum OrderSort
{
    NewestFirst,
    OldestFirst,
    LargestFirst,
    SmallestFirst,
}

/// <summary>The query parameters that <see cref="OrderFilter.Of"/> reads, but the customer.</summary>
public sealed class OrderQueriesAttribute() : QueriesAttribute(
[
    new("status", typeof(OrderStatus), "Only orders in this state"),
    new("orderNumber", typeof(string), "Only orders of this number"),
    new("from", typeof(DateTimeOffset), "Placed at this time or later"),
    new("to", typeof(DateTimeOffset), "Placed before this time"),
    new("minAmount", typeof(decimal), "Of this amount or more"),
    new("maxAmount", typeof(decimal), "Of this amount or less"),
    new("category", typeof(string), "With an item of this category"),
    new("sort", typeof(string), "placedAt, -placedAt (the newest first, the default), amount or -amount"),
]);
