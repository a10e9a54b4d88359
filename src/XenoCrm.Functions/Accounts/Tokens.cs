using System.Security.Claims;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace XenoCrm.Accounts;

/// <summary>What counts in an access token that is valid.</summary>
public sealed record AccessToken(string UserId, string SessionId, DateTimeOffset IssuedAt);

/// <summary>Issues and checks access tokens: JWT, HMAC-SHA256, keys by <c>kid</c>.</summary>
public sealed class Tokens
{
    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private readonly AuthOptions options;
    private readonly TimeProvider clock;
    private readonly SigningCredentials signing;
    private readonly TokenValidationParameters validation;

    public Tokens(IOptions<AuthOptions> options, TimeProvider clock)
    {
        this.options = options.Value;
        this.clock = clock;
        var keys = this.options.SigningKeys
            .Select(k => new SymmetricSecurityKey(Convert.FromBase64String(k.Key)) { KeyId = k.Id })
            .ToList<SecurityKey>();
        signing = new SigningCredentials(keys[0], SecurityAlgorithms.HmacSha256);
        validation = new TokenValidationParameters
        {
            ValidIssuer = this.options.Issuer,
            ValidAudience = this.options.Issuer,
            IssuerSigningKeys = keys,
            TryAllIssuerSigningKeys = false,
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            ValidTypes = ["at+jwt"],
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            LifetimeValidator = (notBefore, expires, _, _) => IsCurrent(notBefore, expires),
        };
    }

    /// <returns>The token and the moment it expires.</returns>
    public (string Token, DateTimeOffset ExpiresAt) Issue(User user, string sessionId)
    {
        var now = clock.GetUtcNow();
        var expires = now + options.TokenLifetime;
        var token = handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = options.Issuer,
            Audience = options.Issuer,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = expires.UtcDateTime,
            TokenType = "at+jwt",
            SigningCredentials = signing,
            Subject = new ClaimsIdentity(
            [
                new(JwtRegisteredClaimNames.Sub, user.Id),
                new(JwtRegisteredClaimNames.Name, user.Name),
                new("role", user.Role.ToString()),
                new(JwtRegisteredClaimNames.Sid, sessionId),
            ]),
        });
        return (token, expires);
    }

    /// <returns>
    /// Who the token was issued to, and when, or null when it is not valid now. The name and the role in it are for the
    /// client to show: they may have changed since.
    /// </returns>
    public async Task<AccessToken?> VerifyAsync(string token)
    {
        var result = await handler.ValidateTokenAsync(token, validation);
        return result.IsValid && result.SecurityToken is JsonWebToken jwt && jwt.TryGetClaim(JwtRegisteredClaimNames.Sid, out var session)
            ? new AccessToken(jwt.Subject, session.Value, new DateTimeOffset(jwt.IssuedAt, TimeSpan.Zero))
            : null;
    }

    // Half a minute of clock difference between instances is tolerated.
    private bool IsCurrent(DateTime? notBefore, DateTime? expires)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires > now && (notBefore is null || notBefore <= now.AddSeconds(30));
    }
}
