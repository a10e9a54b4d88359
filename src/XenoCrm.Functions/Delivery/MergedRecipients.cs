using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>
/// Recipients that were made one customer after the campaign's audience was frozen get one message: the one that has gone
/// out already, else the first of those that are to be sent. Whose message was decided about before the merge was another
/// customer then, and that decision may not be stored yet: until it must be, the others wait. Without that, one run that
/// still saw the customer who stays alone and another that saw the merged one both wrote to the same address.
/// </summary>
public sealed class MergedRecipients(BatchStore batches, TimeProvider clock)
{
    /// <summary>The clocks of two instances.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>Between a decision and its intent are a turn at the vendor of at most two seconds and some requests.</summary>
    private static readonly TimeSpan DecidedWithin = TimeSpan.FromSeconds(20);

    /// <summary>As decided, with <see cref="Reasons.CustomerMerged"/> for those whose message another recipient's is, and as in a merge (<see cref="Decided.IsFrozen"/>) those of whom that is not certain yet. Costs a query where somebody was merged since the launch, else nothing.</summary>
    public async Task<IReadOnlyDictionary<string, Decided>> WithoutDoublesAsync(
        Campaign campaign, IReadOnlyList<Versioned<Batch>> free, IReadOnlyDictionary<string, Decided> decided, CancellationToken cancellation)
    {
        var merged = free.SelectMany(b => b.Value.Recipients.Where(r => r is { IsReady: true, Status: MessageStatus.Pending }).Select(r => r.CustomerId))
            .Where(id => decided[id] is { Decision.To: not null, IsFrozen: false, Customer.Value: var customer } && IdsOf(customer, campaign).Count > 1)
            .ToDictionary(id => id, id => IdsOf(decided[id].Customer!.Value, campaign));
        if (merged.Count == 0)
        {
            return decided;
        }

        var all = merged.Values.SelectMany(ids => ids).ToHashSet();
        var places = (await batches.OfCustomersAsync(campaign.Id, all, cancellation))
            .SelectMany(b => b.Value.Recipients.Select((r, i) => (Place: (b.Value.Number, i), Recipient: r)))
            .Where(p => all.Contains(p.Recipient.CustomerId)).ToDictionary(p => p.Recipient.CustomerId);
        var settled = clock.GetUtcNow() - DecidedWithin;
        return decided.ToDictionary(d => d.Key, d =>
        {
            if (!merged.TryGetValue(d.Key, out var ids))
            {
                return d.Value;
            }

            var others = ids.Where(id => id != d.Key && places.ContainsKey(id)).Select(id => places[id]).ToList();
            var open = others.Where(o => o.Recipient.Status == MessageStatus.Pending).ToList();
            return others.Any(o => o.Recipient.IsHandedOver) ? d.Value with { Decision = SendDecision.Skip(Reasons.CustomerMerged) }
                : open.Count > 0 && d.Value.Customer!.Value.Merged!.Any(m => ids.Contains(m.Id) && m.At > settled) ? d.Value with { IsFrozen = true }
                : open.Any(o => o.Place.CompareTo(places[d.Key].Place) < 0) ? d.Value with { Decision = SendDecision.Skip(Reasons.CustomerMerged) }
                : d.Value;
        });
    }

    /// <summary>Under which a person may be in the audience.</summary>
    private static HashSet<string> IdsOf(Customer customer, Campaign campaign) =>
        [customer.Id, .. (customer.Merged ?? []).Where(m => m.At >= campaign.LaunchedAt - Skew).Select(m => m.Id)];
}
