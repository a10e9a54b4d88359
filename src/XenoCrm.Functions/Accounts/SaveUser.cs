using FluentValidation;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Accounts;

/// <param name="Password">Null: they sign in with Google.</param>
public sealed record UserInput(string? Email, string? Name, Role? Role, string? Password);

/// <summary>What is absent stays as it is.</summary>
/// <param name="Active">False: they cannot log in, and all their sessions end.</param>
/// <param name="Password">A new one, set for them; all their sessions end.</param>
public sealed record UserPatch(string? Name, Role? Role, bool? Active, string? Password);

/// <param name="HasPassword">Otherwise they sign in with Google.</param>
public sealed record UserDetails(string Id, string Email, string Name, Role Role, bool Active, bool HasPassword, bool HasGoogle, DateTimeOffset CreatedAt)
{
    public static UserDetails Of(User user) =>
        new(user.Id, user.Email, user.Name, user.Role, user.Active, user.PasswordHash.Length > 0, user.GoogleId is not null, user.CreatedAt);
}

public sealed class UserInputValidator : AbstractValidator<UserInput>
{
    public UserInputValidator()
    {
        RuleFor(u => u.Email).NotEmpty().MaximumLength(254).EmailAddress();
        RuleFor(u => u.Name).NotEmpty().MaximumLength(100).Must(UserPatchValidator.IsPlain).WithMessage("It must have no control characters.");
        RuleFor(u => u.Role).NotNull();
        RuleFor(u => u.Password).MaximumLength(PasswordRules.MaxLength).Custom((password, context) =>
        {
            var user = context.InstanceToValidate;
            foreach (var error in password is null ? [] : PasswordRules.Check(password, user.Email ?? "", user.Name ?? ""))
            {
                context.AddFailure(error);
            }
        });
    }
}

public sealed class UserPatchValidator : AbstractValidator<UserPatch>
{
    public UserPatchValidator()
    {
        RuleFor(u => u.Name).Must(n => n is null || !string.IsNullOrWhiteSpace(n)).WithMessage("It must not be empty.")
            .MaximumLength(100).Must(IsPlain).WithMessage("It must have no control characters.");
        RuleFor(u => u.Password).MaximumLength(PasswordRules.MaxLength);
    }

    public static bool IsPlain(string? text) => text is null || !text.Any(char.IsControl);
}

/// <summary>Creates, changes and deletes users.</summary>
public sealed class SaveUser(WorkspaceStore<User> users, UserStore store, Passwords passwords, AccountCache cache, Ids ids, TimeProvider clock)
{
    public async Task<Versioned<User>> CreateAsync(UserInput input, CancellationToken cancellation, string? requestId = null)
    {
        var user = new User
        {
            Id = User.IdOf(input.Email!), Email = User.Normal(input.Email!), Name = input.Name!.Trim(), Role = input.Role!.Value,
            PasswordHash = input.Password is { } password ? HashOf(password, input.Email!, input.Name!) : "", Stamp = requestId ?? ids.New(), CreatedAt = clock.GetUtcNow(),
        };
        if (await users.TryCreateAsync(user, cancellation) is { } etag)
        {
            return new(user, etag);
        }

        // The same request, whose process died before it could answer, has left its own.
        if (await users.ReadAsync(user.Id, cancellation) is not { } there || there.Value.Stamp != requestId)
        {
            throw new UserExists().ToException();
        }

        AuditTrail.Changed(null, there.Value);
        return there;
    }

    public async Task<Versioned<User>> PatchAsync(string id, UserPatch patch, string? ifMatch, CancellationToken cancellation)
    {
        var changed = await ChangeAsync(id, ifMatch, user =>
        {
            var next = user with { Name = patch.Name?.Trim() ?? user.Name, Role = patch.Role ?? user.Role, Active = patch.Active ?? user.Active };
            if (patch.Password is { } password)
            {
                next = next with { PasswordHash = HashOf(password, user.Email, next.Name) };
            }

            return patch.Password is not null || (user.Active && !next.Active) ? next with { Stamp = ids.New() } : next;
        }, cancellation);
        return changed ?? throw new UserNotFound(id).ToException();
    }

    public Task DeleteAsync(string id, string? ifMatch, CancellationToken cancellation) => ChangeAsync(id, ifMatch, _ => null, cancellation);

    /// <returns>What is stored now; null: nothing.</returns>
    private async Task<Versioned<User>?> ChangeAsync(string id, string? ifMatch, Func<User, User?> change, CancellationToken cancellation)
    {
        while (true)
        {
            var current = await users.ReadAsync(id, cancellation) ?? throw new UserNotFound(id).ToException();
            if (ifMatch is not null && ifMatch != current.ETag)
            {
                throw new ETagStale().ToException();
            }

            var changed = change(current.Value);
            if (await store.TryChangeAsync(current, changed, cancellation))
            {
                cache.ForgetUser(id);
                AuditTrail.Changed(current.Value, changed);
                return changed is null ? null : await users.ReadAsync(id, cancellation);
            }
        }
    }

    private string HashOf(string password, string email, string name) => PasswordRules.Check(password, email, name) is { Count: > 0 } errors
        ? throw new RequestInvalid(new Dictionary<string, string[]> { ["/password"] = [.. errors] }).ToException()
        : passwords.Hash(password);
}
