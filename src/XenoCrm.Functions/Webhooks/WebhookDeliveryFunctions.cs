using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Webhooks;

public sealed class WebhookDeliveryFunctions(
    WorkspaceStore<WebhookSubscription> subscriptions, WebhookDeliveryStore deliveries, ReplayDeliveries replay, Cursors cursors)
{
    [Function("ListWebhookDeliveries")]
    [RequireRole(Role.Manager)]
    [Describe("List what was sent to a subscription, newest first", "A delivery is up to a hundred events. It is kept for thirty days after its last try.")]
    [Query("state", typeof(WebhookDeliveryState), "Only deliveries in this state."), Paged, Answers(200, typeof(Page<WebhookDeliveryView>)), Problems(404)]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/webhook-subscriptions/{id}/deliveries")] HttpRequest request, string id, CancellationToken cancellation)
    {
        WebhookDeliveryState? state = null;
        if (request.Query["state"].ToString() is { Length: > 0 } text)
        {
            state = Enum.TryParse<WebhookDeliveryState>(text, ignoreCase: true, out var parsed) && char.IsLetter(text[0])
                ? parsed
                : throw RequestInvalid.At("/state", "One of pending, delivered, failed, held is expected.").ToException();
        }

        await RequireAsync(id, cancellation);
        var list = $"webhook-deliveries:{id}:{state}";
        var page = PageRequest.From(request, cursors, list);
        var found = await deliveries.PageAsync(id, state, page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, list, d => WebhookDeliveryView.Of(d.Value), d => d.Value.Key));
    }

    [Function("GetWebhookDelivery")]
    [RequireRole(Role.Manager)]
    [Describe("Read a delivery with its events"), Answers(200, typeof(WebhookDeliveryView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/webhook-subscriptions/{id}/deliveries/{deliveryId}")] HttpRequest request,
        string id, string deliveryId, CancellationToken cancellation)
    {
        await RequireAsync(id, cancellation);
        var (delivery, _) = await deliveries.ReadAsync(id, deliveryId, cancellation) ?? throw new WebhookDeliveryNotFound(deliveryId).ToException();
        return Reply.Ok(WebhookDeliveryView.Of(delivery, payload: true));
    }

    [Function("ReplayWebhookDelivery")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Send a delivery again", "All of its events, with the same ids and bodies, whatever became of them; one that waits for its next try is tried now."), Answers(202, typeof(WebhookDeliveryView)), Problems(404, 409)]
    public async Task<IResult> Replay(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/webhook-subscriptions/{id}/deliveries/{deliveryId}/replay")] HttpRequest request,
        string id, string deliveryId, CancellationToken cancellation) =>
        Reply.Accepted(WebhookDeliveryView.Of(await replay.OneAsync(id, deliveryId, cancellation)));

    [Function("ReplayWebhooks")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Send again what happened since a time", "What was not delivered: given up, held back while the subscription was disabled, or waiting for its next try. With `all=true` also what was.")]
    [Query("since", typeof(DateTimeOffset), "Deliveries made at this time or later. Required."), Query("all", typeof(bool), "Also those that were delivered.")]
    [Answers(202, typeof(ReplayView)), Problems(404, 409)]
    public async Task<IResult> ReplaySince(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/webhook-subscriptions/{id}/replay")] HttpRequest request, string id, CancellationToken cancellation)
    {
        if (!DateTimeOffset.TryParse(request.Query["since"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var since))
        {
            throw RequestInvalid.At("/since", "A time in ISO 8601 is expected, such as 2026-01-31T08:15:00Z.").ToException();
        }

        var all = false;
        if (request.Query["all"].ToString() is { Length: > 0 } text && !bool.TryParse(text, out all))
        {
            throw RequestInvalid.At("/all", "true or false is expected.").ToException();
        }

        return Reply.Accepted(await replay.SinceAsync(id, since, all, cancellation));
    }

    private async Task RequireAsync(string id, CancellationToken cancellation)
    {
        if (await subscriptions.ReadAsync(id, cancellation) is null)
        {
            throw new SubscriptionNotFound(id).ToException();
        }
    }
}
