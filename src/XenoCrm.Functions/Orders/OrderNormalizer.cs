using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>The same checks for every way in.</summary>
public static class OrderNormalizer
{
    public const int MaxOrderNumber = 100;
    public const int MaxItems = 200;
    public const int MaxSource = 100;
    public const int MaxProduct = 200;
    public const int MaxCategory = 100;
    public const int MaxQuantity = 1_000_000;

    /// <summary>Storage keeps numbers as doubles: so many digits come back as they were sent.</summary>
    private const int QuantityDigits = 6;

    /// <summary>Major units. Far above any order, and low enough that thousands of them add up exactly (<see cref="OrderTotals.MaxTotal"/>).</summary>
    public const decimal MaxAmount = 1_000_000_000m;

    /// <param name="issues">Receives what is wrong (then the draft is null) and what is doubtful (warnings).</param>
    public static OrderDraft? Normalize(OrderInput input, string workspaceCurrency, List<FieldIssue> issues)
    {
        var before = issues.Count(i => !i.IsWarning);
        var number = input.OrderNumber?.Trim();
        if (string.IsNullOrEmpty(number))
        {
            issues.Add(new("orderNumber", "order.number_missing", "An order needs its number."));
        }
        else if (number.Length > MaxOrderNumber || number.Any(char.IsControl))
        {
            issues.Add(new("orderNumber", "order.number_invalid", $"At most {MaxOrderNumber} characters, none of them a control character."));
        }

        var currency = input.Currency?.Trim().ToUpperInvariant() is { Length: > 0 } given ? given : workspaceCurrency;
        if (currency != workspaceCurrency)
        {
            issues.Add(new("currency", "order.currency_unsupported", $"Amounts are in {workspaceCurrency}."));
        }

        Amount("amount", input.Amount, "An amount is not negative; send refundedAmount or the status 'refunded' for money given back.", issues);
        Amount("refundedAmount", input.RefundedAmount, "What was given back is not negative.", issues);
        var source = input.Source?.Trim() is { Length: > 0 } text ? text : null;
        if (source?.Length > MaxSource)
        {
            issues.Add(new("source", "order.source_invalid", $"At most {MaxSource} characters."));
        }

        var customer = Customer(input.Customer, issues);
        var items = Items(input.Items, workspaceCurrency, issues);
        if (Order.SumOf(items) > Money.ToMinor(MaxAmount, workspaceCurrency))
        {
            issues.Add(new("items", "order.amount_too_large", $"Items cost at most {MaxAmount} together."));
        }

        if (issues.Count(i => !i.IsWarning) > before)
        {
            return null;
        }

        var amount = input.Amount is { } major ? Money.ToMinor(major, currency) : (long?)null;
        if (amount is not null && Order.SumOf(items) is { } sum && sum != amount)
        {
            issues.Add(new("amount", OrderCodes.AmountDiffers, $"The items cost {Money.ToMajor(sum, currency)} together.", IsWarning: true));
        }

        return new OrderDraft
        {
            OrderNumber = number!,
            CustomerId = input.Customer?.Id,
            Customer = customer,
            Amount = amount,
            Refunded = input.RefundedAmount is { } refunded ? Money.ToMinor(refunded, currency) : null,
            Currency = currency,
            Status = input.Status,
            PlacedAt = input.PlacedAt is { } at ? ToMilliseconds(at) : null,
            Items = items,
            Source = source,
        };
    }

    /// <summary>As precise as times are stored, so that the same order sent again is the same.</summary>
    public static DateTimeOffset ToMilliseconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);

    private static void Amount(string field, decimal? value, string whenNegative, List<FieldIssue> issues)
    {
        if (value is < 0)
        {
            issues.Add(new(field, "order.amount_negative", whenNegative));
        }
        else if (value > MaxAmount)
        {
            issues.Add(new(field, "order.amount_too_large", $"At most {MaxAmount} is accepted."));
        }
    }

    private static CustomerDraft? Customer(CustomerReference? reference, List<FieldIssue> issues)
    {
        if (reference?.Id is { } id)
        {
            if (id.Length != 32 || !id.All(char.IsAsciiHexDigitLower))
            {
                issues.Add(new("customer/id", "order.customer_unknown", "This is not the id of a customer."));
            }

            return null;
        }

        var found = new List<FieldIssue>();
        var draft = reference is null
            ? null
            : CustomerNormalizer.Normalize(new() { ExternalId = reference.ExternalId, Email = reference.Email, Phone = reference.Phone }, found);
        issues.AddRange(found.Where(i => i.Code != "customer.identity_missing").Select(i => i with { Field = $"customer/{i.Field}" }));
        if (draft is null || found.Any(i => i.Code == "customer.identity_missing"))
        {
            issues.Add(new("customer", "order.customer_missing", "An order names its customer by id, external id, email, or phone with + and country code."));
        }

        return draft;
    }

    private static List<OrderItem>? Items(IReadOnlyList<OrderItemInput>? inputs, string currency, List<FieldIssue> issues)
    {
        if (inputs?.Count > MaxItems)
        {
            issues.Add(new("items", "order.too_many_items", $"At most {MaxItems} items are kept."));
            return null;
        }

        var items = inputs is null ? null : new List<OrderItem>(inputs.Count);
        for (var i = 0; i < inputs?.Count; i++)
        {
            var input = inputs[i];
            var product = input?.Product?.Trim();
            var category = input?.Category?.Trim() is { Length: > 0 } name ? name : null;
            if (input is null || product is not { Length: > 0 and <= MaxProduct } || category?.Length > MaxCategory)
            {
                issues.Add(new($"items/{i}", "order.item_invalid", $"An item has a product of 1 to {MaxProduct} characters and at most {MaxCategory} for its category."));
            }
            else if (input.Quantity is <= 0 or > MaxQuantity || input.UnitPrice is < 0 or > MaxAmount || input.Quantity * input.UnitPrice > MaxAmount)
            {
                issues.Add(new($"items/{i}", "order.item_invalid", "The quantity is above 0, the price is not negative, and both are within reason."));
            }
            else if (decimal.Round(input.Quantity, QuantityDigits) != input.Quantity)
            {
                issues.Add(new($"items/{i}/quantity", "order.item_invalid", $"A quantity has at most {QuantityDigits} decimals."));
            }
            else
            {
                items!.Add(new(product, category, input.Quantity, Money.ToMinor(input.UnitPrice, currency)));
            }
        }

        return items;
    }
}
