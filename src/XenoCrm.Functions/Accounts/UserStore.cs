using System.Net;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>
/// Changes users so that an active administrator always remains. Two administrators who take the role from each other at
/// the same moment must not both succeed, so whoever takes it from one writes another one along, unchanged, under its
/// ETag, in one transaction: if that one is being changed too, one of the two transactions fails.
/// </summary>
public sealed class UserStore(WorkspaceStore<User> users, CosmosDatabase database)
{
    private static readonly PartitionKey Partition = new(User.KindName);

    private readonly Container container = database.Container(Workspace.ContainerName);

    /// <param name="changed">Null: the user is deleted.</param>
    /// <returns>False when somebody else was faster; read again.</returns>
    /// <exception cref="Platform.Errors.ProblemException">409: no administrator would remain.</exception>
    public async Task<bool> TryChangeAsync(Versioned<User> current, User? changed, CancellationToken cancellation)
    {
        var batch = container.CreateTransactionalBatch(Partition);
        var condition = new TransactionalBatchItemRequestOptions { IfMatchEtag = current.ETag };
        _ = changed is null ? batch.DeleteItem(current.Value.Id, condition) : batch.ReplaceItem(changed.Id, changed, condition);
        if (current.Value.IsActiveAdmin && changed is not { IsActiveAdmin: true })
        {
            var other = await OtherAdminAsync(current.Value.Id, cancellation) ?? throw new LastAdministrator().ToException();
            batch.ReplaceItem(other.Value.Id, other.Value, new() { IfMatchEtag = other.ETag });
        }

        using var answer = await batch.ExecuteAsync(cancellation);
        if (answer.IsSuccessStatusCode)
        {
            return true;
        }

        return answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound or HttpStatusCode.Conflict
            ? false
            : throw new CosmosException(answer.ErrorMessage, answer.StatusCode, 0, answer.ActivityId, answer.RequestCharge);
    }

    private async Task<Versioned<User>?> OtherAdminAsync(string id, CancellationToken cancellation)
    {
        await foreach (var user in users.AllAsync(cancellation))
        {
            if (user.Value.Id != id && user.Value.IsActiveAdmin)
            {
                return user;
            }
        }

        return null;
    }
}
