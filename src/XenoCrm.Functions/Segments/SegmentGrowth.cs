using System.Globalization;
using Microsoft.Azure.Cosmos;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>How many members a segment had on each day of a year: 366 small numbers, one item.</summary>
public sealed record GrowthYear : IWorkspaceItem
{
    public const string KindName = "segment-growth";

    public required string Id { get; init; }

    public string Kind => KindName;

    public required string SegmentId { get; init; }

    /// <summary>By day, <c>MM-dd</c>: the last count of the day (UTC).</summary>
    public IReadOnlyDictionary<string, long> Members { get; init; } = new Dictionary<string, long>();

    public static string IdOf(string segmentId, int year) => $"{segmentId}.{year:0000}";
}

/// <param name="Members">At the last count of the day (UTC).</param>
/// <param name="Change">Against the day before it in this list; absent on the first.</param>
public sealed record GrowthDay(DateOnly Day, long Members, long? Change);

/// <summary>Days on which nothing was counted are not in the list: before the segment was there, or while the service was down.</summary>
public sealed record GrowthResponse(string SegmentId, DateOnly From, DateOnly To, IReadOnlyList<GrowthDay> Days);

/// <summary>
/// Keeps the number of members per segment and day. Every rebuild counts anyway, and there is one at least each hour; a timer
/// right before midnight counts all once more, by the index, so that the day's figure is that of its end.
/// </summary>
public sealed class SegmentGrowth(WorkspaceStore<GrowthYear> years, SegmentDirectory directory, CustomerStore customers, TimeProvider clock)
{
    public const string Cron = "0 55 23 * * *";

    /// <summary>When no first day is asked for.</summary>
    public const int DefaultDays = 30;

    public const int MaxDays = 1100;

    public async Task RecordAsync(string segmentId, long members, CancellationToken cancellation)
    {
        var day = clock.GetUtcNow().UtcDateTime;
        var id = GrowthYear.IdOf(segmentId, day.Year);
        var key = Key(DateOnly.FromDateTime(day));
        while (await years.UpdateAsync(id, y => y.Members.TryGetValue(key, out var known) && known == members ? null : With(y, key, members), cancellation) is null)
        {
            await years.TryCreateAsync(With(new GrowthYear { Id = id, SegmentId = segmentId }, key, members), cancellation);
        }
    }

    public async Task RecordAllAsync(CancellationToken cancellation)
    {
        foreach (var segment in await directory.AllAsync(cancellation))
        {
            await RecordAsync(segment.Id, await customers.CountAsync(CompiledRule.ToFilterTagged(segment.Id), cancellation), cancellation);
        }
    }

    /// <param name="from">Null: 30 days before <paramref name="to"/>.</param>
    /// <param name="to">Included; null: today.</param>
    public async Task<GrowthResponse> ReadAsync(string segmentId, DateOnly? from, DateOnly? to, CancellationToken cancellation)
    {
        await directory.RequireAsync(segmentId, cancellation);
        var last = to ?? DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
        var first = from ?? (last.DayNumber < DefaultDays ? DateOnly.MinValue : last.AddDays(-DefaultDays));
        if (first > last || last.DayNumber - first.DayNumber >= MaxDays)
        {
            throw Platform.Errors.RequestInvalid.At("/from", $"A day at most {MaxDays - 1} days before 'to' is expected, and none after it.").ToException();
        }

        var found = await Task.WhenAll(Enumerable.Range(first.Year, last.Year - first.Year + 1).Select(async year =>
            (Year: year, Item: await years.ReadAsync(GrowthYear.IdOf(segmentId, year), cancellation))));
        var days = new List<GrowthDay>();
        foreach (var (year, item) in found)
        {
            foreach (var (key, members) in (item?.Value.Members ?? new Dictionary<string, long>()).OrderBy(m => m.Key, StringComparer.Ordinal))
            {
                var day = DateOnly.ParseExact($"{year:0000}-{key}", "yyyy-MM-dd", CultureInfo.InvariantCulture);
                if (day >= first && day <= last)
                {
                    days.Add(new(day, members, days.Count == 0 ? null : members - days[^1].Members));
                }
            }
        }

        return new(segmentId, first, last, days);
    }

    /// <summary>After a segment's deletion.</summary>
    public async Task RemoveAsync(string segmentId, CancellationToken cancellation)
    {
        var query = new QueryDefinition("SELECT * FROM c WHERE c.segmentId = @id").WithParameter("@id", segmentId);
        await foreach (var (year, _) in years.QueryAsync(query, cancellation))
        {
            await years.DeleteAsync(year.Id, etag: null, cancellation);
        }
    }

    private static GrowthYear With(GrowthYear year, string key, long members) =>
        year with { Members = new Dictionary<string, long>(year.Members) { [key] = members } };

    private static string Key(DateOnly day) => day.ToString("MM-dd", CultureInfo.InvariantCulture);
}
