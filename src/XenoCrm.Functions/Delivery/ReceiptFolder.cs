using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>Folds receipts into their batches, and draws the consequences: suppressions and withdrawn consent.</summary>
public sealed partial class ReceiptFolder(
    BatchStore batches, WorkspaceStore<Campaign> campaigns, CustomerStore customers, SuppressionStore suppressions, StrayReceiptStore strays,
    IOptions<DeliveryOptions> options, TimeProvider clock, ILogger<ReceiptFolder> log) : IDisposable
{
    /// <summary>Half a megabyte to read at a time.</summary>
    private const int BatchesPerRead = 50;

    /// <summary>
    /// Reads at a time, each with some 5 MB until its batches are written. Receipts of opens are spread over all batches of
    /// a campaign: those that the host hands over at once can be about thousands of them.
    /// </summary>
    private readonly SemaphoreSlim slots = new(4);

    /// <summary>A receipt whose time is ahead of this clock by more than a skew is taken as of now.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>Returns when everything is stored. Safe to repeat, in whole or in part.</summary>
    public async Task CommitAsync(IReadOnlyDictionary<string, IReadOnlyList<Receipt>> byBatch) =>
        await Task.WhenAll(byBatch.Keys.Chunk(BatchesPerRead).Select(async ids =>
        {
            await slots.WaitAsync();
            try
            {
                await CommitAsync(ids, byBatch);
            }
            finally
            {
                slots.Release();
            }
        }));

    public void Dispose() => slots.Dispose();

    private async Task CommitAsync(string[] ids, IReadOnlyDictionary<string, IReadOnlyList<Receipt>> byBatch)
    {
        var charges = RequestCharges.Begin();
        var found = await batches.ReadManyAsync(ids, CancellationToken.None);
        var stored = (await batches.ChangeAsync(
            found,
            batch => Fold(batch, byBatch[batch.Id]) is { } next ? next with { Units = batch.Units + (charges.Total / ids.Length) + batches.TypicalWrite } : null,
            CancellationToken.None)).ToDictionary(b => b.Value.Id, b => b.Value);
        await ConcludeAsync(stored, byBatch);
        DeliveryMetrics.Applied(stored.Keys.SelectMany(id => byBatch[id]), clock.GetUtcNow());

        var lost = ids.SelectMany(id => byBatch[id].Where(r => !stored.TryGetValue(id, out var batch) || Index(r) >= batch.Recipients.Count))
            .Where(r => !TestCampaign.IsTest(r.MessageId)).ToList();
        if (lost.Count > 0)
        {
            await strays.KeepAsync(lost, CancellationToken.None);
            LogStray(lost.Count);
        }
    }

    /// <returns>Null when the receipts say nothing new.</returns>
    private Batch? Fold(Batch batch, IReadOnlyList<Receipt> receipts)
    {
        Recipient[]? changed = null;
        foreach (var receipt in receipts)
        {
            var index = Index(receipt);
            if (index >= batch.Recipients.Count)
            {
                continue;
            }

            var known = (changed ?? batch.Recipients)[index];
            if (receipt is { Untimed: true, Status: ReceiptStatus.Opened } && known.Has(MessageEventKind.Opened))
            {
                // The same one, repeated, would look like another.
                continue;
            }

            var at = batch.Since(TimeOf(receipt));
            var next = Ledger.Fold(known, receipt.ToReport(at));
            if (next != known)
            {
                changed ??= [.. batch.Recipients];
                changed[index] = next;
            }
        }

        return changed is null ? null : Ledger.Count(batch with { Recipients = changed });
    }

    private async Task ConcludeAsync(Dictionary<string, Batch> stored, IReadOnlyDictionary<string, IReadOnlyList<Receipt>> byBatch)
    {
        var events = stored.Values
            .SelectMany(b => byBatch[b.Id].Where(r => r.Status is ReceiptStatus.Bounced or ReceiptStatus.Complained or ReceiptStatus.Unsubscribed && Index(r) < b.Recipients.Count)
                .Select(r => (Batch: b, Receipt: r, Recipient: b.Recipients[Index(r)])))
            .Where(e => e.Recipient.Status is not (MessageStatus.Skipped or MessageStatus.Suppressed))
            .ToList();
        if (events.Count == 0)
        {
            return;
        }

        var channels = new Dictionary<string, Channel>();
        foreach (var id in events.Select(e => e.Batch.CampaignId).Distinct())
        {
            if ((await campaigns.ReadAsync(id, CancellationToken.None))?.Value is { } campaign)
            {
                channels[id] = campaign.Channel;
            }
        }

        var suppress = events
            .Where(e => e.Recipient.AddressHash is not null && channels.ContainsKey(e.Batch.CampaignId)
                && (e.Receipt.Status == ReceiptStatus.Bounced && options.Value.SuppressOnBounce || e.Receipt.Status == ReceiptStatus.Complained && options.Value.SuppressOnComplaint))
            .DistinctBy(e => e.Recipient.AddressHash)
            .Select(e => new Suppression(
                e.Recipient.AddressHash!, channels[e.Batch.CampaignId], e.Receipt.Status == ReceiptStatus.Bounced ? "bounced" : "complained", TimeOf(e.Receipt), e.Receipt.MessageId))
            .ToList();
        await suppressions.AddManyAsync(suppress, CancellationToken.None);
        foreach (var (batch, receipt, recipient) in events.Where(e => e.Receipt.Status == ReceiptStatus.Unsubscribed && channels.ContainsKey(e.Batch.CampaignId)))
        {
            await WithdrawAsync(recipient.CustomerId, channels[batch.CampaignId], TimeOf(receipt));
        }
    }

    private async Task WithdrawAsync(string customerId, Channel channel, DateTimeOffset at)
    {
        while (await customers.ReadFollowingAsync(customerId, CancellationToken.None) is var (customer, etag))
        {
            // Who agreed again since then is not unsubscribed by a receipt that comes late.
            var known = customer.Consent.GetValueOrDefault(channel.Name());
            if (known is not null && (known.State == ConsentState.Withdrawn || known.At > at))
            {
                return;
            }

            var consent = new Dictionary<string, Consent>(customer.Consent) { [channel.Name()] = new(ConsentState.Withdrawn, at, "unsubscribe") };
            var past = known is null ? customer.Past : PastEvent.Add(customer.Past, PastEvent.Of(channel.Name(), known));
            if (await customers.TryReplaceAsync(customer with { Consent = consent, Past = past }, etag, CancellationToken.None) is not null)
            {
                return;
            }
        }
    }

    private DateTimeOffset TimeOf(Receipt receipt)
    {
        var now = clock.GetUtcNow();
        return receipt.At > now + Skew ? now : receipt.At;
    }

    private static int Index(Receipt receipt) => MessageId.TryParse(receipt.MessageId)!.Value.Index;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} receipts belong to no message; they are kept")]
    private partial void LogStray(int count);
}
