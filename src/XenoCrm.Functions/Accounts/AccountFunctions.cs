using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <param name="Kind"><c>user</c> or <c>key</c>.</param>
/// <param name="Email">Of a user.</param>
/// <param name="Scopes">Of an API key.</param>
public sealed record CallerView(string Kind, string Id, string Name, Role Role, string? Email, IReadOnlyList<string>? Scopes);

public sealed class AccountFunctions(
    Login login, GoogleSignIn google, Sessions sessions, ChangePassword changePassword, WorkspaceStore<User> users)
{
    [Function("Login")]
    [Public("It is how a caller becomes known."), LimitByAddress]
    [Describe("Log in with email and password", "After some wrong passwords in a row the user is locked out for a while (429), longer each time; Retry-After says how long.")]
    [Body(typeof(LoginRequest)), Answers(200, typeof(LoginResponse)), Problems(401, 413, 415)]
    public async Task<IResult> LogIn(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/auth/login")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await login.HandleAsync(await request.ReadAsync<LoginRequest>(cancellation), cancellation));

    [Function("LoginWithGoogle")]
    [Public("It is how a caller becomes known."), LimitByAddress]
    [Describe("Log in with Google", "With the ID token that 'Sign in with Google' hands to the page: for users there are, and for people of the domains that the settings allow.")]
    [Body(typeof(GoogleRequest)), Answers(200, typeof(LoginResponse)), Problems(401, 404, 413, 415)]
    public async Task<IResult> LogInWithGoogle(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/auth/google")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await google.HandleAsync(await request.ReadAsync<GoogleRequest>(cancellation), cancellation));

    [Function("Refresh")]
    [Public("Who has the refresh token."), LimitByAddress]
    [Describe("Get a new access token", "The refresh token is spent: the answer holds the next one. One that is used again after that ends the session for everybody who has it.")]
    [Body(typeof(RefreshRequest)), Answers(200, typeof(LoginResponse)), Problems(401, 413, 415)]
    public async Task<IResult> Refresh(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/auth/refresh")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await sessions.RefreshAsync((await request.ReadAsync<RefreshRequest>(cancellation)).RefreshToken, cancellation));

    [Function("Logout")]
    [Public("Who has the refresh token."), LimitByAddress]
    [Describe("Log out", "Ends the session: its access and refresh tokens are refused. A token that is none ends nothing, and is answered the same.")]
    [Body(typeof(RefreshRequest)), Answers(204), Problems(413, 415)]
    public async Task<IResult> LogOut(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/auth/logout")] HttpRequest request, CancellationToken cancellation)
    {
        await sessions.LogOutAsync((await request.ReadAsync<RefreshRequest>(cancellation)).RefreshToken, cancellation);
        return Reply.NoContent();
    }

    [Function("GetMe")]
    [RequireRole(Role.Viewer, Scope = Access.AnyKey)]
    [Describe("Say who the token or key belongs to"), Answers(200, typeof(CallerView))]
    public async Task<IResult> Me(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/auth/me")] HttpRequest request, CancellationToken cancellation)
    {
        var caller = request.Caller();
        if (caller.IsKey)
        {
            return Reply.Ok(new CallerView("key", caller.Id, caller.Name, caller.Role, null, caller.Scopes));
        }

        var user = (await users.ReadAsync(caller.Id, cancellation))?.Value ?? throw new TokenInvalid().ToException();
        return Reply.Ok(new CallerView("user", user.Id, user.Name, user.Role, user.Email, null));
    }

    [Function("ChangePassword")]
    [RequireRole(Role.Viewer, PeopleOnly = true)]
    [Describe("Change one's own password", "At least 12 characters, not the name or email, not a common one. All other sessions end.")]
    [Body(typeof(ChangePasswordRequest)), Answers(204), Problems(412, 413, 415)]
    public async Task<IResult> Password(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/auth/password")] HttpRequest request, CancellationToken cancellation)
    {
        await changePassword.HandleAsync(request.Caller(), await request.ReadAsync<ChangePasswordRequest>(cancellation), cancellation);
        return Reply.NoContent();
    }
}
