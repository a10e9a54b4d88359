using System.Globalization;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Delivery;

/// <summary>One recipient's copy and what became of it.</summary>
/// <param name="CustomerName">Null when the customer is gone or has no name.</param>
/// <param name="Reason">Why it failed, was suppressed or skipped, or is unknown.</param>
public sealed record MessageView(
    string MessageId, string CustomerId, string? CustomerName, MessageStatus Status, string? Reason,
    DateTimeOffset? At, DateTimeOffset? SentAt, DateTimeOffset? OpenedAt, DateTimeOffset? ClickedAt);

/// <summary>Who got it, who did not, and why. Batches have numbers, so a page is a few reads by id and no query.</summary>
public sealed class CampaignMessages(WorkspaceStore<Campaign> campaigns, BatchStore batches, CustomerStore customers, Cursors cursors)
{
    private const int BatchesPerRead = 10;

    /// <summary>Per page: a rare status is looked for in so many messages; the cursor goes on from there.</summary>
    private const int MaxReads = 10;

    public async Task<Page<MessageView>> ReadAsync(string campaignId, MessageStatus? status, PageRequest page, string list, CancellationToken cancellation)
    {
        if (await campaigns.ReadAsync(campaignId, cancellation) is null)
        {
            throw new CampaignNotFound(campaignId).ToException();
        }

        var (number, index) = Parse(page.Position);
        var found = new List<(Batch Batch, int Index)>(page.Limit);
        string? next = null;
        for (var reads = 0; ; reads++)
        {
            if (reads == MaxReads)
            {
                next = $"{number}.0";
                break;
            }

            var some = await batches.ReadManyAsync([.. Enumerable.Range(number, BatchesPerRead).Select(n => Batch.BatchId(campaignId, n))], cancellation);
            var places = some.SelectMany(b => Enumerable.Range(0, b.Value.Recipients.Count).Select(i => (Batch: b.Value, Index: i)))
                .Where(p => p.Batch.Number > number || p.Index >= index)
                .Where(p => status is null || p.Batch.Recipients[p.Index].Status == status);
            found.AddRange(places.Take(page.Limit + 1 - found.Count));
            if (found.Count > page.Limit)
            {
                next = $"{found[^1].Batch.Number}.{found[^1].Index}";
                found.RemoveAt(found.Count - 1);
                break;
            }

            if (some.Count < BatchesPerRead)
            {
                break;
            }

            (number, index) = (number + BatchesPerRead, 0);
        }

        var names = (await customers.ReadManyAsync([.. found.Select(f => f.Batch.Recipients[f.Index].CustomerId).Distinct()], cancellation))
            .ToDictionary(c => c.Value.Id, c => Name(c.Value));
        return new([.. found.Select(f => View(f.Batch, f.Index, names))], next is null ? null : cursors.Protect(list, next));
    }

    private static MessageView View(Batch batch, int index, Dictionary<string, string?> names)
    {
        var r = batch.Recipients[index];
        return new(
            batch.MessageId(index), r.CustomerId, names.GetValueOrDefault(r.CustomerId), r.Status, r.Reason,
            batch.Time(r.At), batch.Time(r.SentAt), batch.Time(r.OpenedAt), batch.Time(r.ClickedAt));
    }

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
