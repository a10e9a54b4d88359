using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Items that may match, for one execution.</summary>
/// <param name="Estimate">How many items reading them costs.</param>
/// <param name="ByRid">They come by ascending rid, each once.</param>
internal sealed record Candidates(long Estimate, bool ByRid, Func<IEnumerable<StoredItem>> Read)
{
    public static readonly Candidates None = new(0, true, () => []);

    /// <summary>The items in the order they were stored, each once, from a rid on.</summary>
    public IEnumerable<StoredItem> InOrder(long fromRid)
    {
        if (ByRid)
        {
            return Read().Where(i => i.Rid >= fromRid);
        }

        var items = Read().Where(i => i.Rid >= fromRid).ToArray();
        Array.Sort(items, static (a, b) => a.Rid.CompareTo(b.Rid));
        return Distinct(items);
    }

    private static IEnumerable<StoredItem> Distinct(StoredItem[] sorted)
    {
        for (var i = 0; i < sorted.Length; i++)
        {
            if (i == 0 || sorted[i].Rid != sorted[i - 1].Rid)
            {
                yield return sorted[i];
            }
        }
    }
}

/// <summary>Chooses how to reach the items of one execution: by key, by an index, or (null) by reading all.</summary>
internal sealed class Planner(IQuerySource source, Row row)
{
    /// <summary>So many are read sooner than an index is searched, which may have to be built first: most partitions are as small.</summary>
    public const int FewItems = 32;

    public Candidates? Choose(Access? access) => access switch
    {
        AllOf all => Narrowest(all),
        AnyOf any => Union(any),
        PathCondition condition => Ranges(condition.Path, [condition]),
        _ => null,
    };

    /// <summary>The values a path must have for WHERE to hold: one interval around them.</summary>
    public Interval? Bounds(Access? access, string path)
    {
        IEnumerable<PathCondition> conditions = access switch
        {
            PathCondition one => [one],
            AllOf all => all.Parts.OfType<PathCondition>(),
            _ => [],
        };
        var intervals = Intervals(conditions.Where(c => c.Path == path));
        return intervals.Count switch
        {
            0 => null,
            1 => intervals[0],
            _ => new(intervals.Min(i => i.Lower!.Value), true, intervals.Max(i => i.Upper!.Value), true),
        };
    }

    /// <summary>The conditions on other paths, and how many there are on this one.</summary>
    public static (Access? Others, int Own) Split(Access? access, string path)
    {
        IReadOnlyList<Access> parts = access switch { null => [], AllOf all => all.Parts, _ => [access] };
        var others = parts.Where(p => p is not PathCondition condition || condition.Path != path).ToList();
        return (others.Count == 0 ? null : new AllOf(others), parts.Count - others.Count);
    }

    public List<Interval> Intervals(IEnumerable<PathCondition> conditions)
    {
        List<Interval> result = [Interval.Everything];
        foreach (var condition in conditions)
        {
            var values = condition.Values.Select(v => v(row).Decoded()).ToList();
            if (condition.IsList)
            {
                values = values[0].EnumerateArray().ToList();
            }

            // Elements of an array are independent: two conditions on them may hold for two different elements.
            var allowed = Interval.Of(condition.Kind, values);
            result = [.. result.SelectMany(a => allowed.Select(b => a.Intersect(b))).OfType<Interval>()];
        }

        return result;
    }

    private Candidates? Narrowest(AllOf all)
    {
        var byPath = all.Parts.OfType<PathCondition>().GroupBy(c => c.Path, StringComparer.Ordinal);
        var options = byPath
            .SelectMany(g => g.Key.Contains("/[]/", StringComparison.Ordinal) ? g.Select(c => Ranges(g.Key, [c])) : [Ranges(g.Key, g)])
            .Concat(all.Parts.Where(p => p is not PathCondition).Select(Choose));
        return options.OfType<Candidates>().MinBy(c => c.Estimate);
    }

    private Candidates? Union(AnyOf any)
    {
        // The usual case, a list of keys with their partition keys: one lookup for all.
        var parts = any.Parts.Select(p => p is AllOf all ? all.Parts.OfType<PathCondition>().FirstOrDefault(IsKey) : p as PathCondition).ToList();
        if (parts.TrueForAll(p => p is not null && IsKey(p)))
        {
            return Keys(parts.SelectMany(p => Intervals([p!])));
        }

        var found = new List<Candidates>();
        foreach (var part in any.Parts)
        {
            if (Choose(part) is not { } candidates)
            {
                return null;
            }

            found.Add(candidates);
        }

        return new(found.Sum(c => c.Estimate), false, () => found.SelectMany(c => c.Read()));
    }

    private static bool IsKey(PathCondition condition) =>
        condition is { Path: PathCondition.Id, Kind: RangeKind.Equal or RangeKind.In };

    private Candidates Keys(IEnumerable<Interval> points)
    {
        var ids = points.Select(p => p.Lower?.AsString()).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        return ids.Count == 0 ? Candidates.None : new(ids.Count, false, () => source.ById(ids));
    }

    private Candidates? Ranges(string path, IEnumerable<PathCondition> conditions)
    {
        var intervals = Intervals(conditions);
        if (intervals.Count == 0)
        {
            return Candidates.None;
        }

        if (path == PathCondition.Id)
        {
            return intervals.TrueForAll(i => i.IsPoint) ? Keys(intervals) : IdRange(intervals[0]);
        }

        if (source.EstimatedCount <= FewItems || source.FindIndex(path) is not { } index)
        {
            return null;
        }

        var estimate = intervals.Sum(i => (long)index.EstimateCount(i.Lower, i.LowerInclusive, i.Upper, i.UpperInclusive));
        return new(
            estimate,
            intervals is [{ IsPoint: true }],
            () => intervals.SelectMany(i => index.Range(i.Lower, i.LowerInclusive, i.Upper, i.UpperInclusive, descending: false)));
    }

    private Candidates IdRange(Interval interval) => new(
        // The index on ids has no counts. A part of it is always better than a scan, but any other index is likely better.
        source.EstimatedCount / 4,
        false,
        () => ById(source, interval, descending: false));

    public static IEnumerable<StoredItem> ById(IQuerySource source, Interval interval, bool descending)
    {
        // A bound that is not a string stands for the ends of the strings.
        var from = interval.Lower?.AsString();
        var to = interval.Upper?.AsString();
        return source.ByIdRange(from, from is null || interval.LowerInclusive, to, to is null || interval.UpperInclusive, descending);
    }
}
