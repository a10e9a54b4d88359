using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <param name="Retaken">It may be with the vendor already: it counts, whatever the caps say.</param>
/// <param name="IsHeldOut">Is not sent: it is only asked whether it would be.</param>
public sealed record CapRequest(Versioned<Customer> Customer, string MessageId, bool Retaken, bool IsHeldOut);

/// <param name="Capped">Message ids.</param>
/// <param name="Gone">Message ids of customers that went at this moment, or are about to become part of another.</param>
public sealed record CapAnswer(IReadOnlySet<string> Capped, IReadOnlySet<string> Gone);

/// <summary>
/// Keeps the caps over all campaigns that send at the same time: a message takes its place at the customer, by
/// compare-and-swap on the customer's item, before its intent is stored. Of two campaigns that find the last place free one
/// writes, and the other reads again.
/// </summary>
/// <remarks>
/// A place is taken under the message's id, so a sender that takes over from a dead one finds it taken by itself. It is given
/// back before it is recorded that the message was not sent: a crash in between repeats both, and nothing is left behind. The
/// places are on the item that the sender reads anyway, so they cost no reading, and go where the customer goes: merged with
/// it, erased with it.
/// </remarks>
public sealed partial class CapBook(CustomerStore customers, IOptions<DeliveryOptions> options, ILogger<CapBook> log)
{
    /// <summary>The time of a place that is older is set anew when its message is sent after all: caps count from there.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    /// <summary>A merge is over within this, mostly within milliseconds.</summary>
    private const int FrozenTries = 20;
    private static readonly TimeSpan FrozenDelay = TimeSpan.FromMilliseconds(250);

    public bool IsSetUp => options.Value.Caps.Count > 0;

    public bool Counts(Campaign campaign) => IsSetUp && campaign.Sending?.IgnoreCaps != true;

    /// <summary>Whether another message would be above the caps now.</summary>
    public bool IsCapped(Campaign campaign, Customer customer, DateTimeOffset now) =>
        Counts(campaign) && Caps.Exceeds(options.Value.Caps, customer.Contacts, campaign.Channel, null, now);

    /// <summary>Takes a place for each message that is not above the caps.</summary>
    public async Task<CapAnswer> ReserveAsync(Channel channel, IReadOnlyCollection<CapRequest> requests, DateTimeOffset now, CancellationToken cancellation)
    {
        HashSet<string> capped = [], gone = [];
        while (requests.Count > 0)
        {
            var changes = new List<(Versioned<Customer>, IReadOnlyList<Contact>)>(requests.Count);
            foreach (var request in requests)
            {
                var contacts = request.Customer.Value.Contacts;
                var over = !request.Retaken && Caps.Exceeds(options.Value.Caps, contacts, channel, request.MessageId, now);
                if (over)
                {
                    capped.Add(request.MessageId);
                }
                else
                {
                    // Somebody may have given a place back since it was looked at first.
                    capped.Remove(request.MessageId);
                }

                if (Place(contacts, request, channel, over, now) is { } changed)
                {
                    changes.Add((request.Customer, changed));
                }
            }

            var lost = await customers.SetContactsAsync(changes, cancellation);
            var again = (await customers.ReadManyAsync(lost, cancellation)).ToDictionary(c => c.Value.Id);
            var missed = requests.Where(r => lost.Contains(r.Customer.Value.Id)).ToList();
            gone.UnionWith(missed.Where(r => !again.ContainsKey(r.Customer.Value.Id)).Select(r => r.MessageId));
            requests = [.. missed.Where(r => again.ContainsKey(r.Customer.Value.Id)).Select(r => r with { Customer = again[r.Customer.Value.Id] })];
        }

        return new(capped, gone);
    }

    /// <summary>Gives back the places of messages that are not sent after all; those that have none are no matter.</summary>
    public async Task ReleaseAsync(IEnumerable<(string CustomerId, string MessageId)> messages, CancellationToken cancellation)
    {
        var left = messages.ToLookup(m => m.CustomerId, m => m.MessageId);
        for (var tries = 0; IsSetUp && left.Count > 0; tries++)
        {
            var slots = await customers.ReadSlotsAsync([.. left.Select(m => m.Key)], cancellation);
            var changes = new Dictionary<string, (Versioned<Customer> Customer, IReadOnlyList<Contact> Contacts)>();
            var again = new HashSet<string>();
            var places = left.ToLookup(m => CustomerSlot.Follow(slots, m.Key)?.Id, m => m.Key);
            foreach (var same in places.Where(p => p.Key is not null))
            {
                var slot = slots[same.Key!];
                if (slot.IsFrozen)
                {
                    again.UnionWith(same);
                }
                else if (slot is { Customer: { Contacts: { } contacts } customer, ETag: var etag })
                {
                    var ids = same.SelectMany(id => left[id]).ToHashSet();
                    var kept = contacts.Where(c => !ids.Contains(c.MessageId)).ToList();
                    if (kept.Count < contacts.Count)
                    {
                        changes[customer.Id] = (new(customer, etag), kept);
                    }
                }
            }

            var waits = again.Count > 0;
            foreach (var id in await customers.SetContactsAsync([.. changes.Values], cancellation))
            {
                again.UnionWith(places[id]);
            }

            if (waits)
            {
                if (tries == FrozenTries)
                {
                    // It runs out by itself; the message's own state matters more.
                    LogNotReleased(again.Count);
                    return;
                }

                await Task.Delay(FrozenDelay, cancellation);
            }

            left = left.Where(m => again.Contains(m.Key)).SelectMany(m => m.Select(id => (m.Key, id))).ToLookup(m => m.Key, m => m.id);
        }
    }

    /// <returns>The places after the request; null when they are as they were.</returns>
    private IReadOnlyList<Contact>? Place(IReadOnlyList<Contact>? contacts, CapRequest request, Channel channel, bool over, DateTimeOffset now)
    {
        var own = contacts?.FirstOrDefault(c => c.MessageId == request.MessageId);
        var sends = !over && !request.IsHeldOut;
        if (sends ? own?.At > now - Fresh : own is null)
        {
            return null;
        }

        var oldest = now.AddDays(-options.Value.Caps.Max(c => c.Days));
        var others = (contacts ?? []).Where(c => c.MessageId != request.MessageId && c.At > oldest);
        return sends ? [.. others, new(request.MessageId, channel.Name(), now)] : [.. others];
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} messages that were not sent keep counting for the caps of their customers, who are being merged")]
    private partial void LogNotReleased(int count);
}
