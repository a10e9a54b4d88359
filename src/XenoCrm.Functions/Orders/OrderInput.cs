using XenoCrm.Customers;

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

    /// <summary>Major units: 12.50. Of a new order with items their sum when absent; shipping, tax or a discount may make it another.</summary>
    public decimal? Amount { get; init; }

    /// <summary>Major units given back so far in all, so that sending it again gives nothing back twice. All of the amount makes the order refunded.</summary>
    public decimal? RefundedAmount { get; init; }

    /// <summary>The workspace's, which is the only one accepted.</summary>
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

    /// <summary>Minor units.</summary>
    public long? Refunded { get; init; }
    public required string Currency { get; init; }
    public OrderStatus? Status { get; init; }
    public DateTimeOffset? PlacedAt { get; init; }
    public IReadOnlyList<OrderItem>? Items { get; init; }
    public string? Source { get; init; }
}
