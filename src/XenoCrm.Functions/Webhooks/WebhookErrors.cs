using XenoCrm.Platform.Errors;

namespace XenoCrm.Webhooks;

public sealed record SubscriptionNotFound(string Id)
    : Problem(404, "webhook.not_found", "There is no such subscription", $"No subscription has the id {Id}.");

public sealed record TooManySubscriptions()
    : Problem(409, "webhook.too_many", "There are too many subscriptions", $"At most {WebhookSubscription.MaxSubscriptions} are possible. Delete one first.");

public sealed record SubscriptionDisabled()
    : Problem(409, "webhook.disabled", "The subscription is disabled", "Enable it first: nothing is sent to it.");

public sealed record WebhookDeliveryNotFound(string Id)
    : Problem(404, "webhook.delivery_not_found", "There is no such delivery", $"The log of this subscription holds no delivery {Id}. It goes back thirty days.");
