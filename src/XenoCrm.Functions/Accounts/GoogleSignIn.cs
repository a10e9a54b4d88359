using FluentValidation;
using Google.Apis.Auth;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <param name="IdToken">The credential that "Sign in with Google" hands to the page.</param>
public sealed record GoogleRequest(string IdToken);

public sealed class GoogleValidator : AbstractValidator<GoogleRequest>
{
    public GoogleValidator() => RuleFor(r => r.IdToken).NotEmpty().MaximumLength(8192);
}

/// <summary>
/// Sign-in with Google: for users there are, by their verified address, and for people of the domains that the settings
/// name. A user belongs to the Google account that signed in first: an address that is given to somebody else later opens
/// nothing.
/// </summary>
public sealed class GoogleSignIn(WorkspaceStore<User> users, Sessions sessions, AuditLog audit, Ids ids, IOptions<AuthOptions> options, TimeProvider clock)
{
    public const string How = "LoginWithGoogle";

    private readonly GoogleOptions google = options.Value.Google;

    public async Task<LoginResponse> HandleAsync(GoogleRequest request, CancellationToken cancellation)
    {
        if (google.ClientIds.Count == 0)
        {
            throw new GoogleOff().ToException();
        }

        if (await VerifyAsync(request.IdToken, cancellation) is not { Subject.Length: > 0, Email.Length: > 0 and <= 254, EmailVerified: true } payload)
        {
            await audit.SignInAsync(How, "unknown", AuditOutcome.Refused, "auth.google_refused", cancellation);
            throw new GoogleRefused().ToException();
        }

        var id = User.IdOf(payload.Email);
        var user = await LinkAsync(id, payload, cancellation);
        if (user is not { Active: true } || user.GoogleId != payload.Subject)
        {
            await audit.SignInAsync(How, user?.Id ?? "unknown", AuditOutcome.Refused, "auth.google_refused", cancellation);
            throw new GoogleRefused().ToException();
        }

        return await sessions.BeginAsync(user, How, cancellation);
    }

    /// <summary>The user of the address, theirs from now on; a new one where the domain is allowed; or null.</summary>
    private async Task<User?> LinkAsync(string id, GoogleJsonWebSignature.Payload payload, CancellationToken cancellation)
    {
        // The claim, and not the end of the address: Google sets it only for accounts that the domain's owner manages.
        if (await users.ReadAsync(id, cancellation) is null && google.Domains.Contains(payload.HostedDomain ?? "", StringComparer.OrdinalIgnoreCase))
        {
            await users.TryCreateAsync(
                new()
                {
                    Id = id, Email = User.Normal(payload.Email), Name = string.IsNullOrWhiteSpace(payload.Name) ? payload.Email : payload.Name.Trim(),
                    Role = google.NewUserRole, PasswordHash = "", GoogleId = payload.Subject, Stamp = ids.New(), CreatedAt = clock.GetUtcNow(),
                },
                cancellation);
        }

        return (await users.UpdateAsync(id, u => u.Active && u.GoogleId is null ? u with { GoogleId = payload.Subject } : null, cancellation))?.Value;
    }

    private async Task<GoogleJsonWebSignature.Payload?> VerifyAsync(string token, CancellationToken cancellation)
    {
        var verification = new SignedTokenVerificationOptions
        {
            CertificatesUrl = google.CertificatesUrl,
            IssuedAtClockTolerance = TimeSpan.FromSeconds(30),
        };
        foreach (var client in google.ClientIds)
        {
            verification.TrustedAudiences.Add(client);
        }

        verification.TrustedIssuers.Add("https://accounts.google.com");
        verification.TrustedIssuers.Add("accounts.google.com");
        try
        {
            return await JsonWebSignature.VerifySignedTokenAsync<GoogleJsonWebSignature.Payload>(token, verification, cancellation);
        }
        catch (InvalidJwtException)
        {
            return null;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or Newtonsoft.Json.JsonException)
        {
            // What the library says of a token whose parts are no base64 or no JSON.
            return null;
        }
        catch (HttpRequestException)
        {
            throw (new GoogleUnavailable { RetryAfterSeconds = 5 }).ToException();
        }
    }
}
