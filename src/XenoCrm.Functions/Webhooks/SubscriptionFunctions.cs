using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Webhooks;

public sealed class SubscriptionFunctions(
    WorkspaceStore<WebhookSubscription> subscriptions, SaveSubscription save, DeliverWebhook deliver, Ids ids, Cursors cursors, TimeProvider clock)
{
    private const string List = "webhook-subscriptions";

    [Function("ListWebhookSubscriptions")]
    [RequireRole(Role.Manager)]
    [Describe("List subscriptions to events, newest first"), Paged, Answers(200, typeof(Page<WebhookSubscriptionView>))]
    public async Task<IResult> GetAll(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/webhook-subscriptions")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, List);
        var found = await subscriptions.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, List, s => View(s.Value), s => s.Value.Id));
    }

    [Function("CreateWebhookSubscription")]
    [RequireRole(Role.Admin), Idempotent]
    [Describe(
        "Subscribe to events of campaigns and messages",
        "Events are posted to the address as Standard Webhooks has it, signed with the secret in the answer, which is shown only here. They come at least once and in no particular order: the event's `id` is the same each time. What is not answered with 2xx within ten seconds is tried again for three days; see `webhooks` in this document for what is sent. Events count from the moment of subscribing.")]
    [Body(typeof(SubscriptionInput)), Answers(201, typeof(NewSecretView)), Problems(409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/webhook-subscriptions")] HttpRequest request, CancellationToken cancellation)
    {
        var created = await save.CreateAsync(await request.ReadAsync<SubscriptionInput>(cancellation), request.Caller(), cancellation, request.EffectId());
        return Reply.Created($"/api/webhook-subscriptions/{created.Value.Id}", WithSecret(created.Value), created.ETag);
    }

    [Function("GetWebhookSubscription")]
    [RequireRole(Role.Manager)]
    [Describe("Read a subscription"), Answers(200, typeof(WebhookSubscriptionView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/webhook-subscriptions/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await RequireAsync(id, cancellation));

    [Function("PatchWebhookSubscription")]
    [RequireRole(Role.Admin)]
    [Describe("Change, disable or enable a subscription", "Needs If-Match. While it is disabled its events are noted for thirty days; a replay sends them.")]
    [Body(typeof(SubscriptionPatch), ContentTypes = ["application/merge-patch+json", "application/json"]), Answers(200, typeof(WebhookSubscriptionView)), Problems(404, 412, 413, 415, 428)]
    public async Task<IResult> Patch(
        [HttpTrigger(AuthorizationLevel.Anonymous, "patch", Route = "api/webhook-subscriptions/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var ifMatch = request.RequireIfMatch();
        return Answer(await save.PatchAsync(id, ifMatch, await request.ReadAsync<SubscriptionPatch>(cancellation), cancellation));
    }

    [Function("DeleteWebhookSubscription")]
    [RequireRole(Role.Admin)]
    [Describe("Delete a subscription", "Needs If-Match. What is not delivered yet never is."), Answers(204), Problems(404, 412, 428)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/webhook-subscriptions/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await save.DeleteAsync(id, request.RequireIfMatch(), cancellation);
        return Reply.NoContent();
    }

    [Function("RotateWebhookSecret")]
    [RequireRole(Role.Admin), Idempotent]
    [Describe("Replace a subscription's secret", "Needs If-Match. For 24 hours requests are signed with the former one as well, each signature in the same header. Twice in a row ends the first one at once.")]
    [Answers(200, typeof(NewSecretView)), Problems(404, 412, 428)]
    public async Task<IResult> Rotate(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/webhook-subscriptions/{id}/rotate-secret")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var rotated = await save.RotateAsync(id, request.RequireIfMatch(), cancellation, request.EffectId());
        return Reply.Ok(WithSecret(rotated.Value), rotated.ETag);
    }

    [Function("TestWebhookSubscription")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Send a test event now", "Once, also when the subscription is disabled; the answer says what became of it."), Answers(200, typeof(WebhookDeliveryView)), Problems(404)]
    public async Task<IResult> Test(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/webhook-subscriptions/{id}/test")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(WebhookDeliveryView.Of(await deliver.TestAsync((await RequireAsync(id, cancellation)).Value, request.EffectId() ?? ids.New(), cancellation), payload: true));

    private async Task<Versioned<WebhookSubscription>> RequireAsync(string id, CancellationToken cancellation) =>
        await subscriptions.ReadAsync(id, cancellation) ?? throw new SubscriptionNotFound(id).ToException();

    private NewSecretView WithSecret(WebhookSubscription subscription) => new(subscription.Secrets[0].Value, View(subscription));

    private WebhookSubscriptionView View(WebhookSubscription subscription) => WebhookSubscriptionView.Of(subscription, clock.GetUtcNow());

    private IResult Answer(Versioned<WebhookSubscription> subscription) => Reply.Ok(View(subscription.Value), subscription.ETag);
}
