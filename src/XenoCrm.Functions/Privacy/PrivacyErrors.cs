using XenoCrm.Platform.Errors;

namespace XenoCrm.Privacy;

public sealed record ErasureNotFound(string Id)
    : Problem(404, "erasure.not_found", "There is no such erasure", $"Nobody was erased under the id {Id}.");

public sealed record ErasureOfCustomer(string CustomerId)
    : Problem(409, "erasure.customer_exists", "The person is a customer", $"The external id, email or phone belongs to customer {CustomerId}: erase that one.");
