using System.Globalization;
using System.Runtime.CompilerServices;
using CsvHelper;
using Microsoft.AspNetCore.Http;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Delivery;

/// <summary>One recipient's copy and what became of it.</summary>
/// <param name="CustomerName">Null when the customer is gone or has no name.</param>
/// <param name="Reason">Why it failed, was suppressed or skipped, or is unknown.</param>
/// <param name="Variant">Null when the campaign has one content only, or nothing was sent.</param>
/// <param name="NotBefore">To be sent, and not earlier than this.</param>
public sealed record MessageView(
    string MessageId, string CustomerId, string? CustomerName, MessageStatus Status, string? Reason,
    DateTimeOffset? At, DateTimeOffset? SentAt, DateTimeOffset? DeliveredAt, DateTimeOffset? OpenedAt, DateTimeOffset? ClickedAt,
    string? Variant, string? Vendor, DateTimeOffset? NotBefore);

/// <param name="Because">Why it is taken for a program's; null: it is taken for a person's.</param>
/// <param name="Agent">The user agent; null: a vendor reported the event.</param>
/// <param name="Link">Tells the links of a message apart.</param>
public sealed record MessageEventView(MessageEventKind Kind, DateTimeOffset At, bool Automated, AutomationReason? Because, string? Agent, string? Link);

/// <param name="AutoOpenedAt">When a program opened it first.</param>
/// <param name="Deferred">How often the vendor put it off.</param>
/// <param name="Price">What the vendor charges; null: unknown, or not sent.</param>
/// <param name="Events">As they were reported, in order of time: the first thirty.</param>
public sealed record MessageDetailView(
    MessageView Message, DateTimeOffset? AutoOpenedAt, DateTimeOffset? AutoClickedAt, int Deferred, string? Domain, decimal? Price, IReadOnlyList<MessageEventView> Events);

/// <summary>Who got it, who did not, and why. Batches have numbers, so a page is a few reads by id and no query.</summary>
public sealed class CampaignMessages(WorkspaceStore<Campaign> campaigns, BatchStore batches, CustomerStore customers, Cursors cursors)
{
    private const int BatchesPerRead = 10;

    /// <summary>Per page: a rare status is looked for in so many messages; the cursor goes on from there.</summary>
    private const int MaxReads = 10;

    private static readonly string[] Columns =
        ["messageId", "customerId", "externalId", "name", "status", "reason", "variant", "vendor", "at", "sentAt", "deliveredAt", "openedAt", "clickedAt"];

    public async Task<Campaign> CampaignAsync(string id, CancellationToken cancellation) =>
        (await campaigns.ReadAsync(id, cancellation))?.Value ?? throw new CampaignNotFound(id).ToException();

    public async Task<Page<MessageView>> ReadAsync(Campaign campaign, MessageFilter filter, PageRequest page, string list, CancellationToken cancellation)
    {
        var (number, index) = Parse(page.Position);
        var found = new List<(Batch Batch, int Index)>(page.Limit + 1);
        var (next, reads) = ((string?)null, 0);
        var ids = await IdsAsync(filter.CustomerId, cancellation);
        await foreach (var some in FromAsync(campaign.Id, ids, number, cancellation))
        {
            var places = Places(some, filter, ids).Where(p => p.Batch.Number > number || p.Index >= index);
            found.AddRange(places.Take(page.Limit + 1 - found.Count));
            if (found.Count > page.Limit)
            {
                next = $"{found[^1].Batch.Number}.{found[^1].Index}";
                found.RemoveAt(found.Count - 1);
                break;
            }

            if (++reads == MaxReads && some.Count == BatchesPerRead)
            {
                next = $"{some[^1].Number + 1}.0";
                break;
            }
        }

        var people = await PeopleAsync(found, cancellation);
        return new([.. found.Select(f => View(campaign, f.Batch, f.Index, people))], next is null ? null : cursors.Protect(list, next));
    }

    /// <exception cref="Platform.Errors.ProblemException">There is no such message in the campaign.</exception>
    public async Task<MessageDetailView> ReadAsync(string campaignId, string messageId, CancellationToken cancellation)
    {
        var campaign = await CampaignAsync(campaignId, cancellation);
        if (MessageId.TryParse(messageId) is not { } place || place.CampaignId != campaignId
            || (await batches.ReadManyAsync([place.BatchId], cancellation)).SingleOrDefault()?.Value is not { } batch || place.Index >= batch.Recipients.Count)
        {
            throw new MessageNotFound(messageId).ToException();
        }

        var r = batch.Recipients[place.Index];
        var events = r.Events ?? [];
        var why = Automation.Explain(events, r.DeliveredAt ?? r.SentAt);
        return new(
            View(campaign, batch, place.Index, await PeopleAsync([(batch, place.Index)], cancellation)), batch.Time(r.AutoOpenedAt), batch.Time(r.AutoClickedAt), r.Deferred ?? 0,
            r.Domain is { } domain ? batch.Domains?.ElementAtOrDefault(domain) : null, r.SentAt is null ? null : batch.PriceOf(r) / PriceTable.Scale,
            [.. events.Select((e, i) => new MessageEventView(e.Kind, batch.Time(e.At)!.Value, why[i] is not null, why[i], e.Agent, e.Link))]);
    }

