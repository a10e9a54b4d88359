using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <param name="Customer">As read at the moment of sending: the one that was asked for, or that it was merged into; null when there is none any more.</param>
/// <param name="AddressHash">Null without an address.</param>
/// <param name="IsFrozen">The customer is just being merged, or was a moment ago, and is as it was before.</param>
public sealed record Decided(Versioned<Customer>? Customer, SendDecision Decision, string? AddressHash, bool IsFrozen = false);

/// <summary>Applies <see cref="SendRules"/> to a run of recipients: two reads for a thousand of them.</summary>
/// <remarks>Nothing is written to the customer here: what became of the message is recorded once, when it has settled (<see cref="RecordMessages"/>).</remarks>
public sealed class SendDecisions(CustomerStore customers, SuppressionStore suppressions, AddressHasher hasher, IOptions<DeliveryOptions> options)
{
    /// <returns>By customer id; one for each that is asked for.</returns>
    public async Task<IReadOnlyDictionary<string, Decided>> DecideAsync(Channel channel, IReadOnlyCollection<string> customerIds, CancellationToken cancellation)
    {
        var slots = await customers.ReadSlotsAsync(customerIds, cancellation);
        var found = customerIds.ToDictionary(id => id, id => CustomerSlot.Follow(slots, id));
        var people = found.Values.OfType<CustomerSlot>().DistinctBy(s => s.Id).Select(s => (s.Customer ?? s.Frozen) is { } customer ? new Versioned<Customer>(customer, s.ETag) : null).OfType<Versioned<Customer>>();
        var decided = await DecideAsync(channel, [.. people], cancellation);
        return found.ToDictionary(f => f.Key, f => f.Value is { } slot && decided.GetValueOrDefault(slot.Id) is { } person
            ? person with { IsFrozen = slot.IsFrozen || IsBehind(slot, f.Key) }
            : new Decided(null, SendRules.Decide(null, channel, null, options.Value.RequireConsent), null));
    }

    /// <summary>Whether the customer was read before, and the one who was merged into it after their merge: the two are not read at one time.</summary>
    private static bool IsBehind(CustomerSlot slot, string id) =>
        slot.Id != id && (slot.Customer ?? slot.Frozen) is { } customer && customer.Merged?.Any(m => m.Id == id) != true;

    /// <summary>As above, for customers as they were read.</summary>
    public async Task<IReadOnlyDictionary<string, Decided>> DecideAsync(Channel channel, IReadOnlyCollection<Versioned<Customer>> people, CancellationToken cancellation)
    {
        var hashes = people
            .Select(c => (c.Value.Id, Address: SendRules.Address(c.Value, channel)))
            .Where(c => c.Address is not null)
            .ToDictionary(c => c.Id, c => hasher.Hash(channel, c.Address!));
        var suppressed = await suppressions.ReasonsAsync(hashes.Values, cancellation);
        return people.ToDictionary(c => c.Value.Id, customer =>
        {
            var hash = hashes.GetValueOrDefault(customer.Value.Id);
            var reason = hash is null ? null : suppressed.GetValueOrDefault(hash);
            return new Decided(customer, SendRules.Decide(customer.Value, channel, reason, options.Value.RequireConsent), hash);
        });
    }
}
