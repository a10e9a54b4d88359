using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>
/// Recipients that were made one customer after the campaign's audience was frozen get one message: the one that has gone
/// out already, else the first of those that are to be sent. Whose message was decided about before the merge was another
/// customer then.
/// </summary>
public sealed class MergedRecipients(BatchStore batches)
{
    /// <summary>The clocks of two instances.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>As decided, with <see cref="Reasons.CustomerMerged"/> for those whose message another recipient's is. Costs a query where somebody was merged since the launch, else nothing.</summary>
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
        var doubles = merged.Where(m => m.Value.Any(other => other != m.Key && places.TryGetValue(other, out var theirs)
            && (theirs.Recipient.IsHandedOver || (theirs.Recipient.Status == MessageStatus.Pending && theirs.Place.CompareTo(places[m.Key].Place) < 0)))).Select(m => m.Key).ToHashSet();
        return doubles.Count == 0
            ? decided
            : decided.ToDictionary(d => d.Key, d => doubles.Contains(d.Key) ? d.Value with { Decision = SendDecision.Skip(Reasons.CustomerMerged) } : d.Value);
    }

    /// <summary>Under which a person may be in the audience.</summary>
    private static HashSet<string> IdsOf(Customer customer, Campaign campaign) =>
        [customer.Id, .. (customer.Merged ?? []).Where(m => m.At >= campaign.LaunchedAt - Skew).Select(m => m.Id)];
}
