using XenoCrm.Customers;
using XenoCrm.Orders;

namespace XenoCrm.Imports;

/// <summary>Rows of an orders file → drafts, each value checked, every problem of a row reported.</summary>
public sealed class OrderRows(IReadOnlyList<ImportColumn> columns, string[]? dateFormats, char? decimalSeparator, string currency)
{
    private readonly RowText text = new(columns);
    private readonly List<FieldIssue> issues = [];
    private readonly FileKeys keys = new();

    /// <returns>The order, if the row can be taken; it is in the run then.</returns>
    public OrderDraft? Read(CsvRows row, ImportRun run)
    {
        if (!text.Read(row, run))
        {
            return null;
        }

        issues.Clear();
        var amount = Amount();
        var input = new OrderInput
        {
            OrderNumber = text["orderNumber"],
            Customer = new() { ExternalId = text["customer.externalId"], Email = text["customer.email"], Phone = text["customer.phone"] },
            Amount = amount,
            Currency = text["currency"],
            Status = Status(),
            PlacedAt = PlacedAt(),
            Items = Items(amount),
        };

        var draft = OrderNormalizer.Normalize(input, currency, issues);
        foreach (var issue in issues)
        {
            run.Add(text.Issue(row.Row, FieldOf(issue.Field), issue.Code, issue.Message, issue.IsWarning));
        }

        if (draft is null || !issues.TrueForAll(i => i.IsWarning))
        {
            return null;
        }

        run.Orders.Add(new(draft, row.Row));
        return draft;
    }

    /// <summary>Called for each row that can be taken, in the order of the file.</summary>
    /// <returns>
    /// The customer as the row names it; the last row that has the same order number and other values, 0 if there is none,
    /// negative if it is another customer's; and who that is.
    /// </returns>
    public (ulong Customer, long Repeats, ulong Other) Compare(CsvRows row, OrderDraft draft)
    {
        var owner = draft.Customer is not { } reference ? 0
            : reference.ExternalId is { } id ? FileKeys.Hash("id", id)
            : reference.Email is { } email ? FileKeys.Hash("email", email.ToLowerInvariant())
            : FileKeys.Hash("phone", reference.Phone);
        var entry = new FileKeys.Entry(row.Row, FileKeys.Hash(row.Raw), owner);
        return keys.Exchange("order", draft.OrderNumber, entry) is not { } earlier || earlier.Bytes == entry.Bytes ? (owner, 0, owner)
            : (owner, earlier.Owner == owner ? earlier.Row : -earlier.Row, earlier.Owner);
    }

    /// <summary>An order number is unique within its customer: with another customer it is another order, which may not be what was meant.</summary>
    /// <param name="row">The one that was read last.</param>
    public void Warn(long row, long repeats, ImportRun run)
    {
        if (repeats != 0)
        {
            run.Add(repeats > 0
                ? text.Issue(row, "orderNumber", RowCodes.DuplicateInFile, $"Row {repeats} has the same order with other values. This row's are kept.", warning: true)
                : text.Issue(row, "orderNumber", RowCodes.OrderNumberRepeated, $"Row {-repeats} has this order number for another customer: these are two orders.", warning: true));
        }
    }

    private decimal? Amount()
    {
        if (text["amount"] is not { } value)
        {
            issues.Add(new("amount", RowCodes.Required, "An order needs its amount."));
            return null;
        }

        return Check("amount", FieldValues.Amount(value, decimalSeparator, out var amount)) ? amount : null;
    }

    private DateTimeOffset? PlacedAt() =>
        text["placedAt"] is { } value && Check("placedAt", FieldValues.Time(value, dateFormats, out var at)) ? at : null;

    private OrderStatus? Status()
    {
        if (text["status"] is not { } value)
        {
            return null;
        }

        var status = value.ToLowerInvariant() switch
        {
            "placed" or "new" or "open" or "pending" or "processing" => OrderStatus.Placed,
            "paid" => OrderStatus.Paid,
            "shipped" => OrderStatus.Shipped,
            "delivered" or "completed" or "complete" or "fulfilled" => OrderStatus.Delivered,
            "cancelled" or "canceled" => OrderStatus.Cancelled,
            "refunded" or "returned" => OrderStatus.Refunded,
            _ => (OrderStatus?)null,
        };
        if (status is null)
        {
            issues.Add(new("status", RowCodes.ValueUnknown, "The status is one of placed, paid, shipped, delivered, cancelled, refunded."));
        }

        return status;
    }

    /// <summary>A row that says what was bought is one item of the whole amount.</summary>
    private OrderItemInput[]? Items(decimal? amount) =>
        amount is >= 0 && (text["product"] ?? text["category"]) is { } product ? [new(product, text["category"], 1, amount.Value)] : null;

    private bool Check(string field, string? code)
    {
        if (code is null)
        {
            return true;
        }

        issues.Add(new(field, code, FieldValues.Explain(code)));
        return false;
    }

    private string FieldOf(string field) => field.Split('/') switch
    {
        ["customer"] => "customer.externalId",
        ["items", ..] => text.Has("product") ? "product" : "category",
        var parts => string.Join('.', parts),
    };
}
