using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

public sealed class AccountFunctions(Login login, WorkspaceStore<User> users)
{
    [Function("Login")]
    [Public("It is how a caller becomes known.")]
    [Describe("Log in with email and password"), Body(typeof(LoginRequest)), Answers(200, typeof(LoginResponse)), Problems(401, 413, 415)]
    public async Task<IResult> LogIn(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/auth/login")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await login.HandleAsync(await request.ReadAsync<LoginRequest>(cancellation), cancellation));

    [Function("GetMe")]
    [RequireRole(Role.Viewer)]
    [Describe("Say who the token belongs to"), Answers(200, typeof(UserView))]
    public async Task<IResult> Me(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/auth/me")] HttpRequest request, CancellationToken cancellation)
    {
        var user = (await users.ReadAsync(request.Caller().Id, cancellation))?.Value ?? throw new TokenInvalid().ToException();
        return Reply.Ok(new UserView(user.Id, user.Email, user.Name, user.Role));
    }
}
