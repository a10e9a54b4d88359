using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

public sealed class UserFunctions(SaveUser save, WorkspaceStore<User> users, Cursors cursors)
{
    [Function("ListUsers")]
    [RequireRole(Role.Admin)]
    [Describe("List users"), Paged, Answers(200, typeof(Page<UserDetails>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/users")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, "users");
        var found = await users.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, "users", u => UserDetails.Of(u.Value), u => u.Value.Id));
    }

    [Function("CreateUser")]
    [RequireRole(Role.Admin), Idempotent]
    [Describe("Create a user", "With a password of at least 12 characters, or without one for somebody who signs in with Google.")]
    [Body(typeof(UserInput)), Answers(201, typeof(UserDetails)), Problems(409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/users")] HttpRequest request, CancellationToken cancellation)
    {
        var (user, etag) = await save.CreateAsync(await request.ReadAsync<UserInput>(cancellation), cancellation, request.EffectId());
        return Reply.Created($"/api/users/{user.Id}", UserDetails.Of(user), etag);
    }

    [Function("GetUser")]
    [RequireRole(Role.Admin)]
    [Describe("Read a user"), Answers(200, typeof(UserDetails)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/users/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await users.ReadAsync(id, cancellation) ?? throw new UserNotFound(id).ToException());

    [Function("PatchUser")]
    [RequireRole(Role.Admin)]
    [Describe("Change a user", "The role counts from the next request on; taking the access away, or a new password, ends all their sessions. The email cannot be changed: it is who they are.")]
    [Body(typeof(UserPatch), ContentTypes = ["application/json", "application/merge-patch+json"]), Answers(200, typeof(UserDetails)), Problems(404, 409, 412, 413, 415)]
    public async Task<IResult> Patch(
        [HttpTrigger(AuthorizationLevel.Anonymous, "patch", Route = "api/users/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await save.PatchAsync(id, await request.ReadAsync<UserPatch>(cancellation), request.IfMatch(), cancellation));

    [Function("DeleteUser")]
    [RequireRole(Role.Admin)]
    [Describe("Delete a user", "All their sessions end. What they made stays, API keys too."), Answers(204), Problems(404, 409, 412)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/users/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await save.DeleteAsync(id, request.IfMatch(), cancellation);
        return Reply.NoContent();
    }

    private static IResult Answer(Versioned<User> user) => Reply.Ok(UserDetails.Of(user.Value), user.ETag);
}
