using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>
/// What each request is checked against. Ended sessions, deactivated users and revoked keys are refused at once by the
/// instance that did it and at most <see cref="AuthOptions.RevocationDelay"/> later by the others: two point reads (2 RU)
/// for each session in that time, whatever it asks for.
/// </summary>
public sealed class AccountCache
{
    private const int Capacity = 10_000;

    private readonly ShortCache<User> users;
    private readonly ShortCache<Session> sessions;
    private readonly ShortCache<ApiKey> keys;

    public AccountCache(
        WorkspaceStore<User> userStore, WorkspaceStore<Session> sessionStore, WorkspaceStore<ApiKey> keyStore, IOptions<AuthOptions> options, TimeProvider clock)
    {
        users = Over(userStore);
        sessions = Over(sessionStore);
        keys = Over(keyStore);

        ShortCache<T> Over<T>(WorkspaceStore<T> store)
            where T : class, IWorkspaceItem =>
            new(clock, options.Value.RevocationDelay, Capacity, async (id, cancellation) => (await store.ReadAsync(id, cancellation))?.Value);
    }

    /// <returns>The user, or null when the session has ended or they may not log in any more.</returns>
    public async ValueTask<User?> UserOfAsync(string sessionId, string userId, bool fresh, CancellationToken cancellation) =>
        await users.GetAsync(userId, fresh, cancellation) is { Active: true } user
        && await sessions.GetAsync(sessionId, fresh, cancellation) is { } session
        && session.UserId == userId && session.Stamp == user.Stamp
            ? user : null;

    public ValueTask<ApiKey?> KeyAsync(string id, CancellationToken cancellation) => keys.GetAsync(id, fresh: false, cancellation);

    public void ForgetUser(string id) => users.Forget(id);

    public void ForgetSession(string id) => sessions.Forget(id);

    public void ForgetKey(string id) => keys.Forget(id);
}
