using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Delivery;

/// <summary>
/// Sends runs of batches. What has to be done is read from the batches, never from the message, so a run that comes
/// twice, or after a crash at any point, continues where the batches are.
/// </summary>
/// <remarks>
/// Per batch: intent (compare-and-swap: messages <c>Sending</c>, a lease) → vendor → outcome (compare-and-swap, folded
/// into whatever receipts have reported meanwhile). A crash before the intent leaves everything pending. A crash after
/// it leaves messages <c>Sending</c> under a lease that runs out; whoever has the run then asks the same vendor again
/// under the same ids, or, with a vendor that does not know ids, declares them unknown and never asks again. Which vendor
/// that is, is part of the intent: by then another one may be the channel's choice, and an id means nothing to it.
/// </remarks>
public sealed partial class Sender(
    WorkspaceStore<Campaign> campaigns, BatchStore batches, SendClaims claims, CapBook caps, VendorPool vendors,
    VendorThrottle throttle, JobQueue queue, IOptions<DeliveryOptions> options, TimeProvider clock, ILogger<Sender> log) : IDisposable
{
    /// <summary>Longer than a sender may be at the vendor's; after a crash the batch waits for it.</summary>
    internal static readonly TimeSpan Lease = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan VendorTime = TimeSpan.FromSeconds(14);

    /// <summary>So often the vendor may put a message off.</summary>
    internal const int MaxDeferrals = 10;

    /// <summary>At a limited rate a run takes up no more messages than go out within this.</summary>
    private static readonly TimeSpan PacedTime = TimeSpan.FromSeconds(10);

    /// <summary>A turn that is not further away is waited for; one that is over for longer has gone to others, and another one is taken.</summary>
    private static readonly TimeSpan TurnTolerance = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TurnValidity = TimeSpan.FromSeconds(10);

    /// <summary>What the queue allows. Who waits longer is looked at again then, and waits on.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromDays(7);
    private static readonly Again Soon = new(TimeSpan.FromSeconds(1));

    private static readonly TimeSpan FullFor = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim slots = new(options.Value.ConcurrentRuns);
    private long fullAt;

    public async Task HandleAsync(SendRun run, CancellationToken cancellation)
    {
        await slots.WaitAsync(cancellation);
        if (slots.CurrentCount == 0)
        {
            Interlocked.Exchange(ref fullAt, clock.GetTimestamp());
        }

        Again? again;
        try
        {
            again = await SendAsync(run, cancellation);
        }
        finally
        {
            slots.Release();
        }

        if (again is { } later)
        {
            var next = run with { Attempt = later.PutOff ? run.Attempt + 1 : run.Attempt, Turn = later.Turn };
            await queue.SendAsync(SendRun.Queue, next, later.Delay < LongestDelay ? later.Delay : LongestDelay, cancellation);
        }
    }

    /// <summary>When to try again.</summary>
    /// <param name="Turn">It is the run's turn at the vendor then.</param>
    /// <param name="PutOff">By the vendor.</param>
    private readonly record struct Again(TimeSpan Delay, VendorTurn? Turn = null, bool PutOff = false)
    {
        public static Again? Earlier(Again? a, Again? b) => a is null || b?.Delay < a.Value.Delay ? b : a;
    }

    /// <summary>Sends as many runs at a time as it may, now or a moment ago: between two runs there is always a gap.</summary>
    public bool IsBusy => slots.CurrentCount == 0 || (Interlocked.Read(ref fullAt) is var at and not 0 && clock.GetElapsedTime(at) < FullFor);

    public void Dispose() => slots.Dispose();

    /// <returns>When to try again, or null when nothing of the run is left to this sender.</returns>
    private async Task<Again?> SendAsync(SendRun run, CancellationToken cancellation)
    {
        var charges = RequestCharges.Begin();
        var campaign = (await campaigns.ReadAsync(run.CampaignId, cancellation))?.Value
            ?? throw new InvalidOperationException($"Campaign {run.CampaignId} does not exist.");
        if (campaign.State is CampaignState.Paused or CampaignState.Failed)
        {
            // Resuming enqueues runs for all that is not sent.
            return null;
        }

        var stored = await batches.ReadManyAsync(run.BatchIds, cancellation);
        if (stored.Count < run.Count)
        {
            // They were stored before this run was enqueued: it is the reading that is behind. The host tries again.
            throw new InvalidOperationException($"Of {run.Count} batches of campaign {run.CampaignId} from {run.First} on, {stored.Count} can be read.");
        }

        // To the millisecond, as times are stored: a lease that comes back from the database must equal the one written.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(clock.GetUtcNow().ToUnixTimeMilliseconds());
        var open = stored.Where(b => b.Value.State != BatchState.Sent).ToList();
        var held = open.Where(b => b.Value is { State: BatchState.Sending, LeaseUntil: { } until } && until > now).ToList();
        var free = open.Except(held).ToList();
        Again? again = held.Count > 0 ? new(held.Max(b => b.Value.LeaseUntil!.Value) - now + TimeSpan.FromSeconds(1)) : null;
        if (free.Count == 0)
        {
            return again;
        }

        if (campaign.State == CampaignState.Cancelled)
        {
            return await CancelAsync(free, cancellation) ? again : Soon;
        }

        var due = await claims.LookAsync(campaign, free, now, cancellation);
        again = Again.Earlier(again, EarliestOf(due.Batches, now));
        free = due.Batches.Where(b => b.Value.Recipients.Any(r => r.IsReady)).ToList();
        var waiting = due.Batches.Where(b => due.Changed.Contains(b.Value.Id)).Except(free).ToList();
        if ((await batches.TryReplaceManyAsync(waiting, cancellation)).Contains(null))
        {
            again = Soon;
        }

        if (free.Count == 0)
        {
            return again;
        }

        var gateway = vendors.Choose(campaign.Channel);
        var (turn, rest) = (default(VendorTurn), false);
        if (gateway.Vendor.MessagesPerSecond is { } rate)
        {
            turn = await TakeTurnAsync(run, gateway.Vendor.Name, rate, free, cancellation);
            if (turn.At - clock.GetUtcNow() > TurnTolerance)
            {
                return Wait(turn);
            }

            if (turn.At - clock.GetUtcNow() is var early && early > TimeSpan.Zero)
            {
                await Task.Delay(early, clock, cancellation);
            }

            var fitting = Fitting(free, rate * PacedTime.TotalSeconds);
            (free, rest) = (fitting, fitting.Count < free.Count);
        }

        var (claimed, messages) = await claims.ClaimAsync(campaign, gateway, free, due.Decided, now, charges, cancellation);
        again = Again.Earlier(again, EarliestOf(claimed, now));
        if (claimed.Count < free.Count)
        {
            again = Soon;
        }

        if (messages.Count == 0)
        {
            return rest ? Wait(turn!) : again;
        }

        try
        {
            var results = await HandOverAsync(messages, cancellation);

            // To the end even when the host stops: what the vendor has said is said once.
            var off = await RecordAsync(run, claimed, messages, results, charges, CancellationToken.None);
            if (turn is null || (off is null && !rest))
            {
                return Again.Earlier(off, again);
            }

            // What did not fit goes out in the rest of the time taken, unless the vendor did nothing at all.
            return off is null || results.Any(r => r.Outcome is HandOver.Accepted or HandOver.Rejected)
                ? Wait(turn with { At = turn.At + TimeSpan.FromSeconds(results.Count(r => r.Outcome != HandOver.NotTaken) / gateway.Vendor.MessagesPerSecond!.Value) })
                : off;
        }
        catch
        {
            await ReleaseAsync(claimed);
            throw;
        }
    }

    /// <summary>When the first of those who wait is to be looked at again.</summary>
    private static Again? EarliestOf(IEnumerable<Versioned<Batch>> batches, DateTimeOffset now)
    {
        var first = batches.SelectMany(b => b.Value.Recipients.Where(r => r.Waits).Select(r => b.Value.Time(r.NotBefore))).Min();
        return first is { } at ? new(TimeSpan.FromSeconds(Math.Ceiling(Math.Max(1, (at - now).TotalSeconds)))) : null;
    }

    /// <summary>The run's turn at a vendor with a limited rate, taken now unless it has one.</summary>
    private async Task<VendorTurn> TakeTurnAsync(SendRun run, string vendor, double rate, List<Versioned<Batch>> free, CancellationToken cancellation) =>
        run.Turn is { } turn && turn.Vendor == vendor && clock.GetUtcNow() - turn.At < TurnValidity
            ? turn
            : await throttle.ReserveAsync(vendor, rate, free.Sum(b => b.Value.Recipients.Count(r => r.IsReady)), cancellation);

    /// <summary>In whole seconds, as the queue has them, and never before the turn.</summary>
    private Again Wait(VendorTurn turn)
    {
        var delay = TimeSpan.FromSeconds(Math.Ceiling(Math.Max(0, (turn.At - clock.GetUtcNow()).TotalSeconds)));
        return new(delay, turn);
    }

    /// <summary>The first of the batches, at least one, with about so many messages.</summary>
    private static List<Versioned<Batch>> Fitting(List<Versioned<Batch>> free, double messages)
    {
        var count = 0;
        return [.. free.TakeWhile((b, i) => (count += b.Value.Recipients.Count(r => r.IsReady)) <= messages || i == 0)];
    }

    /// <summary>
    /// Gives up the lease, so that the host's next try can begin at once. Without this every try after a failure would only
    /// find the lease and put the run off, and a run that can never succeed would never reach the poison queue.
    /// </summary>
    private async Task ReleaseAsync(IReadOnlyList<Versioned<Batch>> claimed)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            var leases = claimed.ToDictionary(b => b.Value.Id, b => b.Value.LeaseUntil);
            await batches.ChangeAsync(
                claimed,
                batch => batch.State == BatchState.Sending && batch.LeaseUntil == leases[batch.Id] ? batch with { State = BatchState.Queued, LeaseUntil = null } : null,
                limit.Token);
        }
        catch (Exception exception)
        {
            // The lease runs out by itself; what matters is the failure that led here.
            LogNotReleased(exception);
        }
    }

    /// <summary>To each message's vendor; mostly that is one for all.</summary>
    private async Task<HandOverResult[]> HandOverAsync(IReadOnlyList<Place> messages, CancellationToken cancellation)
    {
        var results = new HandOverResult[messages.Count];
        await Task.WhenAll(messages.Index().GroupBy(m => m.Item.Gateway).Select(async group =>
        {
            var answers = await group.Key.HandOverAsync([.. group.Select(m => m.Item.Message)], VendorTime, cancellation);
            foreach (var (place, answer) in group.Zip(answers))
            {
                results[place.Index] = answer;
            }
        }));
        return results;
    }

    private async Task<Again?> RecordAsync(
        SendRun run, IReadOnlyList<Versioned<Batch>> claimed, IReadOnlyList<Place> messages, IReadOnlyList<HandOverResult> results,
        RequestCharges charges, CancellationToken cancellation)
    {
        var outcomes = messages.Zip(results, (m, r) => (m.BatchId, m.Index, m.Gateway.Vendor.Idempotent, Result: r)).ToLookup(o => o.BatchId);
        var now = clock.GetUtcNow();
        await GiveBackAsync(claimed, messages, results, cancellation);
        var leases = claimed.ToDictionary(b => b.Value.Id, b => b.Value.LeaseUntil);
        var recorded = await batches.ChangeAsync(
            [.. claimed.Where(b => outcomes.Contains(b.Value.Id))],
            batch =>
            {
                // Another sender has it when this one was away for longer than its lease. What the vendor answered is true
                // all the same, but whether the rest is tried again is the other one's business.
                var mine = batch.LeaseUntil == leases[batch.Id];
                var recipients = batch.Recipients.ToArray();
                foreach (var (_, index, idempotent, result) in outcomes[batch.Id])
                {
                    recipients[index] = Conclude(recipients[index], result, idempotent, batch.Since(now), mine);
                }

                return Ledger.Count(batch with
                {
                    State = mine ? BatchState.Queued : batch.State,
                    LeaseUntil = mine ? null : batch.LeaseUntil,
                    Units = batch.Units + (charges.Total / claimed.Count) + batches.TypicalWrite,
                    Recipients = recipients,
                });
            },
            cancellation);

        foreach (var (message, result) in messages.Zip(results))
        {
            DeliveryMetrics.HandedOver(message.Gateway.Vendor.Name, result.Outcome);
        }

        var left = recorded.Count(b => b.Value.State is not (BatchState.Sent or BatchState.Waiting));
        if (left == 0)
        {
            return null;
        }

        var delay = TimeSpan.FromSeconds(Math.Min(60, 1 << Math.Min(run.Attempt, 6)));
        LogPutOff(run.CampaignId, run.First, left, delay);
        return new(delay, PutOff: true);
    }

    /// <summary>What the vendor certainly will not carry does not count for the caps. Before the outcome is stored: after it nobody would come back to it.</summary>
    private async Task GiveBackAsync(IReadOnlyList<Versioned<Batch>> claimed, IReadOnlyList<Place> messages, IReadOnlyList<HandOverResult> results, CancellationToken cancellation)
    {
        if (!caps.IsSetUp)
        {
            return;
        }

        var recipients = claimed.ToDictionary(b => b.Value.Id, b => b.Value.Recipients);
        await caps.ReleaseAsync(
            messages.Zip(results).Select(m => (Recipient: recipients[m.First.BatchId][m.First.Index], m.First.Message.Id, m.Second.Outcome))
                .Where(m => m.Outcome == HandOver.Rejected || (m.Outcome == HandOver.Deferred && m.Recipient.Deferred >= MaxDeferrals))
                .Select(m => (m.Recipient.CustomerId, m.Id)),
            cancellation);
    }

    /// <returns>False when another writer was faster with one of them.</returns>
    private async Task<bool> CancelAsync(List<Versioned<Batch>> free, CancellationToken cancellation)
    {
        await caps.ReleaseAsync(free.SelectMany(b => b.Value.Pending()), cancellation);
        return !(await batches.TryReplaceManyAsync([.. free.Select(b => b with { Value = Cancel(b.Value) })], cancellation)).Contains(null);
    }

    private static Recipient Conclude(Recipient recipient, HandOverResult result, bool idempotent, long at, bool mine) => result.Outcome switch
    {
        HandOver.Accepted => Ledger.Fold(recipient, new(MessageStatus.Sent, at, Accepted: true)),
        HandOver.Rejected => Ledger.Fold(recipient, new(MessageStatus.Failed, at, result.Reason)),
        HandOver.Deferred when recipient.Deferred >= MaxDeferrals => Ledger.Fold(recipient, new(MessageStatus.Failed, at, result.Reason ?? Reasons.Deferred)) with { Deferred = MaxDeferrals + 1 },
        HandOver.Deferred when mine => Ledger.Return(recipient) with { Deferred = (recipient.Deferred ?? 0) + 1 },
        HandOver.NotTaken when mine => Ledger.Return(recipient),
        HandOver.Ambiguous when !idempotent => Ledger.Fold(recipient, new(MessageStatus.Unknown, at, Reasons.Interrupted)),
        _ => recipient,
    };

    private Batch Cancel(Batch batch) => Ledger.Count(batch with
    {
        Recipients = [.. batch.Recipients.Select(r => r.Status switch
        {
            MessageStatus.Pending => r with { Status = MessageStatus.Skipped, Reason = Reasons.Cancelled, At = batch.Since(clock.GetUtcNow()) },
            MessageStatus.Sending => Ledger.Fold(r, new(MessageStatus.Unknown, batch.Since(clock.GetUtcNow()), Reasons.Interrupted)),
            _ => r,
        })],
    });

    [LoggerMessage(Level = LogLevel.Warning, Message = "A lease could not be given up and will run out")]
    private partial void LogNotReleased(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Campaign {CampaignId}, run from batch {First}: {Batches} batches wait {Delay} for the vendor")]
    private partial void LogPutOff(string campaignId, int first, int batches, TimeSpan delay);
}
