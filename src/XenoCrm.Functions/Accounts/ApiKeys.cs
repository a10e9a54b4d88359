using System.Buffers.Text;
using System.Security.Cryptography;
using FluentValidation;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <param name="Scopes">What it is good for: <c>customers:read</c>, <c>segments:write</c>, …</param>
/// <param name="ExpiresAt">Null: until it is revoked.</param>
public sealed record ApiKeyInput(string? Name, IReadOnlyList<string>? Scopes, DateTimeOffset? ExpiresAt);

/// <param name="Prefix">How the key begins: to recognise it by.</param>
/// <param name="LastUsedAt">To the minute.</param>
public sealed record ApiKeyView(
    string Id, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt)
{
    public static ApiKeyView Of(ApiKey key) => new(key.Id, key.Name, ApiKeys.PrefixOf(key.Id), key.Scopes, key.CreatedAt, key.CreatedBy, key.ExpiresAt, key.LastUsedAt);
}

/// <param name="Key">The key, this once.</param>
public sealed record NewApiKey(string Key, ApiKeyView Details);

public sealed class ApiKeyInputValidator : AbstractValidator<ApiKeyInput>
{
    public ApiKeyInputValidator(AccessTable access, TimeProvider clock)
    {
        RuleFor(k => k.Name).NotEmpty().MaximumLength(100);
        RuleFor(k => k.Scopes).NotEmpty();
        RuleForEach(k => k.Scopes).Must(s => access.Scopes.Contains(s)).WithMessage($"One of {string.Join(", ", access.Scopes)} is expected.");
        RuleFor(k => k.ExpiresAt).Must(e => e is null || e > clock.GetUtcNow()).WithMessage("It must be in the future.");
    }
}

/// <summary>Makes, checks and revokes API keys: <c>xk_{id}_{secret}</c>.</summary>
public sealed partial class ApiKeys(WorkspaceStore<ApiKey> keys, AccountCache cache, TimeProvider clock, ILogger<ApiKeys> log)
{
    private const string Start = "xk_";
    private const int IdBytes = 8;
    private const int SecretBytes = 32;

    private static readonly TimeSpan LastUseTold = TimeSpan.FromMinutes(1);

    public static string PrefixOf(string id) => Start + id;

    public async Task<NewApiKey> CreateAsync(ApiKeyInput input, Caller caller, CancellationToken cancellation, string? requestId = null)
    {
        var secret = RandomNumberGenerator.GetBytes(SecretBytes);
        var key = new ApiKey
        {
            Id = requestId?[^(2 * IdBytes)..] ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes)), Name = input.Name!.Trim(), Scopes = [.. input.Scopes!.Distinct().Order(StringComparer.Ordinal)],
            SecretHash = Convert.ToBase64String(SHA256.HashData(secret)), CreatedAt = clock.GetUtcNow(), CreatedBy = caller.Id, ExpiresAt = input.ExpiresAt,
        };
        if (await keys.TryCreateAsync(key, cancellation) is null)
        {
            // The same request, whose process died before it could answer: nobody was told that secret.
            await keys.UpdateAsync(key.Id, there => requestId is not null && there.LastUsedAt is null ? key : throw new InvalidOperationException("A random id exists already."), cancellation);
            cache.ForgetKey(key.Id);
            AuditTrail.Changed(null, key);
        }

        return new($"{Start}{key.Id}_{Base64Url.EncodeToString(secret)}", ApiKeyView.Of(key));
    }

    public async Task RevokeAsync(string id, CancellationToken cancellation)
    {
        if (!await keys.DeleteAsync(id, null, cancellation))
        {
            throw new ApiKeyNotFound(id).ToException();
        }

        cache.ForgetKey(id);
    }

    /// <returns>Null when it is not valid now.</returns>
    public async ValueTask<ApiKey?> VerifyAsync(string text, CancellationToken cancellation)
    {
        if (Read(text) is not var (id, hash) || await cache.KeyAsync(id, cancellation) is not { } key
            || !CryptographicOperations.FixedTimeEquals(Convert.FromBase64String(key.SecretHash), hash) || key.ExpiresAt <= clock.GetUtcNow())
        {
            return null;
        }

        if (clock.GetUtcNow() - (key.LastUsedAt ?? default) >= LastUseTold)
        {
            await NoteUseAsync(id, cancellation);
        }

        return key;
    }

    private static (string Id, byte[] Hash)? Read(string text)
    {
        const int idLength = 2 * IdBytes;
        if (text.Length != Start.Length + idLength + 1 + 43 || !text.StartsWith(Start, StringComparison.Ordinal) || text[Start.Length + idLength] != '_')
        {
            return null;
        }

        var id = text.Substring(Start.Length, idLength);
        Span<byte> secret = stackalloc byte[SecretBytes];
        return id.All(char.IsAsciiHexDigitLower) && Base64Url.TryDecodeFromChars(text.AsSpan(Start.Length + idLength + 1), secret, out var length) && length == SecretBytes
            ? (id, SHA256.HashData(secret)) : null;
    }

    private async Task NoteUseAsync(string id, CancellationToken cancellation)
    {
        try
        {
            await keys.UpdateAsync(id, k => clock.GetUtcNow() - (k.LastUsedAt ?? default) >= LastUseTold ? k with { LastUsedAt = clock.GetUtcNow() } : null, cancellation);
            cache.ForgetKey(id);
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            // That it was used is for people to look at; the request itself does not depend on it.
            LogUseNotNoted(exception, id);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The use of API key {Id} could not be noted")]
    private partial void LogUseNotNoted(Exception exception, string id);
}
