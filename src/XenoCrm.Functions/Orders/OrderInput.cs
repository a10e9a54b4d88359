using System.ComponentModel.DataAnnotations;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>Whose order it is: one of these. An external id goes before an email, an email before a phone.</summary>
public sealed record CustomerReference
{
    [RegularExpression("^[0-9a-f]{32}$")]
    public string? Id { get; init; }
    public string? ExternalId { get; init; }
    public string? Email { get; init; }
    public string? Phone { get; init; }
}

/// <summary>What a caller or a file says of an order. In an upsert absent fields leave what is stored.</summary>
public sealed record OrderInput
{
    [Required, MinLength(1), MaxLength(OrderNormalizer.MaxOrderNumber)]
    public string? OrderNumber { get; init; }
    [Required]
    public CustomerReference? Customer { get; init; }

    /// <summary>Major units: 12.50. Of a new order with items their sum when absent; shipping, tax or a discount may make it another.</summary>
    [Range(0, (double)OrderNormalizer.MaxAmount)]
    public decimal? Amount { get; init; }

    /// <summary>Major units given back so far in all, so that sending it again gives nothing back twice. All of the amount makes the order refunded.</summary>
    [Range(0, (double)OrderNormalizer.MaxAmount)]
    public decimal? RefundedAmount { get; init; }

    /// <summary>The workspace's, which is the only one accepted.</summary>
    public string? Currency { get; init; }

    /// <summary><c>placed</c> when a new order has none.</summary>
    public OrderStatus? Status { get; init; }

    /// <summary>Now when a new order has none.</summary>
    public DateTimeOffset? PlacedAt { get; init; }
    [MaxLength(OrderNormalizer.MaxItems)]
    public IReadOnlyList<OrderItemInput>? Items { get; init; }
    [MaxLength(OrderNormalizer.MaxSource)]
    public string? Source { get; init; }
}

/// <param name="UnitPrice">Major units.</param>
public sealed record OrderItemInput(
    [property: Required, MinLength(1), MaxLength(OrderNormalizer.MaxProduct)] string Product,
    [property: MaxLength(OrderNormalizer.MaxCategory)] string? Category = null,
    [property: Range(0, OrderNormalizer.MaxQuantity, MinimumIsExclusive = true)] decimal Quantity = 1,
    [property: Range(0, (double)OrderNormalizer.MaxAmount)] decimal UnitPrice = 0);

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
