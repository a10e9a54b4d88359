using Microsoft.Extensions.Logging;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

public enum PassEnd
{
    Done,

    /// <summary>The time is up; the message says where to go on.</summary>
    OutOfTime,

    /// <summary>The segment has changed meanwhile (its own message is on its way), or its rule cannot be read.</summary>
    Overtaken,
}

/// <summary>
/// Goes over the customers whose tag is wrong. The query says who they are and what they have; no customer is read whole, and
/// the next page is read while this one is written. Only where rules ask about other segments, and where someone else was
/// faster, are customers read and evaluated against all rules in memory.
/// </summary>
public sealed class RebuildPass(CustomerStore customers, CustomerTags tags, SegmentTagger tagger, TimeProvider clock, ILogger<RebuildPass> log)
{
    // Rows of 200 bytes, ten bulk requests.
    private const int PageSize = 1000;

    // Whole customers of 1.5 KB: well under the 4 MB of a query page.
    private const int WholePageSize = 500;
    private const int Attempts = 8;

    /// <param name="show">Called every few seconds with how far it is.</param>
    public async Task<(RebuildSegment Message, PassEnd End)> RunAsync(
        Segment segment, RebuildSegment message, TimeSpan budget, TimeSpan showEvery, Func<RebuildSegment, Task> show, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        var shown = started;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<CandidatePage?>? ahead = null;
        try
        {
            while (true)
            {
                if (await (ahead ?? ReadAsync(segment, message, stop.Token)) is not { } page)
                {
                    return (message, PassEnd.Overtaken);
                }

                ahead = page.Next is null ? null : ReadAsync(segment, message with { AfterId = page.Next }, stop.Token);
                var removing = message.Removing || segment.Deleted;
                var changed = await WriteAsync(segment.Id, removing, page.Candidates, cancellation);
                message = removing ? message with { Removed = message.Removed + changed } : message with { Added = message.Added + changed };
                if (page.Next is not null)
                {
                    message = message with { AfterId = page.Next };
                }
                else if (!message.Removing && !segment.Deleted)
                {
                    message = message with { Removing = true, AfterId = null };
                }
                else
                {
                    return (message, PassEnd.Done);
                }

                if (clock.GetElapsedTime(started) > budget)
                {
                    return (message, PassEnd.OutOfTime);
                }

                if (clock.GetElapsedTime(shown) > showEvery)
                {
                    shown = clock.GetTimestamp();
                    await show(message);
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            if (ahead is not null)
            {
                await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<CandidatePage?> ReadAsync(Segment segment, RebuildSegment message, CancellationToken cancellation)
    {
        await tagger.RefreshAsync(cancellation);
        if (Filter(segment, message, new Moment(clock.GetUtcNow())) is not { } filter)
        {
            return null;
        }

        List<Candidate> page;
        int full;
        if (tagger.Rules.AnyAsksAboutSegments)
        {
            full = WholePageSize;
            page = [.. (await customers.PageAsync(filter, message.AfterId, full, cancellation)).Select(c => new Candidate(c.Value.Id, c.ETag, c.Value.SegmentIds, c.Value))];
        }
        else
        {
            full = PageSize;
            page = [.. (await tags.PageAsync(filter, message.AfterId, full, cancellation)).Select(c => new Candidate(c.Value.Id, c.ETag, c.Value.SegmentIds ?? [], null))];
        }

        return new(page, page.Count < full ? null : page[^1].Id);
    }

    private CustomerFilter? Filter(Segment segment, RebuildSegment message, in Moment moment)
    {
        if (segment.Deleted)
        {
            return CompiledRule.ToFilterTagged(segment.Id);
        }

        return tagger.Rules.Find(segment.Id) is not { Rule: { } rule } active || active.Version != segment.Version ? null
            : message.Since is { } since ? rule.ToFilterCrossed(segment.Id, message.Removing, new Moment(since), moment)
            : message.Removing ? rule.ToFilterWrongTag(segment.Id, moment)
            : rule.ToFilterMissingTag(segment.Id, moment);
    }

    private async Task<int> WriteAsync(string segmentId, bool removing, IReadOnlyList<Candidate> candidates, CancellationToken cancellation)
    {
        var changed = 0;
        for (var attempt = 0; candidates.Count > 0; attempt++)
        {
            if (attempt == Attempts)
            {
                log.LogContended(segmentId, candidates.Count);
                break;
            }

            await tagger.RefreshAsync(cancellation);
            var moment = new Moment(clock.GetUtcNow());
            var changes = new List<TagChange>(candidates.Count);
            foreach (var candidate in candidates)
            {
                var ids = candidate.Customer is { } customer
                    ? tagger.Rules.SegmentsOf(customer, moment)
                    : removing ? [.. candidate.SegmentIds.Where(s => s != segmentId)]
                    : [.. candidate.SegmentIds.Append(segmentId).Order(StringComparer.Ordinal)];
                if (!ReferenceEquals(ids, candidate.SegmentIds))
                {
                    changes.Add(new(candidate.Id, candidate.ETag, ids));
                }
            }

            var lost = await tags.WriteAsync(changes, cancellation);
            changed += changes.Count - lost.Count;
            candidates = lost.Count == 0
                ? []
                : [.. (await customers.ReadManyAsync(lost, cancellation)).Select(c => new Candidate(c.Value.Id, c.ETag, c.Value.SegmentIds, c.Value))];
        }

        return changed;
    }

    /// <param name="Customer">Null: the query's word is taken.</param>
    private readonly record struct Candidate(string Id, string ETag, IReadOnlyList<string> SegmentIds, Customer? Customer);

    /// <param name="Next">Null: it was the last.</param>
    private sealed record CandidatePage(IReadOnlyList<Candidate> Candidates, string? Next);
}
