using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>Wrong passwords in a row, also for emails that belong to nobody: whether one does must not show.</summary>
public sealed record LoginAttempt : IWorkspaceItem
{
    public const string KindName = "login-attempt";

    /// <summary>A keyed hash of the email: whoever typed their password there has not told it to the database.</summary>
    public required string Id { get; init; }
    public string Kind => KindName;
    public required int Failures { get; init; }
    public required DateTimeOffset LockedUntil { get; init; }

    /// <summary>Seconds; a day without another failure and it is forgotten.</summary>
    [JsonPropertyName("ttl")]
    public int TimeToLive { get; init; } = 24 * 3600;
}

/// <summary>Locks out who guesses passwords, for longer each time.</summary>
public sealed class LoginAttempts(WorkspaceStore<LoginAttempt> attempts, IOptions<AuthOptions> options, TimeProvider clock)
{
    private readonly byte[] key = HMACSHA256.HashData(Convert.FromBase64String(options.Value.SigningKeys[0].Key), "login-attempts"u8);

    public string IdOf(string email) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(User.Normal(email))).AsSpan(0, 16));

    /// <summary>
    /// To be asked before a password is looked at, and again before a right one counts: of a thousand guesses sent at once,
    /// only those that are judged before the lock falls are worth anything.
    /// </summary>
    /// <exception cref="Platform.Errors.ProblemException">429: locked.</exception>
    public async Task<Versioned<LoginAttempt>?> CheckAsync(string email, CancellationToken cancellation)
    {
        var current = await attempts.ReadAsync(IdOf(email), cancellation);
        if (current is { Value.LockedUntil: var until } && until > clock.GetUtcNow())
        {
            throw (new LoginLocked { RetryAfterSeconds = (int)Math.Ceiling((until - clock.GetUtcNow()).TotalSeconds) }).ToException();
        }

        return current;
    }

    /// <returns>Whether this one was one too many.</returns>
    public async Task<bool> FailedAsync(string email, CancellationToken cancellation)
    {
        var id = IdOf(email);
        while (true)
        {
            var current = await attempts.ReadAsync(id, cancellation);
            var failures = (current?.Value.Failures ?? 0) + 1;
            var next = new LoginAttempt { Id = id, Failures = failures, LockedUntil = clock.GetUtcNow() + LockAfter(failures) };
            var stored = current is null
                ? await attempts.TryCreateAsync(next, cancellation)
                : await attempts.TryReplaceAsync(next, current.ETag, cancellation);
            if (stored is not null)
            {
                return failures >= options.Value.FailuresAllowed;
            }
        }
    }

    /// <summary>Forgets what there was before the right password came; failures that came meanwhile stay.</summary>
    public async Task SucceededAsync(Versioned<LoginAttempt>? before, CancellationToken cancellation)
    {
        if (before is not null)
        {
            await attempts.TryReplaceAsync(before.Value with { Failures = 0, LockedUntil = default }, before.ETag, cancellation);
        }
    }

    private TimeSpan LockAfter(int failures)
    {
        var over = failures - options.Value.FailuresAllowed;
        return over < 0 ? TimeSpan.Zero
            : over > 20 || options.Value.FirstLock * Math.Pow(2, over) > options.Value.LongestLock ? options.Value.LongestLock
            : options.Value.FirstLock * Math.Pow(2, over);
    }
}
