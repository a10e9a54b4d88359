using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <param name="AccessToken">Send it as <c>Authorization: Bearer …</c>.</param>
/// <param name="ExpiresAt">When the access token does.</param>
/// <param name="RefreshToken">Good for one <c>POST /api/auth/refresh</c>, which answers the next one.</param>
public sealed record LoginResponse(string AccessToken, DateTimeOffset ExpiresAt, string RefreshToken, UserView User);

public sealed record UserView(string Id, string Email, string Name, Role Role)
{
    public static UserView Of(User user) => new(user.Id, user.Email, user.Name, user.Role);
}

/// <summary>Begins, prolongs and ends sessions.</summary>
public sealed class Sessions(
    WorkspaceStore<Session> sessions, WorkspaceStore<User> users, AccountCache cache, RefreshTokens refreshTokens, Tokens tokens, AuditLog audit,
    Ids ids, IOptions<AuthOptions> options, TimeProvider clock)
{
    /// <summary>Another instance's write may not be seen yet by a read that follows at once.</summary>
    private const int Looks = 4;

    /// <param name="how">The sign-in's name in the audit log.</param>
    public async Task<LoginResponse> BeginAsync(User user, string how, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var session = new Session
        {
            Id = ids.New(), UserId = user.Id, Stamp = user.Stamp, Generation = 1, RotatedAt = now, CreatedAt = now, TimeToLive = TimeToLive,
        };
        await sessions.TryCreateAsync(session, cancellation);

        // Before the answer: no token is out that the log knows nothing of.
        await audit.SignInAsync(how, user.Id, AuditOutcome.Done, null, cancellation);
        return Answer(user, session);
    }

    public async Task<LoginResponse> RefreshAsync(string token, CancellationToken cancellation)
    {
        var (id, generation) = refreshTokens.Read(token) ?? throw new RefreshInvalid().ToException();
        for (var look = 1; ; look++)
        {
            if (await sessions.ReadAsync(id, cancellation) is not var (session, etag))
            {
                throw new RefreshInvalid().ToException();
            }

            var now = clock.GetUtcNow();
            var user = (await users.ReadAsync(session.UserId, cancellation))?.Value;
            if (user is not { Active: true } || user.Stamp != session.Stamp || now - session.CreatedAt > options.Value.SessionLifetime)
            {
                await EndAsync(session.Id, cancellation);
                throw new RefreshInvalid().ToException();
            }

            if (generation == session.Generation)
            {
                var next = session with { Generation = generation + 1, RotatedAt = now, TimeToLive = TimeToLive };
                if (await sessions.TryReplaceAsync(next, etag, cancellation) is not null)
                {
                    return Answer(user, next);
                }
            }
            else if (generation == session.Generation - 1 && now - session.RotatedAt <= options.Value.RefreshGrace)
            {
                // Two windows of one browser, or an answer that was lost: both are told the same next token.
                return Answer(user, session);
            }
            else if (generation < session.Generation)
            {
                // Somebody has a copy. Who is the thief cannot be told: both must log in again.
                await EndAsync(session.Id, cancellation);
                await audit.SignInAsync("RefreshReused", user.Id, AuditOutcome.Refused, "auth.refresh_reused", cancellation);
                throw new RefreshReused().ToException();
            }
            else if (look == Looks)
            {
                throw new RefreshInvalid().ToException();
            }
            else
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50 * look), clock, cancellation);
            }
        }
    }

    /// <summary>Ends the session that the token belongs to; one that is none ends nothing.</summary>
    public async Task LogOutAsync(string token, CancellationToken cancellation)
    {
        if (refreshTokens.Read(token) is var (id, _) && await sessions.ReadAsync(id, cancellation) is var (session, _))
        {
            await EndAsync(id, cancellation);
            await audit.SignInAsync("Logout", session.UserId, AuditOutcome.Done, null, cancellation);
        }
    }

    /// <summary>Keeps the one session when all others of the user end (<see cref="User.Stamp"/>).</summary>
    public async Task KeepAsync(string id, User user, CancellationToken cancellation)
    {
        await sessions.UpdateAsync(id, s => s with { Stamp = user.Stamp }, cancellation);
        cache.ForgetSession(id);
    }

    private async Task EndAsync(string id, CancellationToken cancellation)
    {
        await sessions.DeleteAsync(id, null, cancellation);
        cache.ForgetSession(id);
    }

    private int TimeToLive => (int)options.Value.RefreshLifetime.TotalSeconds;

    private LoginResponse Answer(User user, Session session)
    {
        var (token, expiresAt) = tokens.Issue(user, session.Id);
        return new(token, expiresAt, refreshTokens.Write(session.Id, session.Generation), UserView.Of(user));
    }
}
