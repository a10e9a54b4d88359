using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>
/// Forgets who got the messages of campaigns that ended long ago, with what they did and from where
/// (<see cref="DeliveryOptions.MessageRetention"/>). The counts of each batch stay, and so does the ledger; receipts that
/// come later belong to nobody.
/// </summary>
public sealed class ForgetMessages(
    WorkspaceStore<Campaign> campaigns, BatchStore batches, IOptions<DeliveryOptions> options, TimeProvider clock)
{
    /// <summary>Half a megabyte to read at a time.</summary>
    private const int AtOnce = 50;

    [Function("ForgetMessages")]
    public Task Run([TimerTrigger("0 41 * * * *")] TimerInfo timer, CancellationToken cancellation) => HandleAsync(cancellation);

    public async Task HandleAsync(CancellationToken cancellation)
    {
        if (options.Value.MessageRetention is not { } retention)
        {
            return;
        }

        var query = new QueryDefinition("SELECT * FROM c WHERE c.state IN ('completed', 'cancelled') AND c.endedAt < @before AND NOT IS_DEFINED(c.messagesForgottenAt)")
            .WithParameter("@before", UtcTimeConverter.Write(clock.GetUtcNow() - retention));
        await foreach (var (campaign, _) in campaigns.QueryAsync(query, cancellation))
        {
            if (await ForgetAsync(campaign.Id, cancellation))
            {
                // After the batches: who dies before it begins again, and finds fewer.
                await campaigns.UpdateAsync(campaign.Id, c => c with { MessagesForgottenAt = clock.GetUtcNow() }, cancellation);
            }
        }
    }

    /// <returns>False when customers are still to be told of some: the next hour finds the rest.</returns>
    private async Task<bool> ForgetAsync(string campaignId, CancellationToken cancellation)
    {
        var isAll = true;
        foreach (var ids in (await batches.RememberedAsync(campaignId, cancellation)).Chunk(AtOnce))
        {
            var stored = await batches.ChangeAsync(
                await batches.ReadManyAsync(ids, cancellation), b => b.Unrecorded || b.Forgotten ? null : b with { Recipients = [], Forgotten = true, Uncertain = false }, cancellation);
            isAll &= stored.All(b => b.Value.Forgotten);
        }

        return isAll;
    }
}
