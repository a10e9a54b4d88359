using FluentValidation;
using Microsoft.AspNetCore.Identity;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

public sealed record LoginRequest(string Email, string Password);

/// <param name="AccessToken">Send it as <c>Authorization: Bearer …</c>.</param>
public sealed record LoginResponse(string AccessToken, DateTimeOffset ExpiresAt, UserView User);

public sealed record UserView(string Id, string Email, string Name, Role Role);

public sealed class LoginValidator : AbstractValidator<LoginRequest>
{
    public LoginValidator()
    {
        RuleFor(r => r.Email).NotEmpty().MaximumLength(254);
        RuleFor(r => r.Password).NotEmpty().MaximumLength(200);
    }
}

public sealed class Login(WorkspaceStore<User> users, IPasswordHasher<User> hasher, Tokens tokens)
{
    // Verified when there is no such user, so that the time of the answer does not tell which emails exist.
    private static readonly string SomeHash = new PasswordHasher<User>().HashPassword(null!, Guid.NewGuid().ToString());

    public async Task<LoginResponse> HandleAsync(LoginRequest request, CancellationToken cancellation)
    {
        var user = (await users.ReadAsync(User.IdOf(request.Email), cancellation))?.Value;
        var verified = hasher.VerifyHashedPassword(user!, user?.PasswordHash ?? SomeHash, request.Password);
        if (user is null || verified == PasswordVerificationResult.Failed)
        {
            throw new LoginFailed().ToException();
        }

        var (token, expiresAt) = tokens.Issue(user);
        return new(token, expiresAt, new(user.Id, user.Email, user.Name, user.Role));
    }
}
