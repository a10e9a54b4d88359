using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

public sealed class ApiKeyFunctions(ApiKeys keys, WorkspaceStore<ApiKey> store, Cursors cursors)
{
    [Function("ListApiKeys")]
    [RequireRole(Role.Admin)]
    [Describe("List API keys"), Paged, Answers(200, typeof(Page<ApiKeyView>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/api-keys")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, "api-keys");
        var found = await store.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, "api-keys", k => ApiKeyView.Of(k.Value), k => k.Value.Id));
    }

    [Function("CreateApiKey")]
    [RequireRole(Role.Admin), Idempotent]
    [Describe("Create an API key", "The answer holds the key, which is shown only here: keep it. Programs send it as X-Api-Key.")]
    [Body(typeof(ApiKeyInput)), Answers(201, typeof(NewApiKey)), Problems(413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/api-keys")] HttpRequest request, CancellationToken cancellation)
    {
        var created = await keys.CreateAsync(await request.ReadAsync<ApiKeyInput>(cancellation), request.Caller(), cancellation, request.EffectId());
        return Reply.Created($"/api/api-keys/{created.Details.Id}", created);
    }

    [Function("RevokeApiKey")]
    [RequireRole(Role.Admin)]
    [Describe("Revoke an API key", "It is refused from now on, by other instances some seconds later."), Answers(204), Problems(404)]
    public async Task<IResult> Revoke(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/api-keys/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await keys.RevokeAsync(id, cancellation);
        return Reply.NoContent();
    }
}
