using System.Net;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>Carries out single changes of a plan, each under the ETag it was planned on: see <see cref="CustomerWriter"/> for the order.</summary>
internal sealed class PlannedWrites(CosmosDatabase database, CustomerStore store, TimeProvider clock)
{
    /// <summary>An operation in flight holds some 25 KB in the SDK. Enough of them that the shared requests are full.</summary>
    private const int ChangesInFlight = 700;

    private readonly IdentityStore identities = new(database);
    private readonly Container direct = database.Container(CustomerStore.ContainerName);
    private readonly Container bulk = database.BulkContainer(CustomerStore.ContainerName);

    /// <returns>For each change, in order, what the action says.</returns>
    public static async Task<bool[]> ForAllAsync(List<PlannedChange> changes, Func<PlannedChange, Task<bool>> action, CancellationToken cancellation)
    {
        using var window = new SemaphoreSlim(ChangesInFlight);
        return await Task.WhenAll(changes.Select(async change =>
        {
            await window.WaitAsync(cancellation);
            try
            {
                return await action(change);
            }
            finally
            {
                window.Release();
            }
        }));
    }

    /// <summary>Makes the keys the customer's.</summary>
    /// <returns>False when someone was faster.</returns>
    public async Task<bool> ClaimAsync(CustomerRun run, PlannedChange change, bool isBulk, CancellationToken cancellation)
    {
        foreach (var id in change.Voids)
        {
            using var answer = await direct.CreateItemStreamAsync(CustomerSlot.Void(id, clock.GetUtcNow()), new PartitionKey(id), cancellationToken: cancellation);
            if (answer.StatusCode == HttpStatusCode.Conflict)
            {
                return false;
            }

            answer.EnsureSuccessStatusCode();
        }

        var claims = await Task.WhenAll(change.Claims.Select(async claim =>
        {
            var isWon = await identities.TryClaimAsync(claim.Identity, claim.ETag, isBulk, cancellation);
            if (isWon && change.ETag is not null)
            {
                run.Own(claim.Identity);
            }

            return isWon;
        }));
        return !claims.Contains(false);
    }

    /// <summary>Writes the customer.</summary>
    /// <returns>False when someone was faster.</returns>
    public async Task<bool> StoreAsync(CustomerRun run, PlannedChange change, bool isBulk, CancellationToken cancellation)
    {
        if (!change.IsDirty)
        {
            run.Store(change.Before!, change.ETag!);
            return true;
        }

        if (change.IsRemoval)
        {
            return await RemoveAsync(run, change, isBulk, cancellation);
        }

        var customer = store.Derive(change.After! with { Imports = run.MarksOf(change) });
        if (await PutAsync(customer, change.ETag, isBulk ? bulk : direct, cancellation) is not { } etag)
        {
            return false;
        }

        AuditTrail.Changed(change.Before, customer);
        run.Store(customer, etag);
        return true;
    }

    private async Task<bool> RemoveAsync(CustomerRun run, PlannedChange change, bool isBulk, CancellationToken cancellation)
    {
        using var content = CustomerSlot.Void(change.Id, clock.GetUtcNow(), run.MarksOf(change));
        using var answer = await (isBulk ? bulk : direct).ReplaceItemStreamAsync(
            content, change.Id, new(change.Id), new() { IfMatchEtag = change.ETag, EnableContentResponseOnWrite = false }, cancellation);
        if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return false;
        }

        answer.EnsureSuccessStatusCode();
        AuditTrail.Changed(change.Before, null);
        return true;
    }

    private static async Task<string?> PutAsync(Customer customer, string? etag, Container container, CancellationToken cancellation)
    {
        var partition = new PartitionKey(customer.Id);
        using var content = CustomerStore.Serialize(customer);
        using var answer = etag is null
            ? await container.CreateItemStreamAsync(content, partition, new() { EnableContentResponseOnWrite = false }, cancellation)
            : await container.ReplaceItemStreamAsync(content, customer.Id, partition, new() { IfMatchEtag = etag, EnableContentResponseOnWrite = false }, cancellation);
        if (answer.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return null;
        }

        answer.EnsureSuccessStatusCode();
        return answer.Headers.ETag;
    }
}
