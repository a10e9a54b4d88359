using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>What is about to be written of how segments ask about each other.</summary>
public sealed record LinksUnderWay : IWorkspaceItem
{
    public const string KindName = "segment-links";

    public string Id => KindName;

    public string Kind => KindName;

    public IReadOnlyList<LinkChange> Changes { get; init; } = [];
}

/// <param name="Id">Of this announcement.</param>
/// <param name="Uses">The segments that it is going to ask about; null: it is going to be deleted.</param>
/// <param name="User">Set: not a segment is going to ask about them, but this, whose id <paramref name="SegmentId"/> is.</param>
public sealed record LinkChange(string Id, string SegmentId, IReadOnlyList<string>? Uses, DateTimeOffset At, SegmentUse? User = null);

/// <summary>
/// Keeps segments from asking about each other in a circle, and those asked about from being deleted, also when two such
/// changes are made at once: each is checked against what is stored and what others are about to store, and announced by
/// compare-and-swap before it is written. Of two changes that do not go together the second one to be announced fails.
/// </summary>
public sealed class SegmentLinks(
    WorkspaceStore<LinksUnderWay> links, SegmentDirectory directory, RuleParser parser, IEnumerable<ISegmentUser> users, Ids ids, TimeProvider clock)
{
    /// <summary>An announcement that was not taken back for so long belongs to a write that is over, one way or the other.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(1);

    /// <summary>Writes a segment whose rule asks about <paramref name="uses"/>, if that closes no circle.</summary>
    public async Task<T> SaveAsync<T>(string segmentId, IReadOnlyList<string> uses, Func<Task<T>> write, CancellationToken cancellation)
    {
        if (uses.Count == 0)
        {
            return await write();
        }

        var change = new LinkChange(ids.New(), segmentId, uses, clock.GetUtcNow());
        await AnnounceAsync(change, (stored, others) => CheckSave(change, stored, others), cancellation);
        return await WriteAsync(change, write);
    }

    /// <summary>
    /// Writes something of another feature that needs the segment from then on, as its <see cref="ISegmentUser"/> will say.
    /// Announced like a rule that asks about it: a deletion that is announced later sees the one or the other.
    /// </summary>
    /// <returns>False: the segment is gone, or about to go, and nothing was written.</returns>
    public async Task<bool> TryUseAsync(SegmentUse user, string segmentId, Func<Task> write, CancellationToken cancellation)
    {
        var change = new LinkChange(ids.New(), user.Id, [segmentId], clock.GetUtcNow(), user);
        var isThere = true;
        await AnnounceAsync(change, (stored, others) => isThere = stored.ContainsKey(segmentId) && !others.Deleted.Contains(segmentId), cancellation);
        await WriteAsync(change, async () =>
        {
            if (isThere)
            {
                await write();
            }

            return true;
        });
        return isThere;
    }

    /// <summary>Deletes a segment that nobody asks about and no campaign needs.</summary>
    public async Task DeleteAsync(string segmentId, Func<Task> delete, CancellationToken cancellation)
    {
        var change = new LinkChange(ids.New(), segmentId, null, clock.GetUtcNow());
        await AnnounceAsync(change, (stored, others) => CheckDelete(segmentId, stored, others), cancellation);
        await WriteAsync(change, async () =>
        {
            // Asked after the announcement: who was not announced before it either has written, and is seen here, or will be refused.
            var used = (await Task.WhenAll(users.Select(u => u.UsesOfAsync(segmentId, cancellation)))).SelectMany(u => u).ToList();
            if (used.Count > 0)
            {
                throw new SegmentInUse(used).ToException();
            }

            await delete();
            return true;
        });
    }

    private static void CheckSave(LinkChange change, Dictionary<string, Segment> stored, Links links)
    {
        var missing = change.Uses!.Where(s => s != change.SegmentId && (!stored.ContainsKey(s) || links.Deleted.Contains(s))).ToList();
        if (missing.Count > 0)
        {
            throw new RuleInvalid(new Dictionary<string, string[]> { ["/rule"] = [.. missing.Select(m => $"There is no segment {m}.")] }).ToException();
        }

        var open = new Stack<string>(change.Uses!);
        var seen = new HashSet<string>();
        while (open.TryPop(out var other))
        {
            if (other == change.SegmentId)
            {
                throw new SegmentCycle(change.SegmentId).ToException();
            }

            if (seen.Add(other))
            {
                foreach (var next in links.Uses[other])
                {
                    open.Push(next);
                }
            }
        }
    }

    private static void CheckDelete(string segmentId, Dictionary<string, Segment> stored, Links links)
    {
        var by = links.Uses.Where(l => l.Key != segmentId && l.Contains(segmentId))
            .Select(l => links.Users.GetValueOrDefault(l.Key) ?? new SegmentUse("segment", l.Key, stored.GetValueOrDefault(l.Key)?.Name ?? "being created")).ToList();
        if (by.Count > 0)
        {
            throw new SegmentInUse(by).ToException();
        }
    }

    private async Task AnnounceAsync(LinkChange change, Action<Dictionary<string, Segment>, Links> check, CancellationToken cancellation)
    {
        while (true)
        {
            // In this order: who has taken back its announcement before this has written its segment.
            var current = await links.ReadAsync(LinksUnderWay.KindName, cancellation);
            var stored = (await directory.AllAsync(cancellation)).ToDictionary(s => s.Id);
            var others = (current?.Value.Changes ?? []).Where(c => clock.GetUtcNow() - c.At < Forgotten).ToList();
            check(stored, Merge(stored.Values, others));
            var announced = new LinksUnderWay { Changes = [.. others, change] };
            var done = current is null ? await links.TryCreateAsync(announced, cancellation) : await links.TryReplaceAsync(announced, current.ETag, cancellation);
            if (done is not null)
            {
                return;
            }
        }
    }

    private async Task<T> WriteAsync<T>(LinkChange change, Func<Task<T>> write)
    {
        try
        {
            return await write();
        }
        finally
        {
            // Whoever asked for this may be gone; the announcement must go all the same.
            await links.UpdateAsync(LinksUnderWay.KindName, l => l with { Changes = [.. l.Changes.Where(c => c.Id != change.Id)] }, CancellationToken.None);
        }
    }

    /// <summary>What is stored and what is announced together: an edit may yet fail, so the rule there is counts as well.</summary>
    private Links Merge(IEnumerable<Segment> stored, IReadOnlyList<LinkChange> announced) => new(
        stored.SelectMany(s => parser.TryParse(s.Rule)?.Segments.Select(u => (s.Id, Use: u)) ?? [])
            .Concat(announced.SelectMany(c => (c.Uses ?? []).Select(u => (Id: c.SegmentId, Use: u))))
            .ToLookup(l => l.Id, l => l.Use),
        [.. announced.Where(c => c.Uses is null).Select(c => c.SegmentId)],
        announced.Select(c => c.User).OfType<SegmentUse>().DistinctBy(u => u.Id).ToDictionary(u => u.Id));

    /// <param name="Uses">By segment, the segments it asks about.</param>
    private sealed record Links(ILookup<string, string> Uses, HashSet<string> Deleted, Dictionary<string, SegmentUse> Users);
}
