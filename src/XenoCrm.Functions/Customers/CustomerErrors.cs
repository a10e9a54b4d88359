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

/// <summary>A person who was erased stays unknown: nothing creates or changes a customer by such a key again.</summary>
public sealed record CustomerErased()
    : Problem(409, CodeName, "The person was erased", Message)
{
    public const string CodeName = "customer.erased";
    public const string Message = "The external id, email or phone belongs to a person who was erased at their request, and can never be used again.";
}

/// <summary>308: a merged customer is found under another id from now on, whatever is asked of it.</summary>
/// <param name="Into">The customer that it is now.</param>
public sealed record CustomerMerged(string Id, string Into)
    : Problem(308, CodeName, "The customer was merged into another", $"Customer {Id} is customer {Into} now.")
{
    public const string CodeName = "customer.merged";
}

/// <summary>For the moment that its merge takes: it may still turn out that nothing comes of it.</summary>
public sealed record CustomerMerging(string Id)
    : Problem(409, CodeName, "The customer is being merged", $"Customer {Id} is about to become part of another. Ask again in a moment: then it is known as which.")
{
    public const string CodeName = "customer.merging";
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

/// <summary>Values that do not have their attribute's type.</summary>
public sealed record AttributeTypeConflict : Problem
{
    public const string CodeName = "customer.attribute_type";

    public AttributeTypeConflict(IReadOnlyDictionary<string, string[]> errors)
        : base(400, CodeName, "An attribute has another type", "GET /api/customers/attributes says which attribute has which type; see errors.") => Errors = errors;
}

public sealed record AttributeKeysFull()
    : Problem(409, CodeName, "There are too many attributes", $"At most {AttributeSchema.MaxKeys} different attributes are kept; remove one that is not used.")
{
    public const string CodeName = "customer.too_many_attribute_keys";
}

/// <summary>A value came while its attribute is about to have another type, or to go.</summary>
public sealed record AttributeChanging()
    : Problem(409, CodeName, "The attribute is being changed", Message)
{
    public const string CodeName = "customer.attribute_changing";
    public const string Message = "The attribute is being changed or removed: try again in a minute.";
}

public sealed record AttributeNotFound(string Key)
    : Problem(404, "customer.attribute_not_found", "There is no such attribute", $"No attribute has the key {Key}.");

public sealed record AttributeInUse(string Key, long Customers)
    : Problem(409, "customer.attribute_in_use", "The attribute is in use", $"{Customers} customers carry {Key}: its type stays as long as one does.");
