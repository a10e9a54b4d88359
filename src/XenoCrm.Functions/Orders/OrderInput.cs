using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>Whose order it is: one of these. An external id goes before an email, an email before a phone.</summary>
public sealed record CustomerReference
{
    public string? Id { get; init; }
    public string? ExternalId { get; init; }
    public string? Email { get; init; }
    public string? Phone { get; init; }
}

/// <summary>What a caller or a file says of an order. In an upsert absent fields leave what is stored.</summary>
public sealed record OrderInput
{
    public string? OrderNumber { get; init; }
    public CustomerReference? Customer { get; init; }

    /// <summary>Major units: 12.50.</summary>
    public decimal? Amount { get; init; }

    /// <summary>The workspace's when absent.</summary>
    public string? Currency { get; init; }

    /// <summary><c>placed</c> when a new order has none.</summary>
    public OrderStatus? Status { get; init; }

    /// <summary>Now when a new order has none.</summary>
    public DateTimeOffset? PlacedAt { get; init; }
    public IReadOnlyList<OrderItemInput>? Items { get; init; }
    public string? Source { get; init; }
}

/// <param name="UnitPrice">Major units.</param>
public sealed record OrderItemInput(string Product, string? Category = null, decimal Quantity = 1, decimal UnitPrice = 0);

/// <summary>An <see cref="OrderInput"/> after <see cref="OrderNormalizer"/>.</summary>
public sealed record OrderDraft
{
    public required string OrderNumber { get; init; }

    /// <summary>The customer's id, when that is how the customer is named.</summary>
    public string? CustomerId { get; init; }

    /// <summary>Finds the customer, or creates it where that is asked for; null with <see cref="CustomerId"/>.</summary>
    public CustomerDraft? Customer { get; init; }

    /// <summary>Minor units.</summary>
    public long? Amount { get; init; }
    public required string Currency { get; init; }
    public OrderStatus? Status { get; init; }
    public DateTimeOffset? PlacedAt { get; init; }
    public IReadOnlyList<OrderItem>? Items { get; init; }
    public string? Source { get; init; }
}

/// <summary>The same checks for every way in.</summary>
public static class OrderNormalizer
{
    public const int MaxOrderNumber = 100;
    public const int MaxItems = 200;

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

        if (input.Amount is < 0)
        {
            issues.Add(new("amount", "order.amount_negative", "An amount is not negative; send the status 'refunded' for money given back."));
        }
        else if (input.Amount > MaxAmount)
        {
            issues.Add(new("amount", "order.amount_too_large", $"At most {MaxAmount} is accepted."));
        }

        var customer = Customer(input.Customer, issues);
        var items = Items(input.Items, workspaceCurrency, issues);
        if (issues.Count(i => !i.IsWarning) > before)
        {
            return null;
        }

        return new OrderDraft
        {
            OrderNumber = number!,
            CustomerId = input.Customer?.Id,
            Customer = customer,
            Amount = input.Amount is { } amount ? Money.ToMinor(amount, currency) : null,
            Currency = currency,
            Status = input.Status,
            PlacedAt = input.PlacedAt,
            Items = items,
            Source = input.Source?.Trim() is { Length: > 0 } source ? source : null,
        };
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
            if (input is null || product is not { Length: > 0 and <= 200 } || category?.Length > 100)
            {
                issues.Add(new($"items/{i}", "order.item_invalid", "An item has a product of 1 to 200 characters and at most 100 for its category."));
            }
            else if (input.Quantity is <= 0 or > 1_000_000 || input.UnitPrice is < 0 or > MaxAmount || input.Quantity * input.UnitPrice > MaxAmount)
            {
                issues.Add(new($"items/{i}", "order.item_invalid", "The quantity is above 0, the price is not negative, and both are within reason."));
            }
            else
            {
                items!.Add(new(product, category, input.Quantity, Money.ToMinor(input.UnitPrice, currency)));
            }
        }

        return items;
    }
}