    /// <summary>All of them as a file, read and sent a thousand at a time.</summary>
    public IResult Export(Campaign campaign, MessageFilter filter) => new CsvReply($"campaign-{campaign.Id}.csv", (csv, aborted) => WriteAsync(csv, campaign, filter, aborted));

    private async Task WriteAsync(CsvWriter csv, Campaign campaign, MessageFilter filter, CancellationToken cancellation)
    {
        foreach (var column in Columns)
        {
            csv.WriteField(column);
        }

        await csv.EndRecordAsync(cancellation);
        var ids = await IdsAsync(filter.CustomerId, cancellation);
        await foreach (var some in FromAsync(campaign.Id, ids, 0, cancellation))
        {
            var places = Places(some, filter, ids).ToList();
            var people = await PeopleAsync(places, cancellation);
            foreach (var (batch, index) in places)
            {
                var m = View(campaign, batch, index, people);
                foreach (var text in new[] { m.MessageId, m.CustomerId, people.GetValueOrDefault(m.CustomerId)?.ExternalId, m.CustomerName, Name(m.Status), m.Reason, m.Variant, m.Vendor })
                {
                    csv.WriteField(text ?? "");
                }

                foreach (var time in new[] { m.At, m.SentAt, m.DeliveredAt, m.OpenedAt, m.ClickedAt })
                {
                    csv.WriteField(time is { } at ? UtcTimeConverter.Write(at) : "");
                }

                await csv.EndRecordAsync(cancellation);
            }

            await csv.FlushAsync(cancellation);
        }
    }

    /// <summary>Under which a customer may have messages: its own, and those of the customers that became part of it.</summary>
    private async Task<IReadOnlySet<string>?> IdsAsync(string? customerId, CancellationToken cancellation)
    {
        if (customerId is null)
        {
            return null;
        }

        var customer = (await customers.ReadFollowingAsync(customerId, cancellation))?.Value;
        return (HashSet<string>)[customerId, .. customer is null ? [] : (customer.Merged ?? []).Select(m => m.Id).Append(customer.Id)];
    }

    /// <summary>Batches from a number on, in their order; of one customer only those with a message to it.</summary>
    private async IAsyncEnumerable<List<Batch>> FromAsync(string campaignId, IReadOnlySet<string>? people, int number, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (people is not null)
        {
            yield return [.. (await batches.OfCustomersAsync(campaignId, people, cancellation)).Select(b => b.Value).Where(b => b.Number >= number).OrderBy(b => b.Number)];
            yield break;
        }

        for (var count = BatchesPerRead; count == BatchesPerRead; number += BatchesPerRead)
        {
            var some = await batches.ReadManyAsync([.. Enumerable.Range(number, BatchesPerRead).Select(n => Batch.BatchId(campaignId, n))], cancellation);
            count = some.Count;
            yield return [.. some.Select(b => b.Value)];
        }
    }

    private static IEnumerable<(Batch Batch, int Index)> Places(IEnumerable<Batch> some, MessageFilter filter, IReadOnlySet<string>? people) =>
        some.SelectMany(b => Enumerable.Range(0, b.Recipients.Count).Select(i => (Batch: b, Index: i))).Where(p => filter.Matches(p.Batch, p.Index, people));

    /// <summary>By the recipient's id: who they are by now.</summary>
    private async Task<Dictionary<string, Customer>> PeopleAsync(IReadOnlyList<(Batch Batch, int Index)> places, CancellationToken cancellation)
    {
        var ids = places.Select(p => p.Batch.Recipients[p.Index].CustomerId).Distinct().ToList();
        var slots = await customers.ReadSlotsAsync(ids, cancellation);
        return ids.Select(id => (Id: id, Slot: CustomerSlot.Follow(slots, id))).Where(p => (p.Slot?.Customer ?? p.Slot?.Frozen) is not null).ToDictionary(p => p.Id, p => p.Slot!.Customer ?? p.Slot.Frozen!);
    }

    private static MessageView View(Campaign campaign, Batch batch, int index, Dictionary<string, Customer> people)
    {
        var r = batch.Recipients[index];
        return new(
            batch.MessageId(index), r.CustomerId, people.TryGetValue(r.CustomerId, out var customer) ? Name(customer) : null, r.Status, r.Reason,
            batch.Time(r.At), batch.Time(r.SentAt), batch.Time(r.DeliveredAt), batch.Time(r.OpenedAt), batch.Time(r.ClickedAt),
            r.IsHandedOver && campaign.Variants.Count > 1 ? campaign.Variants.ElementAtOrDefault(r.Variant ?? 0)?.Name : null, r.IsHandedOver ? batch.VendorOf(index) : null,
            r.Status == MessageStatus.Pending ? batch.Time(r.NotBefore) : null);
    }

    private static string Name(MessageStatus status) => status.ToString().ToLowerInvariant();

    private static string? Name(Customer c) => (c.FirstName, c.LastName) switch
    {
        (null, var last) => last ?? c.Company,
        (var first, null) => first,
        var (first, last) => $"{first} {last}",
    };

    private static (int Number, int Index) Parse(string? position)
    {
        if (position is null)
        {
            return (0, 0);
        }

        var dot = position.IndexOf('.');
        return (int.Parse(position.AsSpan(0, dot), CultureInfo.InvariantCulture), int.Parse(position.AsSpan(dot + 1), CultureInfo.InvariantCulture));
    }
}
