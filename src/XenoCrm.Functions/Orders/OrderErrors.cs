using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Orders;

public sealed record OrderNotFound(string Id)
    : Problem(404, "order.not_found", "There is no such order", $"No order has the id {Id}.");

[Codes(400, OrderCodes.TooManyCategories)]
[Codes(404, OrderCodes.CustomerUnknown)]
[Codes(409, OrderCodes.Duplicate, OrderCodes.RefundInvalid, OrderCodes.StatusInvalid, OrderCodes.TooManyChanges, OrderCodes.TotalTooLarge, CustomerErased.CodeName, IdentityConflict.CodeName)]
[Codes(503, OrderCodes.Busy)]
public sealed record OrderRefused(int Status, string Code, string Reason)
    : Problem(Status, Code, "The order cannot be written", Reason);

[Codes(409, CustomerErased.CodeName, CustomerMerged.CodeName, OrderCodes.TooManyCategories, OrderCodes.TotalTooLarge)]
public sealed record MergeRefused(string Code, string Reason)
    : Problem(409, Code, "The customers cannot be merged", Reason);

internal static class OrderCodes
{
    public const string CustomerUnknown = "order.customer_unknown";
    public const string StatusInvalid = "order.status_invalid";
    public const string AmountMissing = "order.amount_missing";

    /// <summary>A warning: amount and items are both kept as given.</summary>
    public const string AmountDiffers = "order.amount_differs";
    public const string DateInvalid = "order.date_invalid";
    public const string RefundInvalid = "order.refund_invalid";
    public const string TooManyChanges = "order.too_many_changes";
    public const string Duplicate = "order.duplicate";
    public const string TooManyCategories = "order.too_many_categories";
    public const string TotalTooLarge = "order.total_too_large";
    public const string Busy = "order.busy";
}
