using FluentValidation;
using Microsoft.AspNetCore.Identity;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

public sealed record LoginRequest(string Email, string Password);

public sealed class LoginValidator : AbstractValidator<LoginRequest>
{
    public LoginValidator()
    {
        RuleFor(r => r.Email).NotEmpty().MaximumLength(254);
        RuleFor(r => r.Password).NotEmpty().MaximumLength(PasswordRules.MaxLength);
    }
}

public sealed record RefreshRequest(string RefreshToken);

public sealed class RefreshValidator : AbstractValidator<RefreshRequest>
{
    public RefreshValidator() => RuleFor(r => r.RefreshToken).NotEmpty().MaximumLength(200);
}

/// <summary>Checks passwords. Who does not exist, may not log in or has no password is told the same, as late.</summary>
public sealed class Login(WorkspaceStore<User> users, Passwords passwords, LoginAttempts attempts, Sessions sessions, AuditLog audit)
{
    public const string How = "Login";

    public async Task<LoginResponse> HandleAsync(LoginRequest request, CancellationToken cancellation)
    {
        await attempts.CheckAsync(request.Email, cancellation);
        var user = await users.ReadAsync(User.IdOf(request.Email), cancellation);
        var verified = passwords.Verify(user?.Value, request.Password);
        if (user is null || !user.Value.Active || verified == PasswordVerificationResult.Failed)
        {
            var locked = await attempts.FailedAsync(request.Email, cancellation);
            await audit.SignInAsync(How, user?.Value.Id ?? $"unknown:{attempts.IdOf(request.Email)}", AuditOutcome.Refused, locked ? "auth.locked" : "auth.login_failed", cancellation);
            throw new LoginFailed().ToException();
        }

        await attempts.SucceededAsync(await attempts.CheckAsync(request.Email, cancellation), cancellation);
        if (verified == PasswordVerificationResult.SuccessRehashNeeded)
        {
            // Whoever else changes the user now has precedence; the next login tries again.
            await users.TryReplaceAsync(user.Value with { PasswordHash = passwords.Hash(request.Password) }, user.ETag, cancellation);
        }

        return await sessions.BeginAsync(user.Value, How, cancellation);
    }
}
