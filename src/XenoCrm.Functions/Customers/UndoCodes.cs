namespace XenoCrm.Customers;

/// <summary>What an undo says of what it did not, or not quite, take back. Stable.</summary>
public static class UndoCodes
{
    public const string Gone = "undo.gone";
    public const string Merged = "undo.merged";
    public const string Changed = "undo.changed_later";
    public const string Partly = "undo.partly_changed_later";
    public const string HasOrders = "undo.has_orders";

    /// <summary>Not a reason: what was created is gone again.</summary>
    public const string Deleted = "undo.deleted";
}
