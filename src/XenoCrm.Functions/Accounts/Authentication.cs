using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;

namespace XenoCrm.Accounts;

/// <summary>Who a request comes from, by its bearer token or its API key.</summary>
public sealed class Authentication(Tokens tokens, ApiKeys keys, AccountCache cache, TimeProvider clock)
{
    public const string KeyHeader = "X-Api-Key";

    /// <summary>A session begun so lately may not be seen yet by another instance's read.</summary>
    private static readonly TimeSpan New = TimeSpan.FromSeconds(10);

    /// <exception cref="Platform.Errors.ProblemException">401: nobody who may come in.</exception>
    public ValueTask<Caller> IdentifyAsync(HttpRequest request, CancellationToken cancellation)
    {
        var key = request.Headers[KeyHeader];
        if (key.Count == 0)
        {
            return UserAsync(BearerToken(request), cancellation);
        }

        // Which of the two counts would depend on who looks.
        return request.Headers.Authorization.Count > 0 ? throw new CredentialsTwice().ToException() : KeyAsync(key.ToString(), cancellation);
    }

    private async ValueTask<Caller> KeyAsync(string text, CancellationToken cancellation)
    {
        var key = await keys.VerifyAsync(text, cancellation) ?? throw new KeyInvalid().ToException();
        return new(key.Id, key.Name, Role.Manager, Scopes: key.Scopes);
    }

    private async ValueTask<Caller> UserAsync(string text, CancellationToken cancellation)
    {
        var token = await tokens.VerifyAsync(text) ?? throw new TokenInvalid().ToException();

        // What is remembered may let in for a moment too long, and must not keep out: before a refusal the storage is asked.
        var user = await cache.UserOfAsync(token.SessionId, token.UserId, fresh: false, cancellation)
            ?? await cache.UserOfAsync(token.SessionId, token.UserId, fresh: true, cancellation);
        if (user is null && clock.GetUtcNow() - token.IssuedAt < New)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), clock, cancellation);
            user = await cache.UserOfAsync(token.SessionId, token.UserId, fresh: true, cancellation);
        }

        return user is null ? throw new TokenInvalid().ToException() : new(user.Id, user.Name, user.Role, token.SessionId);
    }

    private static string BearerToken(HttpRequest request) =>
        AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header)
        && header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
        && header.Parameter is { Length: > 0 } token
            ? token
            : throw new TokenMissing().ToException();
}
