using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>Without a first user nobody could log in to create one.</summary>
public sealed class CreateFirstAdministrator(
    WorkspaceStore<User> users, IPasswordHasher<User> hasher, IOptions<AuthOptions> options, TimeProvider clock) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var admin = options.Value.Admin;
        if (admin.Email.Length == 0 || await users.ReadAsync(User.IdOf(admin.Email), cancellationToken) is not null)
        {
            return;
        }

        var user = new User
        {
            Id = User.IdOf(admin.Email),
            Email = admin.Email,
            Name = "Administrator",
            Role = Role.Admin,
            PasswordHash = "",
            CreatedAt = clock.GetUtcNow(),
        };

        // Another instance may start at the same time: whichever comes first creates the same user.
        await users.TryCreateAsync(user with { PasswordHash = hasher.HashPassword(user, admin.Password) }, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
