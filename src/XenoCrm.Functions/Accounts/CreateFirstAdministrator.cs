using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>Without a first user nobody could log in to create one.</summary>
public sealed class CreateFirstAdministrator(
    WorkspaceStore<User> users, Passwords passwords, Ids ids, IOptions<AuthOptions> options, TimeProvider clock) : IHostedService
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
            Email = User.Normal(admin.Email),
            Name = "Administrator",
            Role = Role.Admin,
            PasswordHash = passwords.Hash(admin.Password),
            Stamp = ids.New(),
            CreatedAt = clock.GetUtcNow(),
        };

        // Another instance may start at the same time: whichever comes first creates the same user.
        await users.TryCreateAsync(user, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
