using XenoCrm.Platform.Errors;

namespace XenoCrm.Delivery;

public sealed record SignatureMissing(string Headers)
    : Problem(401, "webhook.signature_missing", "The signature is missing", $"Send {Headers}.");

public sealed record SignatureInvalid(string Expected)
    : Problem(401, "webhook.signature_invalid", "The signature is not valid", Expected);

public sealed record SignatureExpired(string Tolerance)
    : Problem(401, "webhook.signature_expired", "The signature is too old", $"The timestamp is more than {Tolerance} away from now.");

public sealed record ReceiptsNotStored()
    : Problem(503, "webhook.not_stored", "The receipts could not be stored", "Nothing is lost: post them again.");

public sealed record SuppressionNotFound()
    : Problem(404, "suppression.not_found", "The address is not suppressed", "There is no suppression of this address on this channel.");

public sealed record PoisonRunNotFound(string Id)
    : Problem(404, "delivery.poison_not_found", "There is no such work", $"Nothing that was given up has the id {Id}.");

public sealed record PoisonRunReplayed()
    : Problem(409, "delivery.poison_replayed", "It was replayed already", "Its messages are on their way or have been sent, its receipts are being applied or have been.");

public sealed record MessageNotFound(string Id)
    : Problem(404, "message.not_found", "There is no such message", $"The campaign has no message {Id}.");

public sealed record ReclassificationNotFound(string Id)
    : Problem(404, "delivery.reclassification_not_found", "There is no such job", $"No opens and clicks were judged again under the id {Id}.");

public sealed record LinkInvalid()
    : Problem(404, "link.invalid", "The link is not valid", "It was not made here, or is not complete. Copy all of it.");
