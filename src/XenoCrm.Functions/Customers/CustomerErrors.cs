using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

public sealed record CustomerNotFound(string Id)
    : Problem(404, CodeName, "There is no such customer", $"No customer has the id {Id}.")
{
    public const string CodeName = "customer.not_found";
}

/// <param name="Id">The customer that exists.</param>
public sealed record CustomerExists(string? Id)
    : Problem(409, CodeName, "The customer exists already", $"The external id, email or phone belongs to customer {Id}.")
{
    public const string CodeName = "customer.exists";
}

public sealed record IdentityConflict(string Reason)
    : Problem(409, CodeName, "The values identify two customers", Reason)
{
    public const string CodeName = "customer.identity_conflict";
}

public sealed record CustomerBusy()
    : Problem(503, CodeName, "The customer is being changed by many at once", "Try again in a moment.")
{
    public const string CodeName = "customer.busy";
}
