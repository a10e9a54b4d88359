using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>What an import can change of an order.</summary>
internal static class OrderFields
{
    public static readonly StoredFields<Order> All = new(
        o => new { o.Amount, o.Refunded, o.Currency, o.Status, o.PlacedAt, o.Items, o.Changes, o.Source },
        [],

        // What is given back is part of the amount and of the status.
        [("refunded", "amount"), ("refunded", "status"), ("status", "refunded"), ("changes", "status")]);
}
