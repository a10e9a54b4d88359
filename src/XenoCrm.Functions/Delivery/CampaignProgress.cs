using System.Runtime.CompilerServices;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Delivery;

/// <summary>How far a campaign is.</summary>
/// <param name="Planned">Whether the audience is complete.</param>
/// <param name="PerSecond">Messages that were decided about (sent, or not for a reason) over the last seconds; null: not known yet.</param>
/// <param name="SecondsLeft">
/// Until the last one is, at this rate, but for those that wait for a later time (<see cref="Counts.Waiting"/>); null while nobody can tell.
/// </param>
public sealed record ProgressView(CampaignState State, bool Planned, Counts Messages, double? PerSecond, int? SecondsLeft);

/// <summary>
/// The progress of campaigns, as it happens. Everybody who looks at a campaign shares one reading a second, and where
/// nobody looks nothing is read.
/// </summary>
public sealed class CampaignProgress(WorkspaceStore<Campaign> campaigns, WorkspaceStore<Plan> plans, BatchStore batches, TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Of which the rate is taken.</summary>
    private const int Readings = 10;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Feed> feeds = [];

    private sealed record Reading(long Number, DateTimeOffset At, ProgressView View);

    private sealed class Feed
    {
        public int Listeners { get; set; }

        public Queue<Reading> Recent { get; } = new();

        public Reading? Last { get; set; }

        public Task<Reading>? Next { get; set; }
    }

    /// <summary>Ends with an event <c>end</c> when the campaign has ended; null: nothing has changed for a second.</summary>
    public async IAsyncEnumerable<ServerEvent?> FollowAsync(string id, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var feed = Enter(id);
        try
        {
            for (Reading? seen = null; ;)
            {
                var reading = await NextAsync(id, feed, seen?.Number ?? 0).WaitAsync(cancellation);
                var hasEnded = reading.View.State is CampaignState.Completed or CampaignState.Cancelled or CampaignState.Failed;
                yield return hasEnded || reading.View != seen?.View
                    ? new(hasEnded ? "end" : "progress", reading.At.ToUnixTimeMilliseconds().ToString(System.Globalization.CultureInfo.InvariantCulture), reading.View)
                    : null;
                if (hasEnded)
                {
                    yield break;
                }

                seen = reading;
            }
        }
        finally
        {
            Leave(id, feed);
        }
    }

    private Feed Enter(string id)
    {
        lock (gate)
        {
            if (!feeds.TryGetValue(id, out var feed))
            {
                feeds[id] = feed = new();
            }

            feed.Listeners++;
            return feed;
        }
    }

    private void Leave(string id, Feed feed)
    {
        lock (gate)
        {
            if (--feed.Listeners == 0)
            {
                feeds.Remove(id);
            }
        }
    }

    /// <summary>The reading after that number: the last one, or the one that is under way, or a new one.</summary>
    private Task<Reading> NextAsync(string id, Feed feed, long seen)
    {
        lock (gate)
        {
            if (feed.Last is { } last && last.Number > seen)
            {
                return Task.FromResult(last);
            }

            if (feed.Next is null or { IsCompleted: true })
            {
                feed.Next = ReadAsync(id, feed);
            }

            return feed.Next;
        }
    }

    /// <summary>Not any listener's own: one that leaves must not take it away from the others.</summary>
    private async Task<Reading> ReadAsync(string id, Feed feed)
    {
        await Task.Yield();
        if (feed.Last is { } last && last.At + Interval - clock.GetUtcNow() is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, clock);
        }

        var campaign = (await campaigns.ReadAsync(id, CancellationToken.None))?.Value ?? throw new CampaignNotFound(id).ToException();
        var plan = (await plans.ReadAsync(id, CancellationToken.None))?.Value;
        var counts = (await batches.SumAsync(id, CancellationToken.None)).Counts;
        lock (gate)
        {
            var at = clock.GetUtcNow();
            var isPlanned = plan?.Done == true || campaign.State == CampaignState.Cancelled;
            var rate = feed.Recent.TryPeek(out var first) && at > first.At ? (Decided(counts) - Decided(first.View.Messages)) / (at - first.At).TotalSeconds : (double?)null;
            var view = new ProgressView(
                campaign.State, isPlanned, counts, rate is null ? null : Math.Round(rate.Value, 1),
                !isPlanned ? null : counts.Queued == counts.Waiting ? 0 : rate > 0 ? (int)Math.Ceiling((counts.Queued - counts.Waiting) / rate.Value) : null);
            feed.Last = new((feed.Last?.Number ?? 0) + 1, at, view);
            feed.Recent.Enqueue(feed.Last);
            if (feed.Recent.Count > Readings)
            {
                feed.Recent.Dequeue();
            }

            return feed.Last;
        }
    }

    private static int Decided(Counts counts) => counts.Audience - counts.Queued;
}
