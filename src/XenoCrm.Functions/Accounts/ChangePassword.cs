using FluentValidation;
using Microsoft.AspNetCore.Identity;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Accounts;

/// <param name="CurrentPassword">Left out by who has none yet, having signed in with Google.</param>
public sealed record ChangePasswordRequest(string? CurrentPassword, string NewPassword);

public sealed class ChangePasswordValidator : AbstractValidator<ChangePasswordRequest>
{
    public ChangePasswordValidator()
    {
        RuleFor(r => r.CurrentPassword).MaximumLength(PasswordRules.MaxLength);
        RuleFor(r => r.NewPassword).NotEmpty().MaximumLength(PasswordRules.MaxLength);
    }
}

/// <summary>Changes the caller's own password and ends all their other sessions.</summary>
public sealed class ChangePassword(WorkspaceStore<User> users, Passwords passwords, LoginAttempts attempts, Sessions sessions, AccountCache cache, Ids ids)
{
    public async Task HandleAsync(Caller caller, ChangePasswordRequest request, CancellationToken cancellation)
    {
        var (user, etag) = await users.ReadAsync(caller.Id, cancellation) ?? throw new TokenInvalid().ToException();
        if (user.PasswordHash.Length > 0)
        {
            await CheckCurrentAsync(user, request.CurrentPassword ?? "", cancellation);
        }

        if (PasswordRules.Check(request.NewPassword, user.Email, user.Name) is { Count: > 0 } errors)
        {
            throw new RequestInvalid(new Dictionary<string, string[]> { ["/newPassword"] = [.. errors] }).ToException();
        }

        var changed = user with { PasswordHash = passwords.Hash(request.NewPassword), Stamp = ids.New() };
        await users.ReplaceAsync(changed, etag, cancellation);
        cache.ForgetUser(user.Id);

        // Who dies here has ended their own session too and logs in with the new password.
        await sessions.KeepAsync(caller.SessionId!, changed, cancellation);
    }

    private async Task CheckCurrentAsync(User user, string password, CancellationToken cancellation)
    {
        await attempts.CheckAsync(user.Email, cancellation);
        if (passwords.Verify(user, password) == PasswordVerificationResult.Failed)
        {
            await attempts.FailedAsync(user.Email, cancellation);
            throw new PasswordWrong().ToException();
        }

        await attempts.SucceededAsync(await attempts.CheckAsync(user.Email, cancellation), cancellation);
    }
}
