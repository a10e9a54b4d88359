using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>A message and its place in a batch, on its way to a vendor.</summary>
public readonly record struct Place(string BatchId, int Index, VendorGateway Gateway, VendorMessage Message);

/// <param name="Changed">Batches whose notes of who waits differ from what is stored.</param>
/// <param name="Decided">By customer id, where customers had to be read to find out; null: none was.</param>
public sealed record Due(List<Versioned<Batch>> Batches, IReadOnlySet<string> Changed, IReadOnlyDictionary<string, Decided>? Decided);

/// <summary>Decides about the open messages of batches, one by one, and records what is intended. The first half of what <see cref="Sender"/> does.</summary>
public sealed class SendClaims(
    BatchStore batches, SendDecisions decisions, MergedRecipients merged, SendTiming timing, CapBook caps, VendorPool vendors, PriceTable prices, CampaignTemplates templates, TrackingLinks links)
{
    /// <summary>A merge is mostly over within milliseconds; one whose process has died within a minute or two.</summary>
    private static readonly TimeSpan MergeWait = TimeSpan.FromSeconds(5);

    /// <summary>Notes, in memory, who has to wait and until when. Whoever does not is ready (<see cref="Recipient.IsReady"/>).</summary>
    public async Task<Due> LookAsync(Campaign campaign, IReadOnlyList<Versioned<Batch>> open, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!timing.Concerns(campaign) && !open.Any(b => b.Value.Recipients.Any(r => r.Waits)))
        {
            return new([.. open], new HashSet<string>(), null);
        }

        await timing.PrepareAsync(campaign, cancellation);
        var asked = open.SelectMany(b => b.Value.Recipients.Where(r => r.Status == MessageStatus.Sending
            || (r.Status == MessageStatus.Pending && !SendTiming.Waits(campaign, b.Value, r, now) && SendTiming.WinnerAfter(campaign, r.CustomerId, now) is null))).Select(r => r.CustomerId).ToList();
        var decided = await decisions.DecideAsync(campaign.Channel, asked, cancellation);
        var changed = new HashSet<string>();
        var looked = open.Select(stored =>
        {
            var batch = stored.Value;
            var recipients = batch.Recipients.Select(r => r.Status == MessageStatus.Pending && !SendTiming.Waits(campaign, batch, r, now)
                ? r with { NotBefore = After(campaign, r, decided, now) is { } until ? batch.Since(until) : null }
                : r).ToList();
            if (recipients.SequenceEqual(batch.Recipients))
            {
                return stored;
            }

            changed.Add(batch.Id);
            return stored with { Value = Ledger.Count(batch with { Recipients = recipients }) };
        }).ToList();
        return new(looked, changed, decided);
    }

    /// <summary>Stores the intent to send what is ready.</summary>
    /// <returns>The batches this sender has now, and their messages. Those that another one was faster with are left to it.</returns>
    public async Task<(IReadOnlyList<Versioned<Batch>> Claimed, IReadOnlyList<Place> Messages)> ClaimAsync(
        Campaign campaign, VendorGateway chosen, IReadOnlyList<Versioned<Batch>> free, IReadOnlyDictionary<string, Decided>? known, DateTimeOffset now, RequestCharges charges,
        CancellationToken cancellation)
    {
        var decided = known ?? await decisions.DecideAsync(campaign.Channel, [.. free.SelectMany(b => b.Value.Recipients.Where(r => r.IsReady).Select(r => r.CustomerId))], cancellation);
        decided = await merged.WithoutDoublesAsync(campaign, free, decided, cancellation);
        var counted = await CountAsync(campaign, free, decided, now, cancellation);
        var contents = campaign.Variants.Select(v => templates.Get(v.Content)).ToArray();

        var units = (charges.Take() / free.Count) + batches.TypicalWrite;
        var intents = new List<Versioned<Batch>>(free.Count);
        var messages = new List<Place>();
        foreach (var (batch, etag) in free)
        {
            var recipients = batch.Recipients.ToArray();
            var names = batch.Vendors ?? [];
            var notes = new HandOverNotes(batch);
            for (var i = 0; i < recipients.Length; i++)
            {
                if (!recipients[i].IsReady)
                {
                    continue;
                }

                var (customer, decision, hash, isFrozen) = decided[recipients[i].CustomerId];
                var id = batch.MessageId(i);
                if (recipients[i].Status == MessageStatus.Pending && (isFrozen || counted.Gone.Contains(id)))
                {
                    // What becomes of them is seen when it is over: another customer, the same, or none.
                    recipients[i] = recipients[i] with { NotBefore = batch.Since(now + MergeWait) };
                    continue;
                }

                var gateway = recipients[i].Status == MessageStatus.Sending ? vendors.Find(batch.VendorOf(i)) : chosen;
                decision = Refine(campaign, recipients[i], customer?.Value, decision, counted, id);
                recipients[i] = Intend(campaign, recipients[i], gateway, decision, hash, batch.Since(now));
                if (recipients[i].Status == MessageStatus.Sending)
                {
                    (names, recipients[i]) = Batch.Assign(names, recipients[i], gateway!.Vendor.Name);
                    var variant = recipients[i].Variant ?? 0;
                    var message = new VendorMessage(
                        id, campaign.Channel, decision.To!, campaign.Variants[variant].Content.From, () => contents[variant].Render(customer!.Value, links.Of(id, campaign.Channel)));
                    recipients[i] = notes.Note(i, recipients[i], prices.Of(gateway.Vendor.Name, message), campaign.Channel == Channel.Email ? message.To : null);
                    messages.Add(new(batch.Id, i, gateway, message));
                }
            }

            var noted = notes.AddTo(batch with { State = BatchState.Sending, LeaseUntil = now + Sender.Lease, Vendors = names, Units = batch.Units + units }, recipients);
            intents.Add(new(Ledger.Count(noted), etag));
        }

        var etags = await batches.TryReplaceManyAsync(intents, cancellation);
        charges.Take();
        var claimed = intents.Zip(etags).Where(c => c.Second is not null).Select(c => new Versioned<Batch>(c.First.Value, c.Second!)).ToList();
        var mine = claimed.Select(b => b.Value.Id).ToHashSet();
        return (claimed, [.. messages.Where(m => mine.Contains(m.BatchId))]);
    }

    private DateTimeOffset? After(Campaign campaign, Recipient recipient, IReadOnlyDictionary<string, Decided> decided, DateTimeOffset now) =>
        SendTiming.WinnerAfter(campaign, recipient.CustomerId, now)
        ?? (decided[recipient.CustomerId] is { Customer.Value: { } customer, Decision.To: not null } && !timing.IsTooLate(campaign, customer) ? timing.After(campaign, customer, now) : null);

    /// <summary>Takes the places under the caps, where there are caps.</summary>
    private async Task<CapAnswer> CountAsync(
        Campaign campaign, IReadOnlyList<Versioned<Batch>> free, IReadOnlyDictionary<string, Decided> decided, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!caps.Counts(campaign))
        {
            return new(new HashSet<string>(), new HashSet<string>());
        }

        var sent = new List<CapRequest>();
        var dropped = new List<(string, string)>();
        foreach (var batch in free.Select(b => b.Value))
        {
            for (var i = 0; i < batch.Recipients.Count; i++)
            {
                if (batch.Recipients[i] is not { IsReady: true } recipient)
                {
                    continue;
                }

                var id = batch.MessageId(i);
                var (customer, decision, _, isFrozen) = decided[recipient.CustomerId];
                if (isFrozen)
                {
                    // Waits; or it was left half sent, and has its place.
                    continue;
                }

                if (decision.To is not null && !timing.IsTooLate(campaign, customer!.Value))
                {
                    sent.Add(new(customer, id, recipient.Status == MessageStatus.Sending, recipient.Status == MessageStatus.Pending && Assignment.IsHeldOut(campaign, recipient.CustomerId)));
                }
                else if (recipient.Status == MessageStatus.Pending && (customer is null || customer.Value.Contacts?.Any(c => c.MessageId == id) == true))
                {
                    // A former try has taken a place, and now the message is not sent.
                    dropped.Add((recipient.CustomerId, id));
                }
            }
        }

        await caps.ReleaseAsync(dropped, cancellation);
        return await caps.ReserveAsync(campaign.Channel, sent, now, cancellation);
    }

    /// <summary>What stands against a message that could be sent. Holding out comes last: who is held out is who would be sent to.</summary>
    private SendDecision Refine(Campaign campaign, Recipient recipient, Customer? customer, SendDecision decision, CapAnswer counted, string id)
    {
        if (decision.To is null)
        {
            return decision;
        }

        if (counted.Gone.Contains(id))
        {
            return SendDecision.Skip(Reasons.CustomerGone);
        }

        if (recipient.Status != MessageStatus.Pending)
        {
            return decision;
        }

        return timing.IsTooLate(campaign, customer!) ? SendDecision.Skip(Reasons.LocalTimePassed)
            : counted.Capped.Contains(id) ? SendDecision.Skip(Reasons.Capped)
            : Assignment.IsHeldOut(campaign, recipient.CustomerId) ? SendDecision.Skip(Reasons.Holdout)
            : decision;
    }

    /// <summary>The recipient as the intent says. One that is <c>Sending</c> already was left so by a sender that died.</summary>
    /// <param name="gateway">Whom it was, or is to be, handed to; null when that vendor does not exist any more.</param>
    private static Recipient Intend(Campaign campaign, Recipient recipient, VendorGateway? gateway, SendDecision decision, string? hash, long at)
    {
        if (recipient.Status == MessageStatus.Sending)
        {
            // It may have gone out. Asking another vendor, or one that does not know ids, could send a second one, or one that is no longer wanted.
            return gateway?.Vendor.Idempotent == true && decision.To is not null
                ? recipient with { At = at, AddressHash = hash }
                : Ledger.Fold(recipient, new(MessageStatus.Unknown, at, Reasons.Interrupted));
        }

        var variant = decision.To is null ? 0 : Assignment.SentVariantOf(campaign, recipient.CustomerId);
        return recipient with { Status = decision.Status, Reason = decision.Reason, At = at, AddressHash = decision.To is null ? null : hash, Variant = variant == 0 ? null : variant };
    }
}
