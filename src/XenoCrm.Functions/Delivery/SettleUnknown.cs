using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>
/// Asks vendors what became of messages that they perhaps have, where they can be asked: else such a message stays
/// unknown for ever when no receipt of it comes.
/// </summary>
public sealed partial class SettleUnknown(BatchStore batches, CapBook caps, VendorPool vendors, TimeProvider clock, ILogger<SettleUnknown> log)
{
    public const string Cron = "30 * * * * *";

    /// <summary>Receipts mostly come within this. And a request that was under way when its sender died has long arrived, or never will.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private const int BatchesPerSweep = 100;
    private const int AtOnce = 8;

    /// <summary>Until the next sweep begins.</summary>
    private static readonly TimeSpan SweepTime = TimeSpan.FromSeconds(45);

    /// <returns>How many messages were settled.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellation)
    {
        var names = vendors.WithStatus.Select(v => v.Name).ToList();
        var ids = names.Count == 0 ? [] : await batches.UncertainAsync(names, BatchesPerSweep, cancellation);
        var until = clock.GetUtcNow() + SweepTime;
        var mute = new ConcurrentDictionary<string, bool>();
        var settled = 0;
        foreach (var batch in await batches.ReadManyAsync(ids, cancellation))
        {
            if (clock.GetUtcNow() > until)
            {
                break;
            }

            settled += await SettleAsync(batch, mute, cancellation);
        }

        if (settled > 0)
        {
            LogSettled(settled);
        }

        return settled;
    }

    /// <param name="mute">Vendors that did not answer: they are left alone for the rest of the sweep.</param>
    private async Task<int> SettleAsync(Versioned<Batch> stored, ConcurrentDictionary<string, bool> mute, CancellationToken cancellation)
    {
        var batch = stored.Value;
        var since = batch.Since(clock.GetUtcNow() - Patience);
        var open = Enumerable.Range(0, batch.Recipients.Count).Where(i => batch.Recipients[i] is { Status: MessageStatus.Unknown } r && !(r.At > since));
        var findings = new ConcurrentDictionary<int, VendorFinding>();
        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (index, token) =>
        {
            if (vendors.Find(batch.VendorOf(index))?.Vendor is not { KeepsStatus: true } vendor || mute.ContainsKey(vendor.Name))
            {
                return;
            }

            try
            {
                findings[index] = await vendor.FindAsync(batch.MessageId(index), token);
            }
            catch (VendorException exception)
            {
                mute[vendor.Name] = true;
                LogNoAnswer(exception, vendor.Name);
            }
        });
        if (!findings.IsEmpty)
        {
            await caps.ReleaseAsync(
                findings.Where(f => f.Value.Fate is VendorFate.NotThere or VendorFate.Rejected).Select(f => (batch.Recipients[f.Key].CustomerId, batch.MessageId(f.Key))), cancellation);
            await batches.ChangeAsync([stored], now => Settle(now, findings), cancellation);
        }

        return findings.Count;
    }

    /// <returns>Null when receipts were faster.</returns>
    private Batch? Settle(Batch batch, ConcurrentDictionary<int, VendorFinding> findings)
    {
        var at = batch.Since(clock.GetUtcNow());
        var recipients = batch.Recipients.Select((r, i) => r.Status == MessageStatus.Unknown && findings.TryGetValue(i, out var finding)
            ? Ledger.Fold(r, ReportOf(r, finding, at)) : r).ToList();
        return recipients.SequenceEqual(batch.Recipients) ? null : Ledger.Count(batch with { Recipients = recipients });
    }

    private static Report ReportOf(Recipient known, VendorFinding finding, long at) => finding.Fate switch
    {
        VendorFate.Accepted => new(MessageStatus.Sent, at, Accepted: true),
        VendorFate.Delivered => new(MessageStatus.Delivered, at, Accepted: true),
        VendorFate.Failed => new(MessageStatus.Failed, at, finding.Reason ?? "failed", Accepted: true),
        VendorFate.Rejected => new(MessageStatus.Failed, at, finding.Reason ?? "rejected"),

        // Of a run that was given up it stays the run's, whose replay sends it.
        _ => new(MessageStatus.Failed, at, known.Reason == Reasons.Poison ? Reasons.Poison : Reasons.NotTaken),
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} messages that were unknown are settled")]
    private partial void LogSettled(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The vendor {Vendor} does not say what became of its messages")]
    private partial void LogNoAnswer(Exception exception, string vendor);
}
